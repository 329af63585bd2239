"""
Tickets, in no helpdesk's dialect: the draft we want opened, where it came to stand, and what people then did.

`connectors/helpdesks/<name>/wire.py` turns a TicketDraft into that helpdesk's JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Priority(StrEnum):
    """Ours, most urgent first; each connector maps them to its own."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Requester:
    """The customer as the helpdesk should know them. At least a name; email None = nobody gave one."""

    name: str
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class DraftAttachment:
    """Text only: a transcript too long for the note."""

    filename: str  # [A-Za-z0-9._-]
    content: str
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class TicketRef:
    """One ticket: the id the helpdesk's API uses, and the address an agent opens."""

    ticket_id: str
    url: str
    number: str | None = None  # what people call it, where that differs from the id (INC0010002)


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """
    A ticket not yet sent. Everything in it is already redacted and may leave the house.

    public_text: may be seen by the customer (Freshdesk shows a ticket's description to its requester).
    note_text / note_html: the packet as a private note, plain and as escaped HTML; the same words.
    note_short_text / note_short_html: the same note without its transcript, for a helpdesk whose note limit the whole
        one exceeds; then `transcript_attachment` must travel with it. It says that the transcript is attached.
    fields: neutral names (packet_id, reason, rules, channel, tier, respond_by, ...) → values; a field map says
        which custom field of one helpdesk takes which.
    group: neutral route name; the field map turns it into the helpdesk's group.
    follows: the earlier ticket this one goes on from; the connector links the two as its helpdesk can, in the note
        at the least.
    else_groups: names tried in this order when the field map has no line for `group`: where the route leads, what it
        stands under.
    """

    subject: str
    public_text: str
    note_text: str
    note_html: str
    note_short_text: str
    note_short_html: str
    requester: Requester
    priority: Priority
    group: str | None = None
    else_groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    transcript_attachment: DraftAttachment | None = None  # always made; sent when the short note is used
    language: str | None = None
    follows: TicketRef | None = None


@dataclass(frozen=True, slots=True)
class TicketUpdate:
    """
    What to set on an existing ticket. None / empty = leave alone. Setting twice is harmless.

    note: a private note as plain text, already redacted; too long for the helpdesk, its whole travels as a file.
    note_key: [A-Za-z0-9_-], one for each update that has a note, and told in it. The note is written last (or with the
        rest in one call), so one with this key that is there already says that all of this update was done before:
        then nothing is done, and what people changed since stays.
    reopen: make a solved ticket open again. One that is open or waiting stays as it is; one that the helpdesk does
        not let be opened any more is Refused (Capabilities.reopens_closed).
    """

    priority: Priority | None = None
    tags: tuple[str, ...] = ()  # added, never replacing others
    fields: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None  # neutral route name; a route the field map does not know changes nothing
    note: str | None = None
    note_key: str | None = None
    reopen: bool = False

    def __post_init__(self) -> None:
        if self.note is not None and not _KEY.fullmatch(self.note_key or ""):
            raise ValueError(
                "a note needs a note_key of letters, digits, _ and -: without it the note could come twice"
            )


class TicketStatus(StrEnum):
    """sla.md F6: every helpdesk's status words are mapped to these, once, in its connector."""

    NEW = "new"
    OPEN = "open"
    WAITING_ON_CUSTOMER = "waiting_on_customer"
    WAITING_ON_THIRD_PARTY = "waiting_on_third_party"
    SOLVED = "solved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Rating(StrEnum):
    """What the customer thought of it, on nobody's scale."""

    GOOD = "good"
    NEUTRAL = "neutral"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class TicketState:
    """
    A ticket as the helpdesk shows it now. Times and the rating are None where the helpdesk does not tell.

    assignee, group: the helpdesk's ids. packet_id: our key on the ticket.
    """

    ref: TicketRef
    status: TicketStatus
    priority: Priority | None
    first_human_reply_at: datetime | None = None
    solved_at: datetime | None = None
    assignee: str | None = None
    updated_at: datetime | None = None
    group: str | None = None
    rating: Rating | None = None
    packet_id: str | None = None


class ChangeKind(StrEnum):
    """What a helpdesk's webhook tells us people did."""

    HUMAN_REPLIED = "human_replied"  # public, by a person
    STATUS_CHANGED = "status_changed"
    ASSIGNED = "assigned"
    PRIORITY_CHANGED = "priority_changed"
    RATED = "rated"
    HINT = "hint"  # something happened; read the ticket (unsigned webhooks)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """
    One thing the helpdesk told us about one ticket.

    change_id: the helpdesk's own id of this call, or one derived from ticket, kind and time; dedupe key.
    """

    change_id: str
    ticket_id: str
    kind: ChangeKind
    occurred_at: datetime
    status: TicketStatus | None = None
    priority: Priority | None = None
    assignee: str | None = None
    packet_id: str | None = None  # our key, where the webhook carries it; "": the ticket has none
    rating: str | None = None  # for RATED: the customer's verdict in the helpdesk's own word, lower case
