"""
What a decision may know beside the conversation's own events: the customer's earlier contacts, what was remembered of
the customer, and how alive the source is. Whoever decides hands it in; nothing in here looks anything up.

A contact is one stretch of a conversation: a new one begins when people give it back and after a silence of 24 hours,
as the course does (packets/course.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from packets.conversation import Conversation
from packets.words import label, plain
from policies.small_talk import is_small_talk

NO_AI_CONTACT = "no_ai_contact"
REMEMBERED = (NO_AI_CONTACT,)  # what may be remembered of a customer, for good

LONGEST_ISSUE = 120  # characters

# Labels that say how a customer speaks, not what about.
_NO_MATTER = frozenset({"explicit_request", "no_ai_contact", "anger", "distress", "repeat_contact"})
# Facts whose value is the number of a matter, as people say their names; it is compared, and never shown.
_NUMBERS = frozenset((
    "order", "booking", "reservation", "invoice", "shipment", "tracking", "parcel", "ticket", "case", "claim",
    "contract", "policy",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contact:
    """One earlier contact of the same customer. at: when it began."""

    at: datetime
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """
    earlier: contacts before this one. issues: what this one is about as far as it is not to be seen in its state (words
    of turns gone by). first_turn: position of this contact's first turn.
    remembered: of REMEMBERED, what holds for this customer.
    heartbeat: the longest the source is ever silent; None = nobody has said. source_heard_at: when it last called us.
    tells_bot: whether what the bot says is told to us too, so that a bot never heard is one that never answered.
    """

    earlier: tuple[Contact, ...] = ()
    issues: tuple[str, ...] = ()
    first_turn: int = 1
    remembered: frozenset[str] = frozenset()
    heartbeat: timedelta | None = None
    source_heard_at: datetime | None = None
    tells_bot: bool = False


NO_HISTORY = History()


def issues_of(conversation: Conversation, heard: Iterable[str], history: History = NO_HISTORY) -> tuple[str, ...]:
    """
    What this contact is about, in one spelling and without private data: what the bot understood, the topics heard in
    the customer's words, the tasks that fail, and the numbers of orders, invoices, cases, … Two contacts are about the
    same issue if they share one of these.

    heard: labels of the newest turns.
    """
    intents = [f"intent:{name}" for name in conversation.course.intents if not is_small_talk(name)]
    topics = [f"topic:{topic}" for topic in heard if topic not in _NO_MATTER]
    tasks = [f"task:{plain(task)}" for task in conversation.failed_tasks]
    numbers = [
        f"number:{_digest(fact.value)}"
        for fact in conversation.facts
        if (fact.turn or 0) >= history.first_turn and label(fact.name) in _NUMBERS and _DIGIT.search(fact.value)
    ]
    return tuple(sorted({*history.issues, *(i[:LONGEST_ISSUE] for i in (*intents, *topics, *tasks, *numbers))}))


_DIGIT = re.compile(r"\d")


def _digest(value: str) -> str:
    return blake2b("".join(value.split()).casefold().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
