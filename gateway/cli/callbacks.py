"""baton callbacks list | kept | missed"""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import click

from gateway.callbacks.report import NotNow, report
from gateway.callbacks.store import Appointment, Standing, as_json
from gateway.cli.common import environment

LATELY = timedelta(days=7)


@click.group()
def callbacks() -> None:
    """Calls that customers were promised."""


@callbacks.command("list")
@click.option("--state", type=click.Choice([s.value for s in Standing]), help="Only these.")
@click.option("--limit", default=50, show_default=True)
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
def list_callbacks(state: str | None, limit: int, as_lines: bool) -> None:
    """What is to come, and what was missed in the last week; earliest first, by the customer's clock."""
    env = environment("WARNING")
    with env.reading() as tx:
        if state:
            found = tx.appointments.page([Standing(state)], limit)
        else:
            found = tx.appointments.page([Standing.MISSED, Standing.BOOKED], limit, since=env.now() - LATELY)
    for appointment in found:
        click.echo(json.dumps(as_json(appointment)) if as_lines else _line(appointment))


@callbacks.command("kept")
@click.argument("handoff_id")
def kept(handoff_id: str) -> None:
    """The call with this handoff's customer was made."""
    _report(handoff_id, Standing.KEPT)


@callbacks.command("missed")
@click.argument("handoff_id")
def missed(handoff_id: str) -> None:
    """It was not made: those whom the ladder names for that are told."""
    _report(handoff_id, Standing.MISSED)


def _report(handoff_id: str, outcome: Standing) -> None:
    env = environment("WARNING")
    try:
        with env.transaction() as tx:
            done = report(tx, handoff_id, outcome, env.now())
    except LookupError:
        raise click.ClickException(f"no handoff {handoff_id} that had an appointment") from None
    except NotNow as error:
        raise click.ClickException(f"{handoff_id}: {error}") from None
    click.echo(_line(done))


def _line(appointment: Appointment) -> str:
    zone = ZoneInfo(appointment.zone)
    starts, ends = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
    confirmed = "confirmed" if appointment.confirmed_at else "asked for"
    state = confirmed if appointment.state is Standing.BOOKED else appointment.state.value
    return (
        f"{appointment.id}  {starts:%Y-%m-%d %H:%M}-{ends:%H:%M} {appointment.zone}  {state:<9}  "
        f"{appointment.team}  {appointment.handoff_id}"
    )


def register(cli: click.Group) -> None:
    cli.add_command(callbacks)
