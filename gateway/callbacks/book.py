"""
Booking a call, and what becomes of it. Everything that follows (the note on the ticket, the timers, the clock's facts)
is written in the same transaction. News count by their own times: in whatever order they come, they end in the same
place.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gateway.callbacks.invitation import invitation_text
from gateway.callbacks.offer import Told, offered, say, slots_of, team_of, zone_of
from gateway.callbacks.store import Appointment, Standing, as_json
from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from gateway.ids import new_id
from gateway.sla.facts import OURS
from packets.conversation import Conversation
from packets.event import Event, EventKind
from policies.model import PolicySet
from policies.sla.callback import BOOKED, FREE, TAKEN, may_book, reminder_at
from policies.sla.facts import Fact, Kind
from policies.sla.roster import Callbacks, Team
from policies.sla.tiers import SCHEDULED_CALLBACK

if TYPE_CHECKING:
    from gateway.wiring import Transaction

log = logging.getLogger(__name__)
TIMER = "callback_timer"  # the kind of work that reminds, and finds out that a call was missed; one row a version


def take_wish(
    tx: Transaction, policy: PolicySet, state: Conversation, handoff: Handoff, event: Event, now: datetime
) -> Told | None:
    """
    Act on `callback.requested` or `callback.confirmed` and say what came of it: the appointment, or the times that are
    free. None: this team calls nobody back; the wish stands on the ticket.
    """
    team, asked = team_of(policy, handoff.route), event.callback
    if team is None or team.callbacks is None:
        _tell_the_wish(tx, handoff, now)
        return None
    zone = zone_of(state, team)
    wanted = asked.starts_at.replace(microsecond=0) if asked and asked.starts_at else None
    last = _newest(tx, handoff)
    current = last if last and last.state is Standing.BOOKED else None
    confirms = event.kind is EventKind.CALLBACK_CONFIRMED
    if wanted is None:
        _tell_the_wish(tx, handoff, now)
        return _others(tx, policy, state, team, team.callbacks, zone, FREE, current, now)
    if current is not None and current.starts_at == wanted:
        booked = _confirmed(tx, current, now) if confirms else current
    else:
        tx.appointments.hold_book(team.name, now)
        if not _is_open(tx, team, team.callbacks, zone, wanted, current, now, was_offered=confirms):
            _tell_the_wish(tx, handoff, now)
            return _others(tx, policy, state, team, team.callbacks, zone, TAKEN, current, now)
        booked = _book(tx, handoff, team, team.callbacks, zone, wanted, last, now, confirmed=confirms)
    return Told(
        {"zone": zone, "appointment": told(booked, policy, handoff, state)},
        say(policy, BOOKED, state, [booked.starts_at], zone),
    )


def withdraw(
    tx: Transaction, policy: PolicySet, state: Conversation, handoff: Handoff, at: datetime, now: datetime
) -> Told | None:
    """The vendor says that no person is wanted any more: nobody is called, either."""
    done = cancel(tx, handoff, at, now)
    if done is None:
        return None
    return Told({"zone": done.zone, "appointment": told(done, policy, handoff, state)})


def told(appointment: Appointment, policy: PolicySet, handoff: Handoff, state: Conversation) -> dict[str, Any]:
    """An appointment as its vendor gets it: with the invitation for the customer's calendar."""
    shown = as_json(appointment)
    keys = ("id", "starts_at", "ends_at", "sequence", "state")
    return {key: shown[key] for key in keys} | {"invitation": invitation_text(appointment, policy, handoff, state)}


def kept(tx: Transaction, handoff: Handoff, at: datetime, now: datetime, *, by_call: bool = False) -> None:
    """
    A person has reached the customer. A public reply counts from the beginning of the window, a call whenever it came;
    after the window it was late, and the clock knows.
    """
    last = _newest(tx, handoff)
    if last is None or last.state is Standing.KEPT:
        return
    was_over = last.state is Standing.CANCELLED and last.settled_at is not None and last.settled_at < at
    if not was_over and at >= (last.booked_at if by_call else last.starts_at):
        settle(tx, handoff, last, Standing.KEPT, at, now)


def cancel(tx: Transaction, handoff: Handoff, at: datetime, now: datetime) -> Appointment | None:
    """Nobody needs to call any more. returns: the appointment as it is now; None: there was none."""
    last = _newest(tx, handoff)
    if last is None or last.state not in (Standing.BOOKED, Standing.MISSED):
        return None
    if at > last.ends_at:  # nobody had called until then
        missed(tx, handoff, now)
        return None
    return settle(tx, handoff, last, Standing.CANCELLED, at, now)


def missed(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """The window is over and nobody has called: ladders may have steps for that. Harmless to repeat."""
    last = _newest(tx, handoff)
    if last is None or last.ends_at >= now or last.state not in (Standing.BOOKED, Standing.MISSED):
        return
    if last.state is Standing.BOOKED:
        settle(tx, handoff, last, Standing.MISSED, last.ends_at, now)
    tx.call_missed(handoff.id, now)


def settle(
    tx: Transaction, handoff: Handoff, appointment: Appointment, state: Standing, at: datetime, now: datetime
) -> Appointment:
    """The end of a version, with the facts its clocks need, and a note if people must know."""
    # A cancellation is one more version to a calendar.
    sequence = appointment.sequence + (state is Standing.CANCELLED)
    done = replace(appointment, state=state, settled_at=at, sequence=sequence)
    tx.appointments.change(done.id, state=state.value, settled_at=at, sequence=sequence)
    resume(tx, done, min(at, done.starts_at), now)
    if (kind := _ENDS.get(state)) is not None:
        tx.facts.add(handoff.id, Fact(OURS, f"{done.id}:{state.value}", kind, at, now))
    if state in (Standing.MISSED, Standing.CANCELLED):
        _tell_ticket(tx, handoff, done, now)
    tx.unless_waiting(Work("sla_facts", handoff.id, now), now)
    log.info("callback_settled", extra={"handoff": handoff.id, "state": state.value})
    return done


_ENDS = {Standing.KEPT: Kind.CALLBACK_DONE, Standing.CANCELLED: Kind.CALLBACK_CANCELLED}


def resume(tx: Transaction, appointment: Appointment, at: datetime, now: datetime) -> None:
    """Clocks that waited for the appointment wait no longer."""
    name = f"{appointment.id}:resumed"
    fact = Fact(OURS, name, Kind.RESUMED, at, now, reason=SCHEDULED_CALLBACK)
    tx.facts.add(appointment.handoff_id, fact)


def looks_at(appointment: Appointment, now: datetime) -> datetime | None:
    """When somebody must look at it next: to remind, at its beginning, after its end."""
    times = (reminder_at(appointment.starts_at), appointment.starts_at, appointment.ends_at + timedelta(seconds=1))
    return next((at for at in times if at > now), None)


def _newest(tx: Transaction, handoff: Handoff) -> Appointment | None:
    """The handoff is locked first: of two changes of its appointment one waits for the other."""
    tx.handoffs.lock(handoff.id)
    return tx.appointments.last(handoff.id)


def _is_open(
    tx: Transaction, team: Team, rules: Callbacks, zone: str, wanted: datetime, current: Appointment | None,
    now: datetime, *, was_offered: bool,
) -> bool:  # fmt: skip
    slot = timedelta(seconds=rules.slot)
    booked = tx.appointments.booked_starts(team.name, wanted - slot, wanted + slot, but=current.id if current else None)
    return may_book(wanted, team.hours, rules, customer_zone=zone, booked=booked, now=now, was_offered=was_offered)


def _book(
    tx: Transaction, handoff: Handoff, team: Team, rules: Callbacks, zone: str, starts_at: datetime,
    last: Appointment | None, now: datetime, *, confirmed: bool,
) -> Appointment:  # fmt: skip
    if last is not None and last.state is Standing.BOOKED:
        tx.appointments.change(last.id, state=Standing.REPLACED.value, settled_at=now)
    booked = Appointment(
        id=new_id("apt"),
        handoff_id=handoff.id,
        sequence=last.sequence + 1 if last else 0,
        team=team.name,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=rules.slot),
        zone=zone,
        state=Standing.BOOKED,
        booked_at=now,
        confirmed_at=now if confirmed else None,
    )
    tx.appointments.add(booked)
    name = f"{booked.id}:booked"
    tx.facts.add(handoff.id, Fact(OURS, name, Kind.CALLBACK_BOOKED, now, now, at=booked.ends_at))
    tx.facts.add(handoff.id, Fact(OURS, f"{booked.id}:paused", Kind.PAUSED, now, now, reason=SCHEDULED_CALLBACK))
    tx.wait(Work(TIMER, booked.id, max(now, reminder_at(starts_at))))  # one that is near is reminded of at once
    _tell_ticket(tx, handoff, booked, now)
    tx.unless_waiting(Work("sla_facts", handoff.id, now), now)
    log.info("callback_booked", extra={"handoff": handoff.id, "due_at": starts_at})
    return booked


def _confirmed(tx: Transaction, current: Appointment, now: datetime) -> Appointment:
    if current.confirmed_at is not None:
        return current
    tx.appointments.change(current.id, confirmed_at=now)
    return replace(current, confirmed_at=now)


def _others(
    tx: Transaction, policy: PolicySet, state: Conversation, team: Team, rules: Callbacks, zone: str, script: str,
    current: Appointment | None, now: datetime,
) -> Told:  # fmt: skip
    """The times that are free, beside the appointment that stays."""
    slots = slots_of(tx, team, rules, zone, now)
    body = offered(slots, zone) | ({"not_free": True} if script == TAKEN else {})
    if current is not None:
        shown = as_json(current)
        body["appointment"] = {key: shown[key] for key in ("id", "starts_at", "ends_at", "sequence", "state")}
    starts = [slot.starts_at for slot in slots]
    return Told(body, say(policy, script, state, starts, zone) if slots else None)


def _tell_ticket(tx: Transaction, handoff: Handoff, appointment: Appointment, now: datetime) -> None:
    slot = appointment.state.value
    tx.later(Work("tell_callback", appointment.id, now, slot=slot, lane=handoff.helpdesk))


def _tell_the_wish(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """No appointment came of it, so that people must read of it among the facts of the conversation."""
    tx.unless_waiting(Work("tell_news", handoff.id, now, lane=handoff.helpdesk), now)
