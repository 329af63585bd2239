"""
Is the right ticket there, once, with everything on it? Pure: what was promised against what a helpdesk shows. It knows
nothing of how tickets are made, so that a mistake there cannot hide here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What a ticket of our priority shows on the agent's screen in one of the three helpdesks.
ON_SCREEN = {
    "critical": {"urgent", "Urgent", "1 - Critical"},
    "high": {"high", "High", "2 - High"},
    "normal": {"normal", "Medium", "3 - Moderate"},
    "low": {"low", "Low", "4 - Low"},
}

Ticket = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Promise:
    """
    What one accepted handoff must have become. key: the packet's id. said: the customer's own words, as they were sent
    and not as we stored them.
    """

    handoff_id: str
    key: str
    tier: str
    priority: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with one handoff, in words; all empty when nothing is."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.lost or self.doubled or self.incomplete)


def judge_promise(promise: Promise, tickets: Iterable[Ticket]) -> Verdict:
    """tickets: all of the account; more than those of this handoff do no harm."""
    ours = [ticket for ticket in tickets if _is_ours(ticket, promise)]
    if not ours:
        return Verdict(lost=("no ticket",))
    doubled = (f"{len(ours)} tickets",) if len(ours) > 1 else ()
    return Verdict(doubled=(*doubled, *_doubled_parts(promise, ours[0])), incomplete=tuple(_lacks(promise, ours[0])))


def strangers(promises: Sequence[Promise], tickets: Iterable[Ticket]) -> list[str]:
    """Tickets that nobody was promised: their numbers."""
    keys = {promise.key for promise in promises}
    return [str(t["number"]) for t in tickets if t["key"] not in keys and not any(_is_ours(t, p) for p in promises)]


def _is_ours(ticket: Ticket, promise: Promise) -> bool:
    """By its key, or by the words of its note: a ticket that lost its key is still a second ticket."""
    return ticket["key"] == promise.key or any(promise.handoff_id in note for note in ticket["private_notes"])


def _doubled_parts(promise: Promise, ticket: Ticket) -> Iterable[str]:
    notes = sum(promise.handoff_id in note for note in ticket["private_notes"])
    if notes > 1:
        yield f"the packet's note {notes} times"
    for name, count in Counter(file["name"] for file in ticket["attachments"]).items():
        if count > 1:
            yield f"attachment {name} {count} times"


def _lacks(promise: Promise, ticket: Ticket) -> Iterable[str]:
    readable = _words([*ticket["private_notes"], *(file["content"] for file in ticket["attachments"])])
    if not any(promise.handoff_id in note for note in ticket["private_notes"]):
        yield "no private note with the packet"
    for number, words in enumerate(promise.said, start=1):
        if _words([words]) not in readable:
            yield f"what the customer said in turn {number}"
    if ticket["key"] != promise.key:
        yield "our key"
    if ticket["priority"] not in ON_SCREEN[promise.priority]:
        yield f"priority {promise.priority} (it shows {ticket['priority']})"
    if ticket["fields"].get("tier") != promise.tier:
        yield f"tier {promise.tier} (it shows {ticket['fields'].get('tier')})"
    if not ticket["fields"].get("respond_by"):
        yield "respond-by"


def _words(texts: Sequence[str]) -> str:
    """Line breaks and indents are each helpdesk's own."""
    return " ".join(" ".join(texts).split())
