"""
The packet: the three-part handshake that people get when a conversation is handed to them.

1. transcript: every turn; 2. fields: what is known, how we know it, what is missing; 3. reason and what to do first.
`assemble.py` builds it, `complete.py` says what it lacks, `redact/` takes private data out, `render/` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packets.conversation import Fact
from packets.decision import Evidence, Mode
from packets.transcript import Transcript

PACKET_VERSION = "1.1"
READ_VERSIONS = ("1", PACKET_VERSION)  # 1 has no announcement


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the bot already tried, and how it ended."""

    what: str
    ok: bool
    detail: str | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class FiredRule:
    """One rule that fired, with the words or numbers that made it fire."""

    rule: str
    why: str
    evidence: tuple[Evidence, ...] = ()
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why people get this conversation. headline: one line without the customer's words, fit for a chat card."""

    headline: str
    rules: tuple[FiredRule, ...]
    policy_revision: str


@dataclass(frozen=True, slots=True)
class Recommended:
    """What the person should do first."""

    action: str
    playbook: str | None = None
    identity_check: bool = False


@dataclass(frozen=True, slots=True)
class Packet:
    """
    One conversation going to people. Times are aware UTC.

    facts: known, with provenance. missing: names of facts the route wants and nobody has given, in order of need.
    confirmed: names of facts the customer or the vendor vouched for: known, do not ask again.
    completeness: 0..1, share of what a person needs that is here (see complete.py).
    redacted: what was taken out and how often, by kind ("card": 2); never the values.
    announcement: one line to say or show to whoever takes it, before they say a word (announce.py).
    """

    packet_id: str
    handoff_id: str
    conversation_id: str
    source: str
    vendor_conversation_id: str
    channel: str
    created_at: datetime
    mode: Mode
    route: str
    tier: str
    respond_by: datetime
    subject: str
    transcript: Transcript
    facts: tuple[Fact, ...]
    missing: tuple[str, ...]
    confirmed: tuple[str, ...]
    tried: tuple[Attempt, ...]
    reason: Reason
    recommended: Recommended
    customer_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    language: str | None = None
    url: str | None = None  # deep link to the conversation at the vendor
    bot: str | None = None
    completeness: float = 0.0
    redacted: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    announcement: str = ""
    version: str = PACKET_VERSION
