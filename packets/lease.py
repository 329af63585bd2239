"""
Who may speak to the customer, bot or people: one lease, derived from what happened and when.

Any message of a person takes it, `control.returned` gives it back. Only the newest time of each thing is kept, and a
newest time does not care in which order it was heard of: the same events end with the same holder however they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from packets.event import Event, EventKind, Role, Turn, Visibility


class Holder(StrEnum):
    """Who may speak to the customer."""

    BOT = "bot"
    PENDING_HUMAN = "pending_human"
    HUMAN = "human"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Lease:
    """
    The newest time of each: person_at: a person spoke or took it. returned_at: people gave it back to the bot.
    handed_off_at: we gave it to people. ended_at: it was ended. spoken_at: anybody said anything.
    """

    person_at: datetime | None = None
    returned_at: datetime | None = None
    handed_off_at: datetime | None = None
    ended_at: datetime | None = None
    spoken_at: datetime | None = None


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NEXT = timedelta(microseconds=1)
_BY_KIND = {
    EventKind.AGENT_ASSIGNED: "person_at",
    EventKind.CALL_TRANSFERRED: "person_at",
    EventKind.CONTROL_RETURNED: "returned_at",
    EventKind.CONVERSATION_ENDED: "ended_at",
}
# What these tell was said some time before them: a turn in them that has no time of its own says nothing about now.
_AFTERWARDS = frozenset(
    {
        EventKind.CONVERSATION_ENDED,
        EventKind.CONVERSATION_ANALYZED,
        EventKind.CONVERSATION_RATED,
        EventKind.CONVERSATION_UPDATED,
        EventKind.MESSAGE_UPDATED,
    }
)


def holder_of(lease: Lease) -> Holder:
    """
    People who gave it back in the moment of their last word have given it back; what ended in the moment of the last
    word has ended. Whoever speaks after the end speaks to the bot.
    """
    others = max(filter(None, (lease.person_at, lease.returned_at, lease.handed_off_at, lease.spoken_at)), default=None)
    if lease.ended_at and (others is None or lease.ended_at >= others):
        return Holder.CLOSED
    since = max(filter(None, (lease.returned_at, lease.ended_at)), default=_LONG_AGO)
    if lease.person_at and lease.person_at > since:
        return Holder.HUMAN
    return Holder.PENDING_HUMAN if lease.handed_off_at and lease.handed_off_at > since else Holder.BOT


def next_lease(lease: Lease, event: Event) -> Lease:
    """The lease once this event is known, whenever it arrives."""
    found: dict[str, datetime] = {}
    for turn in event.turns:
        at = said_at(turn, event)
        if at is None or turn.visibility is not Visibility.PUBLIC:
            continue
        found["spoken_at"] = max(at, found.get("spoken_at", at))
        if turn.role is Role.AGENT:
            found["person_at"] = max(at, found.get("person_at", at))
    name = _BY_KIND.get(event.kind)
    if name is not None:
        at = _by_our_clock(event.occurred_at, event)
        found[name] = max(at, found.get(name, at))
    newer = {name: at for name, at in found.items() if (known := getattr(lease, name)) is None or at > known}
    return replace(lease, **newer) if newer else lease


def said_at(turn: Turn, event: Event) -> datetime | None:
    """When a turn was said. None: some time before its event."""
    if turn.occurred_at is not None:
        return _by_our_clock(turn.occurred_at, event)
    return None if event.kind in _AFTERWARDS else _by_our_clock(event.occurred_at, event)


def given_to_people(lease: Lease) -> Lease:
    """A handoff was made of what is known so far."""
    return replace(lease, handed_off_at=_now(lease))


def taken_by_a_person(lease: Lease, at: datetime, *, again: bool = False) -> Lease:
    """Somebody spoke on the ticket. again: it was opened again, whatever the vendor has told meanwhile."""
    return replace(lease, person_at=max(filter(None, (lease.person_at, at, _now(lease) if again else None))))


def given_back(lease: Lease) -> Lease:
    """People are done on the ticket: later than all that is known, whatever the clock of the helpdesk says."""
    return replace(lease, returned_at=_now(lease))


def lease_of(holder: Holder, at: datetime | None) -> Lease:
    """For a state that was kept without its lease."""
    name = {
        Holder.HUMAN: "person_at",
        Holder.PENDING_HUMAN: "handed_off_at",
        Holder.CLOSED: "ended_at",
        Holder.BOT: "returned_at",
    }[holder]
    return Lease(**{name: at or _LONG_AGO})


def _now(lease: Lease) -> datetime:
    """Just after everything that is known."""
    times = (lease.person_at, lease.returned_at, lease.handed_off_at, lease.ended_at, lease.spoken_at)
    return max(filter(None, times), default=_LONG_AGO) + _NEXT


def _by_our_clock(at: datetime, event: Event) -> datetime:
    """A vendor whose clock is ahead must not hold the lease into the future."""
    return min(at, event.received_at)
