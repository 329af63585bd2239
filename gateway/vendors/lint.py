"""
What a vendor's calls lack for a good packet, and how to add it. Pure: the events of some recorded calls in, advice out.
The score is the packet's own completeness, of the parts a vendor can fill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from packets.assemble import assemble
from packets.complete import FROM_THE_VENDOR, assess
from packets.conversation import Conversation, fold
from packets.decision import Action, Decision
from packets.event import Channel, Event, EventKind, Role, Turn
from packets.transcript import transcript
from policies.decide import decide
from policies.model import PolicySet
from policies.sla.plan import respond_by


@dataclass(frozen=True, slots=True)
class Advice:
    """field: where it goes in `data` of a canonical event, and so in a mapping. needed: a packet is poor without it."""

    field: str
    why: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Lint:
    """
    score: 0..1, completeness of a packet made of these calls, as far as it is the vendor's doing. lacks: the parts it
    lacks, weightiest first. rules: those that would hand this over; none is fine, it may be a quiet conversation.
    """

    score: float
    lacks: tuple[str, ...]
    advice: tuple[Advice, ...]
    warnings: tuple[str, ...]
    rules: tuple[str, ...]
    events: int
    turns: int

    @property
    def is_good(self) -> bool:
        return not any(advice.needed for advice in self.advice)


@dataclass(frozen=True, slots=True)
class _Told:
    """Everything some calls told, side by side."""

    events: Sequence[Event]
    turns: Sequence[Turn]
    state: Conversation

    def said_by(self, role: Role) -> list[Turn]:
        return [turn for turn in self.turns if turn.role is role]


@dataclass(frozen=True, slots=True)
class _Want:
    field: str
    why: str
    given: Callable[[_Told], bool]
    needed: bool = False


def _asks(told: _Told) -> bool:
    return any(event.kind is EventKind.HANDOFF_REQUESTED for event in told.events)


WANTS = (
    _Want("message (role: customer)", "nobody reads a ticket without the customer's words, and rules judge them",
          lambda t: bool(t.said_by(Role.CUSTOMER)), needed=True),
    _Want("message (role: bot)", "what the bot answered shows what was tried, and that it was the bot",
          lambda t: bool(t.said_by(Role.BOT))),
    _Want("message.id", "without it a turn told twice is counted twice",
          lambda t: all(turn.message_id for turn in t.turns), needed=True),
    _Want("message.occurred_at", "without it (and without occurred_at) the order is the order of arrival",
          lambda t: all(turn.occurred_at for turn in t.turns) or not any(e.occurred_at_estimated for e in t.events)),
    _Want("event_id", "an id of your own per event; ours is derived from what was read, which is weaker",
          lambda t: not any(event.event_id.startswith("drv_") for event in t.events)),
    _Want("conversation.channel", "chooses tone, tier and how the customer is reached",
          lambda t: t.state.channel is not Channel.OTHER),
    _Want("conversation.language", "chooses the phrases that are listened for, and the words the customer is told",
          lambda t: bool(t.state.language or t.state.customer.locale)),
    _Want("conversation.url", "lets the person open the conversation, and answer where the customer is",
          lambda t: bool(t.state.url)),
    _Want("customer.vendor_user_id", "finds the customer's other conversations",
          lambda t: bool(t.state.customer.vendor_user_id or t.state.customer.external_id)),
    _Want("customer.name", "nobody likes to be asked who they are",
          lambda t: bool(t.state.customer.name)),
    _Want("customer.email or customer.phone", "without either nobody can be called back once the chat is closed",
          lambda t: bool(t.state.customer.email or t.state.customer.phone), needed=True),
    _Want("customer.authenticated", "true saves the identity check; without it everything told counts as inferred",
          lambda t: t.state.customer.authenticated is not None),
    _Want("nlu.intent", "routes the handoff, and becomes its subject",
          lambda t: any(turn.nlu and turn.nlu.intent for turn in t.turns)),
    _Want("nlu.intent.confidence", "rules for an unsure bot cannot fire without it",
          lambda t: any(turn.nlu and turn.nlu.intent and turn.nlu.intent.confidence is not None for turn in t.turns)),
    _Want("context.slots", "what the bot knows already need not be asked again",
          lambda t: bool(t.state.facts)),
    _Want("context.tool_calls", "what the bot looked up, and that it failed, need not be tried again",
          lambda t: bool(t.state.tool_calls)),
    _Want("handoff.reason_code", "says why you hand over; `other` helps nobody",
          lambda t: not _asks(t) or any(e.handoff and e.handoff.reason_code != "other" for e in t.events)),
    _Want("transcript_completeness", "a handoff that brings only part of the conversation should say so",
          lambda t: not _asks(t) or t.state.transcript is not None or len(t.events) > 1),
    _Want("source.bot_id", "tells which bot spoke, for the reports per bot",
          lambda t: bool(t.state.bot_id)),
)  # fmt: skip


def lint(events: Sequence[Event], policy: PolicySet, now: datetime) -> Lint:
    """`events`: of one conversation, at least one, in the order they came."""
    first = events[0]
    state = Conversation(first.source, first.conversation.vendor_conversation_id)
    decision = Decision(Action.CONTINUE, now, policy.revision)
    for event in events:
        state = fold(state, event)
        made = decide(state, policy, now=event.received_at)
        decision = made if made.action is Action.ESCALATE else decision
    route, tier = policy.route(decision.route), policy.tier(decision.tier)
    whole = transcript(events)
    packet = assemble(
        packet_id="pkt_lint",
        handoff_id="hof_lint",
        conversation_id="cnv_lint",
        conversation=state,
        transcript=whole,
        decision=decision,
        wants=route.wants,
        respond_by=respond_by(tier, now),
        now=now,
    )
    found = assess(packet, FROM_THE_VENDOR)
    said = [turn for event in events for turn in event.turns]  # as it came: the whole transcript has times of its own
    told = _Told(events, said, state)
    advice = [Advice(w.field, w.why, w.needed) for w in WANTS if not w.given(told)]
    warnings = tuple(dict.fromkeys(warning for event in events for warning in event.warnings))
    return Lint(
        found.score,
        found.lacks,
        tuple(sorted(advice, key=lambda a: not a.needed)),
        warnings,
        decision.because,
        len(events),
        len(whole.turns),
    )
