"""baton handoffs list | show | retry | mended"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from gateway.callbacks.store import as_json as appointment_json
from gateway.cli.common import environment
from gateway.db.work import Work
from gateway.delivery.store import Delivery, DeliveryState
from gateway.handoffs.store import Handoff, HandoffView, WaitEnd, as_json
from gateway.notify.shown import ladder_lines, ladders_of, warnings_of
from gateway.wiring import Env
from policies.sla.units import parse_duration

PAGE = 500
_WAITS = {
    WaitEnd.ACCEPTED: "somebody accepted before the customer was put through",
    WaitEnd.NOBODY: "nobody accepted in time",
    WaitEnd.IMPOSSIBLE: "at once: its source cannot wait for an accept (`baton doctor`)",
}


@click.group()
def handoffs() -> None:
    """Conversations that went to people."""


@handoffs.command("list")
@click.option("--state", type=click.Choice([s.value for s in DeliveryState]), help="Of the delivery.")
@click.option("--limit", default=20, show_default=True)
@click.option("--problems", is_flag=True, help="Instead: what only a person can put right, such as a doubled ticket.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
def list_handoffs(state: str | None, limit: int, problems: bool, as_lines: bool) -> None:
    """Newest first."""
    env = environment("WARNING")
    if problems:
        _list_problems(env, limit, as_lines=as_lines)
        return
    with env.reading() as tx:
        views = tx.handoffs.page(limit, state=state)
    for view in views:
        click.echo(json.dumps(as_json(view)) if as_lines else _line(view))


@handoffs.command("show")
@click.argument("handoff_id")
@click.option("--json", "as_object", is_flag=True)
def show(handoff_id: str, as_object: bool) -> None:
    """One handoff: where its ticket stands, every attempt, its clocks, its ladders and who was reached."""
    env = environment("WARNING")
    with env.reading() as tx:
        view = tx.handoffs.view(handoff_id)
        if view is None:
            raise click.ClickException(f"no handoff {handoff_id}")
        delivery = tx.deliveries.of_handoff(handoff_id)
        attempts = tx.deliveries.attempts_of(delivery.id) if delivery else []
        clocks = tx.clocks.of_handoff(handoff_id)
        appointments = [appointment_json(version) for version in tx.appointments.of_handoff(handoff_id)]
        ladders, chat = ladders_of(tx, handoff_id), warnings_of(tx, handoff_id)
    if as_object:
        found = {**as_json(view), "attempts": [
            {"at": at.isoformat(), "step": step, "outcome": outcome, "detail": detail, "took_ms": took}
            for at, step, outcome, detail, took in attempts
        ], "ladders": ladders, "chat": chat, "appointments": appointments}  # fmt: skip
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(_line(view))
    click.echo(f"  ticket     {view.ticket_url or 'none yet'}")
    click.echo(f"  because    {', '.join(view.handoff.because)}   (policy {view.handoff.policy_revision})")
    if view.handoff.announcement:
        click.echo(f"  announce   {view.handoff.announcement}")
    click.echo(f"  transfer   {_transfer(view.handoff)}")
    for clock in clocks:
        due = f"due {clock.due_at:%Y-%m-%d %H:%M:%SZ}, " if clock.due_at else ""
        click.echo(f"  clock      {clock.metric}: {due}{clock.state.replace('_', ' ')}")
    if view.handoff.accepted_by:
        click.echo(f"  taken by   {view.handoff.accepted_by}")
    for version in appointments:
        click.echo(f"  callback   {version['starts_at']} ({version['zone']}): {version['state']}")
    for ladder in ladders:
        click.echo("\n".join(ladder_lines(ladder)))
    for told in chat:
        click.echo(f"  chat       {told['purpose']} to {told['to']}: {told['state']}")
    for at, step, outcome, detail, took in attempts:
        click.echo(f"  {at:%H:%M:%S}   {step:<9} {outcome:<12} {took} ms   {detail or ''}".rstrip())


def _transfer(handoff: Handoff) -> str:
    """How it reaches people, and what became of the wait for somebody's accept."""
    if handoff.wait_ended and handoff.wait_ended_at:
        return f"{handoff.mode}, {_WAITS[handoff.wait_ended]} ({handoff.wait_ended_at:%H:%M:%SZ})"
    waits = f", waits for somebody to accept until {handoff.accept_by:%H:%M:%SZ}" if handoff.accept_by else ""
    return handoff.mode + waits


@handoffs.command("mended")
@click.argument("problem_id")
def mended(problem_id: str) -> None:
    """A problem has been put right at the helpdesk: stop showing it."""
    env = environment("WARNING")
    with env.transaction() as tx:
        if not tx.problems.mended(problem_id, env.now()):
            raise click.ClickException(f"no open problem {problem_id}; `baton handoffs list --problems` shows them")
    click.echo(f"{problem_id} is mended")


@handoffs.command("retry")
@click.argument("handoff_id", required=False)
@click.option("--helpdesk", help="Every dead one of this helpdesk.")
@click.option("--since", help="Every dead one promised since then: 24h, 30m, or 2026-11-20.")
@click.option("--error", help="Every dead one whose last error has these words.")
@click.option("--all", "every", is_flag=True, help="Every dead one.")
@click.option("--yes", is_flag=True, help="Really do it; without, only says what would be done.")
def retry(
    handoff_id: str | None, helpdesk: str | None, since: str | None, error: str | None, every: bool, yes: bool
) -> None:
    """
    Bring dead deliveries back: one handoff, or all that fit every filter given. Says what it would do; --yes does it.
    If a ticket may already exist, it is looked for first.
    """
    filtered = bool(helpdesk or since or error or every)
    if bool(handoff_id) == filtered:
        raise click.UsageError("name one handoff, or choose with --helpdesk, --since, --error or --all")
    env = environment("WARNING")
    from_then = _since(since, env.now()) if since else None
    chosen = [
        (view, delivery)
        for view, delivery in _dead(env, from_then)
        if (not handoff_id or view.handoff.id == handoff_id)
        and (not helpdesk or view.handoff.helpdesk == helpdesk)
        and (not error or error.lower() in (view.last_error or "").lower())
    ]
    if handoff_id and not chosen:
        raise click.ClickException(f"{handoff_id} is not dead: nothing to retry")
    for view, delivery in chosen:
        click.echo(_line(view))
        click.echo(f"  {'now' if yes else 'would'}: {_what_retry_does(delivery)}")
        if yes:
            revive(env, view.handoff.id)
    click.echo(f"{len(chosen)} dead deliveries {'brought back' if yes else 'would be brought back; --yes does it'}")


def _dead(env: Env, since: datetime | None) -> Iterator[tuple[HandoffView, Delivery]]:
    """Newest first, each page read by itself."""
    before = None
    while True:
        with env.reading() as tx:
            views = tx.handoffs.page(PAGE, before, state=DeliveryState.DEAD.value)
            found = [(view, tx.deliveries.of_handoff(view.handoff.id)) for view in views]
        for view, delivery in found:
            if since is not None and view.handoff.promised_at < since:
                return
            if delivery is not None:
                yield view, delivery
        if len(views) < PAGE:
            return
        before = (views[-1].handoff.promised_at, views[-1].handoff.id)


def _what_retry_does(delivery: Delivery) -> str:
    if delivery.reopens:
        return f"open ticket {delivery.ticket.number or delivery.ticket.ticket_id} again" if delivery.ticket else "send"
    if delivery.ticket:
        return f"complete ticket {delivery.ticket.number or delivery.ticket.ticket_id}, which is there"
    if delivery.unsure:
        return "look whether its ticket is there; send only if it is not"
    return "make the request anew and send it (the helpdesk has none of it)"


def _since(text: str, now: datetime) -> datetime:
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a duration (24h) nor a date (2026-11-20)") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _list_problems(env: Env, limit: int, *, as_lines: bool) -> None:
    with env.reading() as tx:
        found = tx.problems.open_ones(limit)
    for problem in found:
        marked = "marked" if problem.marked_at else "not marked yet"
        told = {
            "id": problem.id, "kind": problem.kind, "helpdesk": problem.helpdesk, "handoff_id": problem.handoff_id,
            "ticket": {"id": problem.ticket.ticket_id, "url": problem.ticket.url}, "detail": problem.detail,
            "found_at": problem.found_at.isoformat(),
            "marked_at": problem.marked_at.isoformat() if problem.marked_at else None,
        }  # fmt: skip
        line = (
            f"{problem.id}  {problem.found_at:%Y-%m-%d %H:%MZ}  {problem.kind}  {problem.helpdesk} "
            f"{problem.ticket.ticket_id}: {problem.detail} ({problem.handoff_id}, {marked})"
        )
        click.echo(json.dumps(told) if as_lines else line)


def revive(env: Env, handoff_id: str) -> None:
    """Put a dead delivery back on its way. What is unsure stays unsure: it is looked for before anything is sent."""
    with env.transaction() as tx:
        delivery = tx.deliveries.of_handoff(handoff_id)
        if delivery is None or delivery.state is not DeliveryState.DEAD:
            return
        state = DeliveryState.OPENED if delivery.ticket and not delivery.reopens else DeliveryState.PENDING
        # A refused request was refused for what it says: it is made anew, unless a ticket may stand on the old one.
        body = delivery.body if delivery.unsure else None
        tx.deliveries.change(delivery.id, env.now(), state=state.value, body=body, revived_at=env.now())
        tx.later(Work("deliver", delivery.id, env.now(), lane=delivery.helpdesk))


def _line(view: HandoffView) -> str:
    handoff = view.handoff
    ticket = view.ticket_number or view.ticket_id or "-"
    return (
        f"{handoff.id}  {handoff.promised_at:%Y-%m-%d %H:%MZ}  {view.delivery_state:<8} {handoff.status.value:<8} "
        f"{handoff.helpdesk} {ticket}  {handoff.route}/{handoff.tier}  {view.last_error or ''}"
    ).rstrip()


def register(cli: click.Group) -> None:
    cli.add_command(handoffs)
