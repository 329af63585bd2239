"""
What the server, the control calls and the page ask of each of the three helpdesks, and the neutral shapes they
answer in. Each helpdesk keeps its tickets in its own way; only here they look alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from werkzeug.wrappers import Response

from connectors.sandbox.accounts import NEUTRAL_FIELDS
from connectors.sandbox.answers import Request
from connectors.sandbox.clock import SandboxClock
from connectors.sandbox.faults import Fault
from connectors.sandbox.target import Target


class NoSuchTicket(LookupError):
    """The control call or the page names a ticket that is not there."""


class CannotDo(ValueError):
    """The control call asks for what this helpdesk has no word for, or what it would refuse a person."""


@dataclass(slots=True)
class Settings:
    """
    How strictly a sandbox behaves where the real ones differ or are slow. Changed with POST /_sandbox/settings.

    search_lag_seconds: until a new ticket shows in search (the lists show it at once).
    token_lifetime_seconds: of an OAuth access token, unless the request asks for another.
    limits_late_seconds: ServiceNow's limits are judged by counts this old (each node flushes its own every 30 s).
    simple_webhooks: Freshdesk sends the "simple" content of its rules instead of our template.
    limits: name of a limit → calls allowed in its window; a limit not named is only counted, never enforced.
    echo_own_changes: webhooks also for what our own API calls change, as the real ones do without a condition.
    keep_written_priority: ServiceNow keeps a priority written directly until impact or urgency change.
    limit_body: json or text, the two forms of Zendesk's 429.
    unknown_contact_is_400: Freshdesk refuses to list by an e-mail nobody has, instead of an empty list.
    """

    search_lag_seconds: float = 30.0
    token_lifetime_seconds: float = 7200.0
    limits_late_seconds: float = 0.0
    simple_webhooks: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    echo_own_changes: bool = False
    keep_written_priority: bool = False
    limit_body: str = "json"
    unknown_contact_is_400: bool = False


@dataclass(slots=True)
class Setup:
    """
    What a helpdesk is built from. `lock` guards all of its state. bare: an account as one has it on the first day,
    without custom fields and with nobody's groups: what `baton setup` begins with.
    """

    clock: SandboxClock
    settings: Settings
    fields: tuple[str, ...] = NEUTRAL_FIELDS
    bare: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(frozen=True, slots=True)
class FileView:
    """One attachment."""

    file_id: str
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class EntryView:
    """One thing written on a ticket. `html`: as that helpdesk keeps it, which is cleaned of what could run."""

    author: str
    private: bool
    text: str
    html: str
    at: datetime
    by_agent: bool


@dataclass(frozen=True, slots=True)
class TicketView:
    """
    One ticket as an agent sees it. priority, status: the words on the agent's screen.

    key: our packet id, from wherever this helpdesk keeps it. fields: by neutral name, set ones only.
    labels: the same fields under the name the agent reads.
    """

    ticket_id: str
    number: str
    key: str | None
    subject: str
    priority: str | None
    status: str
    requester: Mapping[str, str | None]
    group: str | None
    assignee: str | None
    tags: tuple[str, ...]
    fields: Mapping[str, str]
    labels: Mapping[str, str]
    entries: tuple[EntryView, ...]
    attachments: tuple[FileView, ...]
    created_at: datetime
    updated_at: datetime
    rating: str | None = None

    @property
    def private_notes(self) -> list[str]:
        """The plain words of every private entry, oldest first."""
        return [entry.text for entry in self.entries if entry.private]

    @property
    def public_texts(self) -> list[str]:
        """The plain words of everything the customer may see, oldest first."""
        return [entry.text for entry in self.entries if not entry.private]


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """
    One call to the configured target, before it is sent. headers: the same on every attempt.
    event: what happened, in the helpdesk's own word. target: where this very call goes; None = the one target there is.
    outcome: told the status of each attempt, None = no answer.
    """

    event: str
    ticket_id: str
    body: bytes
    headers: Mapping[str, str]
    target: Target | None = None
    outcome: Callable[[int | None], None] | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """
    Something a person does on the agent's screen: reply, note, assign, status, priority, rate.

    value: the text, the agent's name, the status or priority word, the score. agent: who does it.
    """

    kind: str
    value: str
    agent: str


class Desk(Protocol):
    """One helpdesk. `answer`, the views and `act` are called with `setup.lock` held."""

    kind: str
    title: str

    def session(self, request: Request) -> AbstractContextManager[None]:
        """Held around a whole call, faults included (ServiceNow runs calls of one session one after another)."""

    def answer(self, request: Request) -> Response:
        """Do one API call. Never raises because of what was sent."""

    def fault_answer(self, fault: Fault, done: Response | None) -> Response:
        """How this helpdesk looks while it suffers `fault`; `done`: the answer that would have been."""

    def agent_page(self, request: Request) -> str | None:
        """The ticket id, if this is the address of a ticket in the helpdesk's own web pages."""

    def views(self) -> Sequence[TicketView]:
        """All tickets, oldest first."""

    def view(self, ticket_id: str) -> TicketView:
        """One ticket. Raises NoSuchTicket."""

    def act(self, ticket_id: str, deed: Deed) -> None:
        """Do what a person would do on the screen. Raises NoSuchTicket, CannotDo."""

    def take_new_target(self) -> Target | None:
        """Where webhooks go from now on, if an API call has just said so."""

    def take_calls(self) -> list[WebhookCall]:
        """The webhook calls that came to be since this was last asked."""

    def attempt_headers(self, call: WebhookCall, secret: str) -> Mapping[str, str]:
        """Headers made anew for each attempt: the signature, or the secret itself."""

    def retry_in(self, attempts: int, status: int | None, retry_after: float | None) -> float | None:
        """Seconds until the next attempt, None = given up. status None: no answer in time, or none at all."""


def ticket_json(view: TicketView) -> dict[str, Any]:
    """One ticket in the neutral form of GET /_sandbox/tickets."""
    return {
        "id": view.ticket_id,
        "number": view.number,
        "key": view.key,
        "external_id": view.key,
        "subject": view.subject,
        "priority": view.priority,
        "status": view.status,
        "requester": dict(view.requester),
        "group": view.group,
        "assignee": view.assignee,
        "tags": list(view.tags),
        "fields": dict(view.fields),
        "private_notes": view.private_notes,
        "public_texts": view.public_texts,
        "entries": [
            {"author": e.author, "private": e.private, "by_agent": e.by_agent, "text": e.text, "html": e.html}
            for e in view.entries
        ],
        "attachments": [_file_json(file) for file in view.attachments],
        "rating": view.rating,
        "created_at": view.created_at.isoformat(),
        "updated_at": view.updated_at.isoformat(),
    }


def _file_json(file: FileView) -> dict[str, Any]:
    return {
        "id": file.file_id,
        "name": file.name,
        "content_type": file.content_type,
        "size": len(file.content),
        "content": file.content.decode("utf-8", "replace"),
    }
