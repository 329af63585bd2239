"""What a chat's folder offers: cards sent and changed (network), and the buttons pressed on them (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from connectors.ports.webhook import Webhook


class Standing(StrEnum):
    """How a handoff stands, as its card says."""

    OPEN = "open"  # nobody has it: the card has buttons
    TAKEN = "taken"
    DONE = "done"  # nobody is needed any more


class Press(StrEnum):
    """What people can say by a card."""

    CLAIM = "claim"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Card:
    """
    One message about a handoff in a chat. Names, ids and the policy's own words; nothing a customer has written.

    id: ours, carried by the buttons. headline: what has happened. why: the rule's. asked: names of those it is for.
    task: a High Priority task, not a question. links: addresses of our own for chats without signed buttons.
    by: who has it, once it is taken.
    """

    id: str
    handoff_id: str
    headline: str
    route: str
    tier: str
    due_at: datetime
    why: str = ""
    do_next: str = ""
    asked: tuple[str, ...] = ()
    task: bool = False
    ticket_url: str | None = None
    links: Mapping[Press, str] = field(default_factory=dict, repr=False)
    standing: Standing = Standing.OPEN
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a card stands in the chat: what is needed to change it later. channel "": `Pressed.reply_to` of it."""

    channel: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """
    One button pressed. card_id: whose. user_id, user_name: the chat's own. reply_to: where the one who pressed can be
    answered for a while, if the chat offers that.
    """

    press: Press
    card_id: str
    user_id: str
    user_name: str
    reply_to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotifierAccount:
    """
    One configured chat. Secrets are plain here and must never be printed: repr hides them.

    webhook_url: a secret address that takes cards; or base_url and token: the chat's interface. channel: where cards
    go that name none. secrets: what its calls to us are signed with. link_secret: what our own links are signed with.
    """

    name: str
    kind: str
    webhook_url: str | None = field(default=None, repr=False)
    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    channel: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    link_secret: str | None = field(default=None, repr=False)
    public_url: str | None = None  # where people's browsers reach us
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class NotifierCapabilities:
    """
    What a configured chat can do; asked instead of its name.

    addresses: a card can go to a channel or person it names; without, all go to one place. updates: a card that was
    sent can be changed. links: its cards need links of ours for what people press.
    """

    addresses: bool = False
    updates: bool = False
    links: bool = False


class Notifier(Protocol):
    """One chat account. Raises Throttled, Unavailable, Unsure, Refused, Unauthorized; every call has a deadline."""

    name: str
    capabilities: NotifierCapabilities

    def post(self, card: Card, *, to: str = "") -> Posted | None:
        """Send one card. to: channel or person, "" = the configured one. None: the chat does not say where it is."""

    def update(self, card: Card, posted: Posted) -> None:
        """Make a card that was sent say how things stand now. Only if `capabilities.updates`."""

    def reply(self, reply_to: str, text: str) -> None:
        """Tell the one who pressed a button, and nobody else. Refused if that is no longer possible."""


class NotifierInbound(Protocol):
    """What a chat tells us. Pure."""

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> None:
        """Raises SignatureRejected."""

    def parse(self, webhook: Webhook) -> Pressed | None:
        """The button pressed; None: theirs, and nothing we need. Raises MalformedWebhook."""
