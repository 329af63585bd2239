"""baton up, serve, work, relay: the processes."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from gateway.cli.common import config_path, environment, settings
from gateway.jobs.queues import QUEUES
from gateway.settings import SANDBOX_CHAT
from gateway.supervise.processes import DidNotStart
from gateway.supervise.up import Plan, Up, rehearsal_config
from gateway.telemetry.logs import configure_logs
from policies.load import load_policy


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0: any free one.")
@click.option("--workers", default=0, help="Delivery workers. Default: one for each helpdesk, two at the least.")
def up(host: str, port: int, workers: int) -> None:
    """
    Run everything on this machine: Redis, gateway, relay, workers, and a sandbox for every helpdesk that asks for one.

    Without a baton.yml, writes one with three sources and three sandbox helpdesks. One Ctrl-C ends all.
    """
    configure_logs("WARNING")
    path = config_path()
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(rehearsal_config(), "utf-8")
        click.echo(f"No {path} here: wrote one that rehearses with sandbox helpdesks.")
    system = Up(Plan(path.resolve(), host=host, port=port, delivery_workers=workers))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        system.supervisor.stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        addresses = system.start()
        click.echo(f"gateway   {addresses.gateway}   (POST /v1/in/<source>)")
        for name, url in addresses.sandboxes.items():
            shows = "what arrived in the chat" if name.startswith(SANDBOX_CHAT) else "tickets as an agent sees them"
            click.echo(f"sandbox   {url}   ({name}: {shows})")
        click.echo(f"sources   {', '.join(system.settings.sources)}")
        click.echo(f"logs      {system.settings.var / 'log'}")
        click.echo("Try: baton send gateway/demo/conversations/legal_threat.http     Ctrl-C ends everything.")
        system.supervisor.watch()
    except DidNotStart as error:
        raise click.ClickException(str(error)) from error
    finally:
        system.stop()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--processes", default=2, show_default=True)
@click.option("--threads", default=8, show_default=True, help="Per process.")
def serve(host: str, port: int, processes: int, threads: int) -> None:
    """Run the gateway alone (gunicorn). Any number of them may share one database and one Redis."""
    from gateway.supervise.gunicorn_server import run_gunicorn

    _readable()  # said here, and not by each of gunicorn's processes
    run_gunicorn(f"{host}:{port}", processes=processes, threads=threads, may_reload=_readable)


def _readable() -> None:
    """Raises SettingsError or PolicyErrors if a process could not start now."""
    load_policy(settings().policies)


@click.command()
@click.argument("queue", type=click.Choice(QUEUES))
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
def work(queue: str, burst: bool) -> None:
    """Run one worker for QUEUE. `delivery` talks to helpdesks, `clock` fires SLA timers: have at least one of each."""
    from gateway.jobs.worker import run_worker

    run_worker(environment(), queue, burst=burst)


@click.command()
def relay() -> None:
    """Ring for due work that nobody took, and fire timers. One is needed; two are safer; more change nothing."""
    from gateway.jobs.relay import Relay

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: stop.set())
    Relay(environment()).run(stop)


def register(cli: click.Group) -> None:
    for command in (up, serve, work, relay):
        cli.add_command(command)
