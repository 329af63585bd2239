"""baton demo: the whole way once, on this machine, and the tickets it leads to."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import click

from gateway.demo.play import NotAsPromised, Played, answer_as_agent, play
from gateway.supervise.processes import DidNotStart
from gateway.supervise.up import Plan, Up, rehearsal_config
from gateway.telemetry.logs import configure_logs


@click.command()
@click.option("--keep", is_flag=True, help="Leave it running afterwards, until Ctrl-C.")
def demo(keep: bool) -> None:
    """
    Start everything on free ports, play real-shaped conversations from three chatbot sources to three sandbox
    helpdesks, print the tickets as agents see them, stop. Exit 0 only if all is as promised.
    """
    configure_logs("WARNING")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="baton-demo-") as folder:
        token = secrets.token_urlsafe(24)
        os.environ["BATON_API_TOKENS"] = token
        config = Path(folder) / "baton.yml"
        config.write_text(rehearsal_config(chat=False), "utf-8")
        system = Up(Plan(config, port=0))
        try:
            addresses = system.start()
            click.echo(f"Up in {time.monotonic() - began:.1f} s: {addresses.gateway}")
            played = []
            for one in play(system.settings, addresses.gateway, addresses.sandboxes, token):
                _show(one)
                played.append(one)
            for one in played:
                if one.helpdesk:
                    clock = answer_as_agent(addresses.gateway, addresses.sandboxes[one.helpdesk], token, one)
                    click.echo(
                        f"{one.helpdesk}: an agent replied; response clock {clock['outcome']} at {clock['stopped_at']}"
                    )
            click.echo(f"\nAll as promised: {sum(1 for p in played if p.ticket)} handoffs, as many tickets, "
                       f"{time.monotonic() - began:.1f} s.")  # fmt: skip
            if keep:
                click.echo("\n".join(f"{n}: {url}" for n, url in addresses.sandboxes.items()) + "\nCtrl-C ends it.")
                system.supervisor.watch()
        except (NotAsPromised, DidNotStart) as error:
            click.echo(f"NOT AS PROMISED: {error}", err=True)
            _show_logs(Path(folder) / "var" / "log")
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo()
        finally:
            system.stop()


def _show(played: Played) -> None:
    click.echo("\n" + "═" * 100)
    click.echo(f"{played.source}: {played.expected.file}")
    for number, answer in enumerate(played.answers, start=1):
        decision = answer["decision"]
        told = (
            f" → {decision['route']}, {decision['tier']}, by {decision['respond_by']}"
            if "respond_by" in decision
            else ""
        )
        click.echo(f"  call {number:>2}: {decision['action']} {' '.join(decision['rules'])}{told}")
    if played.ticket is None:
        click.echo("  no handoff, no ticket")
        return
    ticket = played.ticket
    click.echo("─" * 100)
    click.echo(
        f"{played.helpdesk}  ticket {ticket['number'] or ticket['id']}  [{ticket['priority']}]  "
        f"respond by {ticket['fields'].get('respond_by')}"
    )
    click.echo(f"{ticket['subject']}")
    click.echo(f"requester {ticket['requester']}   tags {' '.join(ticket['tags'])}")
    for note in ticket["private_notes"]:
        click.echo(textwrap.indent(note.strip(), "  │ "))


def _show_logs(folder: Path) -> None:
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text("utf-8", "replace").splitlines()[-8:]
        if lines:
            click.echo(f"--- {path.name}\n" + "\n".join(lines), err=True)


def register(cli: click.Group) -> None:
    cli.add_command(demo)
