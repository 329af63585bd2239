"""baton handoffs list | show | retry"""

from __future__ import annotations

import json

import click

from gateway.cli.common import environment
from gateway.db.work import Work
from gateway.delivery.store import DeliveryState
from gateway.handoffs.store import HandoffView, as_json
from gateway.wiring import Env


@click.group()
def handoffs() -> None:
    """Conversations that went to people."""


@handoffs.command("list")
@click.option("--state", type=click.Choice([s.value for s in DeliveryState]), help="Of the delivery.")
@click.option("--limit", default=20, show_default=True)
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
def list_handoffs(state: str | None, limit: int, as_lines: bool) -> None:
    """Newest first."""
    env = environment("WARNING")
    with env.reading() as tx:
        views = tx.handoffs.page(limit, state=state)
    for view in views:
        click.echo(json.dumps(as_json(view)) if as_lines else _line(view))


@handoffs.command("show")
@click.argument("handoff_id")
@click.option("--json", "as_object", is_flag=True)
def show(handoff_id: str, as_object: bool) -> None:
    """One handoff: where its ticket stands, every attempt, its clocks."""
    env = environment("WARNING")
    with env.reading() as tx:
        view = tx.handoffs.view(handoff_id)
        if view is None:
            raise click.ClickException(f"no handoff {handoff_id}")
        delivery = tx.deliveries.of_handoff(handoff_id)
        attempts = tx.deliveries.attempts_of(delivery.id) if delivery else []
        clocks = tx.clocks.of_handoff(handoff_id)
    if as_object:
        found = {**as_json(view), "attempts": [
            {"at": at.isoformat(), "step": step, "outcome": outcome, "detail": detail, "took_ms": took}
            for at, step, outcome, detail, took in attempts
        ]}  # fmt: skip
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(_line(view))
    click.echo(f"  ticket     {view.ticket_url or 'none yet'}")
    click.echo(f"  because    {', '.join(view.handoff.because)}   (policy {view.handoff.policy_revision})")
    for clock in clocks:
        state = clock.outcome or ("overdue" if env.now() > clock.due_at else "running")
        click.echo(f"  clock      {clock.metric}: due {clock.due_at:%Y-%m-%d %H:%M:%SZ}, {state}")
    for at, step, outcome, detail, took in attempts:
        click.echo(f"  {at:%H:%M:%S}   {step:<9} {outcome:<12} {took} ms   {detail or ''}".rstrip())


@handoffs.command("retry")
@click.argument("handoff_id", required=False)
@click.option("--dead", is_flag=True, help="Every dead one.")
@click.option("--yes", is_flag=True, help="Really do it; without, only says what would be done.")
def retry(handoff_id: str | None, dead: bool, yes: bool) -> None:
    """
    Send dead deliveries again. If a ticket may already exist, it is looked for first.
    """
    if bool(handoff_id) == dead:
        raise click.UsageError("name one handoff, or use --dead")
    env = environment("WARNING")
    with env.reading() as tx:
        views = tx.handoffs.page(1000, state=DeliveryState.DEAD.value)
    chosen = [v for v in views if dead or v.handoff.id == handoff_id]
    if handoff_id and not chosen:
        raise click.ClickException(f"{handoff_id} is not dead: nothing to retry")
    for view in chosen:
        click.echo(f"{'retrying' if yes else 'would retry'} {_line(view)}")
        if yes:
            revive(env, view.handoff.id)


def revive(env: Env, handoff_id: str) -> None:
    """Put a dead delivery back on its way. What is unsure stays unsure: it is looked for before anything is sent."""
    with env.transaction() as tx:
        delivery = tx.deliveries.of_handoff(handoff_id)
        if delivery is None or delivery.state is not DeliveryState.DEAD:
            return
        state = DeliveryState.OPENED if delivery.ticket else DeliveryState.PENDING
        # A refused request was refused for what it says: it is made anew, unless a ticket may stand on the old one.
        body = delivery.body if delivery.unsure else None
        tx.deliveries.change(delivery.id, env.now(), state=state.value, body=body, revived_at=env.now())
        tx.later(Work("deliver", delivery.id, env.now()))


def _line(view: HandoffView) -> str:
    handoff = view.handoff
    ticket = view.ticket_number or view.ticket_id or "-"
    return (
        f"{handoff.id}  {handoff.promised_at:%Y-%m-%d %H:%MZ}  {view.delivery_state:<8} {handoff.status.value:<8} "
        f"{handoff.helpdesk} {ticket}  {handoff.route}/{handoff.tier}  {view.last_error or ''}"
    ).rstrip()


def register(cli: click.Group) -> None:
    cli.add_command(handoffs)
