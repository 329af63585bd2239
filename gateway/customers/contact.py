"""
The contact a conversation is in: since when, who the customer is, what it is about, and which contacts came before it.

Kept in the conversation's row, so that only the first turn of a contact, and one that tells more of who the customer
is, looks anything up or writes anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from packets.conversation import Conversation
from policies.history import Contact as Earlier

KEPT_PAST = 5  # contacts of one conversation that stay known beside the newest


@dataclass(frozen=True, slots=True)
class Contact:
    """
    first_turn: position of its first turn. keys: of the customer (keys.py), as far as they are known.
    past: the contacts of the same conversation before this one. earlier: those that came before it, wherever.
    """

    since: datetime
    first_turn: int
    keys: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    past: tuple[Earlier, ...] = ()

    def issues_at(self, at: datetime) -> tuple[str, ...]:
        """What the contact of this conversation that began then was about."""
        known = (Earlier(self.since, self.issues), *self.past)
        return next((one.issues for one in known if one.at == at), ())


def next_contact(before: Contact | None, conversation: Conversation) -> Contact | None:
    """The contact after the newest event; a new one begins when the course began anew. None: nobody has spoken yet."""
    since = conversation.course.since
    if since is None or conversation.course.turns == 0 or (before is not None and since <= before.since):
        return before
    new = [turn.position for turn in conversation.new_turns]
    past = (*before.past, Earlier(before.since, before.issues))[-KEPT_PAST:] if before else ()
    return Contact(since, min(new, default=max(1, conversation.turns)), past=past)


def known_as(contact: Contact, keys: tuple[str, ...], earlier: Iterable[Earlier]) -> Contact:
    return replace(contact, keys=keys, earlier=tuple(earlier))


def to_text(contact: Contact | None) -> str | None:
    if contact is None:
        return None
    told = {
        "since": contact.since.isoformat(),
        "first_turn": contact.first_turn,
        "keys": contact.keys,
        "issues": contact.issues,
        "earlier": _told(contact.earlier),
        "past": _told(contact.past),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str | None) -> Contact | None:
    if text is None:
        return None
    told = json.loads(text)
    since = datetime.fromisoformat(told["since"])
    keys, issues = tuple(told["keys"]), tuple(told["issues"])
    return Contact(since, told["first_turn"], keys, issues, _read(told["earlier"]), _read(told["past"]))


def _told(contacts: Iterable[Earlier]) -> list[list[object]]:
    return [[one.at.isoformat(), one.issues] for one in contacts]


def _read(told: list[list[Any]]) -> tuple[Earlier, ...]:
    return tuple([Earlier(datetime.fromisoformat(at), tuple(issues)) for at, issues in told])
