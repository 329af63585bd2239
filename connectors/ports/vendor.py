"""
What a chatbot vendor's folder offers: an adapter (pure: verify, parse, answer) and, where the vendor has an interface,
a client (network).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from connectors.ports.webhook import Verified, Webhook
from packets.event import Event, Turn


@dataclass(frozen=True, slots=True)
class VendorAccount:
    """
    One configured vendor account (a source of baton.yml). Secrets are plain here and must never be printed.

    options: what this vendor lets ops choose; the adapter's `options` names and explains them.
    base_url, credentials: where and how its interface is called back. None: it is not called back.
    """

    name: str
    vendor: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: timedelta = timedelta(seconds=10)  # one whole call back, first byte to last


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """What a vendor's call is answered with."""

    body: bytes = b"{}"
    content_type: str = "application/json"
    status: int = 200


class NoticeKind(StrEnum):
    """What a vendor can be told about a conversation of its bot."""

    WAITING = "waiting"  # people are asked to take it: the bot keeps the customer; `text` is for them
    HANDED_OFF = "handed_off"  # people take it: the bot steps aside; `text` is for the customer
    HUMAN_JOINED = "human_joined"  # a person has claimed or answered it
    CONTROL_RETURNED = "control_returned"  # people are done: the bot may speak again; `text` is what they did


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One thing to tell a vendor.

    key: the same whenever this notice is told again. refs: what the vendor's events said one needs to call it back
    (Event.refs, the newest of each name). facts: ids and names of ours that a vendor may show (handoff_id, route, tier,
    transfer, respond_by, ticket number; with `announcement`, the line to say to whoever takes it). in_answer: the
    answer to the vendor's own call, which it waited for, said it already. agent: who has it. connects: with HANDED_OFF,
    whether the customer is to be put through now; False: somebody calls or writes later, and no queue waits for them.
    """

    key: str
    kind: NoticeKind
    vendor_conversation_id: str
    text: str | None = field(default=None, repr=False)
    agent: str | None = None
    refs: Mapping[str, str] = field(default_factory=dict, repr=False)
    facts: Mapping[str, str] = field(default_factory=dict)
    in_answer: bool = False
    connects: bool = True


@dataclass(frozen=True, slots=True)
class VendorCapabilities:
    """
    What a vendor's interface allows; asked instead of its name.

    decides: the answer to a webhook can carry the decision. tells: what `VendorClient.tell` can say.
    repeatable: telling the same twice does no harm, so that an unknown outcome may simply be repeated; the others are
    told at most once. connects_later: HANDED_OFF puts the customer through, or lets people in, whenever it is told, if
    the source has a base_url and these options; None: only an answer can, or nothing. pulls: `VendorClient.turns` can
    fetch the transcript. encodings: the Content-Encodings its
    adapter can undo by itself. path_options: those of its options that name files; relative ones are relative to
    baton.yml.
    """

    decides: bool = False
    tells: frozenset[NoticeKind] = frozenset()
    repeatable: frozenset[NoticeKind] = frozenset()
    connects_later: frozenset[str] | None = None
    pulls: bool = False
    encodings: frozenset[str] = frozenset({"identity"})
    path_options: frozenset[str] = frozenset()


class VendorAdapter(Protocol):
    """
    One chatbot vendor's webhooks. Pure: no clock, no network.

    options: name → what it means, of everything ops may choose in `options` of a source.
    """

    name: str
    options: Mapping[str, str]
    capabilities: VendorCapabilities

    def check(self, account: VendorAccount) -> None:
        """Raises ValueError, saying what a secret or an option must look like; called once, at the start."""

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        """Check the raw bytes against every secret. Raises SignatureRejected, and says no more."""

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        """
        The events of one verified call; empty = known and nothing needed from it.
        Raises MalformedWebhook, UnsupportedEvent; nothing else, whatever the body.
        """

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        """
        What this vendor's protocol wants to hear. `told` is the canonical answer (docs/vendors.md): event_id,
        conversation_id, duplicate, decision. Called with committed answers only.
        """

    def stored(self, webhook: Webhook) -> bytes:
        """The body to keep: as it came, without the secrets some vendors repeat in it."""

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        """The same call as this vendor would sign it at `received_at`: what `baton send` and tests post."""


class VendorClient(Protocol):
    """
    Calls one vendor account back. Raises Throttled, Unavailable, Unsure, Refused, Unauthorized (see errors.py);
    every call has a deadline.
    """

    name: str

    def tell(self, notice: Notice) -> None:
        """Tell one thing. Only kinds in `capabilities.tells` are asked for."""

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        """The whole transcript, oldest first, with the message ids the webhooks use. Only if `capabilities.pulls`."""
