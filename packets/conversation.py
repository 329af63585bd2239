"""
A conversation is the fold of its events. `fold` takes the state so far and one event and gives the next state.

The state stays small however long the conversation grows: it keeps counters, the newest turns and what is
known, not the transcript. The transcript is read from the event log when a packet is assembled (`transcript.py`).
Pure: same events in, same conversation out; that is what replay and explain rest on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from packets.course import Course, next_course
from packets.event import (
    CallbackAsked,
    Channel,
    Context,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    Role,
    Sentiment,
    ToolCall,
    Turn,
    Visibility,
)
from packets.lease import Holder as Holder
from packets.lease import (
    Lease,
    given_back,
    given_to_people,
    holder_of,
    lease_of,
    next_lease,
    said_at,
    taken_by_a_person,
)

RECENT_TURNS = 12  # how far back a condition can look at words
RECENT_TEXT = 4_000  # characters of one turn kept in the state; the log has all of it
KEPT_FACTS = 64
KEPT_TOOL_CALLS = 20
CALLBACKS = frozenset({EventKind.CALLBACK_REQUESTED, EventKind.CALLBACK_CONFIRMED})
TIME_ZONE = "timezone"  # the fact that says where the customer's clock is
KEPT_VALUE = 500  # characters of one fact's value


class Provenance(StrEnum):
    """Where a fact came from, strongest last."""

    BOT_INFERRED = "bot_inferred"
    CUSTOMER_SAID = "customer_said"
    VENDOR_VERIFIED = "vendor_verified"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the customer or the case, and how we know it."""

    name: str
    value: str
    provenance: Provenance
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class TalkedOver:
    """How often the bot spoke to the customer while a person had the conversation, and its newest such turns."""

    count: int = 0
    turns: tuple[int, ...] = ()
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """The state after some events. Counts cover all turns; `recent` only the newest RECENT_TURNS."""

    source: str
    vendor_conversation_id: str
    holder: Holder = Holder.BOT
    lease: Lease | None = None  # why it is that holder; None: nothing has said
    talked_over: TalkedOver = TalkedOver()  # the bot, while a person had it
    channel: Channel = Channel.OTHER
    language: str | None = None
    subject: str | None = None
    url: str | None = None
    bot_id: str | None = None
    bot_version: str | None = None
    started_at: datetime | None = None
    last_event_at: datetime | None = None
    last_customer_turn_at: datetime | None = None
    customer: Customer = field(default_factory=Customer)
    turns: int = 0
    customer_turns: int = 0
    bot_turns: int = 0
    recent: tuple[Turn, ...] = ()
    unmatched_in_a_row: int = 0  # customer turns the bot matched nothing for, newest run
    confidences: tuple[float | None, ...] = ()  # of the newest customer turns, oldest first
    facts: tuple[Fact, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    failed_tasks: Mapping[str, int] = field(default_factory=dict)  # task → failures in a row
    sentiment: Sentiment | None = None
    course: Course = field(default_factory=Course)  # of the bot's part since it last took over
    handoff_asked: HandoffAsked | None = None  # the vendor's own request, while nobody has answered it
    transcript: str | None = None  # vendor's word on completeness: full, partial, none
    summary: str | None = None
    warnings: tuple[str, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict)  # for calling the vendor back, the newest of each name
    new_turns: tuple[Turn, ...] = ()  # those the newest event brought, with their whole text

    @property
    def is_new(self) -> bool:
        return self.last_event_at is None

    @property
    def last_customer_turn(self) -> Turn | None:
        return next((t for t in reversed(self.recent) if t.role is Role.CUSTOMER), None)

    def recent_customer_turns(self, most: int) -> tuple[Turn, ...]:
        """The newest `most` customer turns still kept, oldest first."""
        return tuple(t for t in self.recent if t.role is Role.CUSTOMER)[-most:] if most > 0 else ()

    def fact(self, name: str) -> Fact | None:
        return next((f for f in self.facts if f.name == name), None)


def fold(conversation: Conversation, event: Event) -> Conversation:
    """
    The conversation after `event`. Turns already folded (same message id) are not counted twice; a late turn
    is still judged, as the newest one, because a request for a person is one whenever it arrives.
    """
    fresh = _fresh(conversation, event.turns)
    if event.kind is EventKind.MESSAGE_UPDATED:
        conversation, fresh = _amended(conversation, event.turns), []
    old = _told_later(conversation, event, fresh)
    state = _with_turns(conversation, fresh, event, old)
    state = _with_context(state, event.context, event)
    said = event.conversation
    before = _lease(state)
    # A person who spoke long ago, told again in a whole transcript, holds nothing.
    lease = next_lease(before, replace(event, turns=tuple(fresh)))
    holder = holder_of(lease)
    if holder is Holder.BOT and state.holder in (Holder.HUMAN, Holder.PENDING_HUMAN):
        state = _counted_anew(state)
    return replace(
        state,
        lease=lease,
        talked_over=_talked_over(state, before, event, fresh),
        course=_course(conversation, event, holder, state.new_turns[old:]),
        channel=said.channel or state.channel,
        language=said.language or state.language,
        subject=said.subject or state.subject,
        url=said.url or state.url,
        bot_id=event.bot_id or state.bot_id,
        bot_version=event.bot_version or state.bot_version,
        customer=_merged_customer(state.customer, event.customer),
        facts=_with_callback(_with_customer_facts(state.facts, event.customer), event.callback),
        holder=holder,
        handoff_asked=_handoff_asked(state.handoff_asked, event),
        transcript=event.transcript or state.transcript,
        summary=(event.bot_outcome.summary if event.bot_outcome else None) or state.summary,
        warnings=tuple(dict.fromkeys((*state.warnings, *event.warnings)))[-KEPT_FACTS:],
        refs={**state.refs, **event.refs} if event.refs else state.refs,
        last_event_at=max(filter(None, (state.last_event_at, event.occurred_at))),
        started_at=min(filter(None, (state.started_at, said.started_at, event.occurred_at))),
    )


def fold_all(source: str, vendor_conversation_id: str, events: Iterable[Event]) -> Conversation:
    """Fold a whole log: what replay and tests do; the gateway keeps the state and folds one event at a time."""
    state = Conversation(source, vendor_conversation_id)
    for event in events:
        state = fold(state, event)
    return state


def handed_off(conversation: Conversation) -> Conversation:
    """The conversation once a handoff is committed: people hold it, and the vendor's own request is answered."""
    state = _leased(conversation, given_to_people(_lease(conversation)))
    return replace(state, handoff_asked=None, course=Course())


def handed_back(conversation: Conversation) -> Conversation:
    """
    The conversation once people are done: the bot may speak again, and its failures are counted anew. What was asked
    for meanwhile (many vendors report our own handoff as a request for one) has been answered.
    """
    state = _leased(conversation, given_back(_lease(conversation)))
    return _counted_anew(replace(state, course=Course(), handoff_asked=None))


def taken_over(conversation: Conversation, at: datetime, *, again: bool = False) -> Conversation:
    """The conversation once a person has spoken on its ticket, or (`again`) taken up one that was solved."""
    return _leased(conversation, taken_by_a_person(_lease(conversation), at, again=again))


def _fresh(state: Conversation, turns: tuple[Turn, ...]) -> list[Turn]:
    """
    The turns not yet folded, each message id once. A whole transcript sent after its turns reaches back further than
    the window: what stands in it before the first turn we still know was folded long ago.
    """
    seen = {t.message_id for t in state.recent if t.message_id}
    known = [place for place, turn in enumerate(turns) if turn.message_id in seen]
    start = known[0] if known and len(state.recent) == RECENT_TURNS else 0
    once = {turn.message_id or place: turn for place, turn in enumerate(turns[start:])}
    return [turn for turn in once.values() if turn.message_id not in seen]


def _lease(state: Conversation) -> Lease:
    if state.lease is not None:
        return state.lease
    return Lease() if state.holder is Holder.BOT else lease_of(state.holder, state.last_event_at)


def _leased(state: Conversation, lease: Lease) -> Conversation:
    return replace(state, lease=lease, holder=holder_of(lease))


def _counted_anew(state: Conversation) -> Conversation:
    return replace(state, unmatched_in_a_row=0, confidences=(), failed_tasks={})


def _talked_over(state: Conversation, lease: Lease, event: Event, fresh: Sequence[Turn]) -> TalkedOver:
    """
    With the bot's new turns that came after a person's word. What crossed it on the way, or is told only afterwards
    and without times, was not said over anybody.
    """
    known = state.talked_over
    if holder_of(lease) is not Holder.HUMAN or lease.person_at is None:
        return known
    over = [
        (placed.position, at)
        for turn, placed in zip(fresh, state.new_turns, strict=True)
        if turn.role is Role.BOT and turn.visibility is Visibility.PUBLIC
        if (at := said_at(turn, event)) is not None and at > lease.person_at
    ]
    if not over:
        return known
    last_at = max(filter(None, (known.last_at, *(at for _, at in over))))
    turns = (*known.turns, *(position for position, _ in over))[-RECENT_TURNS:]
    return TalkedOver(known.count + len(over), turns, last_at)


def _told_later(state: Conversation, event: Event, fresh: Sequence[Turn]) -> int:
    """
    How many of the fresh turns stand before one we knew, in a transcript told as news of the conversation: words that
    had never come and are no new talk. A transcript that is told again and again as it grows has none.
    """
    if event.kind is not EventKind.CONVERSATION_UPDATED:
        return 0
    seen = {t.message_id for t in state.recent if t.message_id}
    newest_known = max((place for place, turn in enumerate(event.turns) if turn.message_id in seen), default=0)
    before = {id(turn) for turn in event.turns[:newest_known]}
    return sum(id(turn) in before for turn in fresh)


def _with_turns(state: Conversation, fresh: Iterable[Turn], event: Event, old: int) -> Conversation:
    """old: how many of the fresh turns, the first of them, were told later than they were said."""
    placed: list[Turn] = []
    turns, customer_turns, bot_turns = state.turns, state.customer_turns, state.bot_turns
    unmatched, confidences = state.unmatched_in_a_row, state.confidences
    last_customer_turn_at = state.last_customer_turn_at
    for number, turn in enumerate(fresh):
        turns += 1
        said_at = turn.occurred_at or event.occurred_at
        placed.append(replace(turn, position=turns, occurred_at=said_at, attachments=()))
        if turn.visibility is Visibility.INTERNAL:
            continue
        if turn.role is Role.CUSTOMER:
            customer_turns += 1
            last_customer_turn_at = max(filter(None, (last_customer_turn_at, said_at)))
            if number < old:
                continue  # what the bot made of it then says nothing about how it is doing now
            nlu = turn.nlu
            unmatched = unmatched + 1 if nlu and nlu.is_fallback else 0
            confidences = (*confidences, _confidence(turn))[-RECENT_TURNS:]
        elif turn.role is Role.BOT:
            bot_turns += 1
    sentiments = [t.sentiment for t in placed if t.sentiment and t.role is Role.CUSTOMER]
    kept = [t if len(t.text) <= RECENT_TEXT else replace(t, text=t.text[:RECENT_TEXT]) for t in placed]
    recent = (*state.recent, *kept)
    if old:  # earlier words that had never come stand where they were said
        recent = tuple(sorted(recent, key=lambda turn: turn.occurred_at or event.occurred_at))
    return replace(
        state,
        turns=turns,
        customer_turns=customer_turns,
        bot_turns=bot_turns,
        recent=recent[-RECENT_TURNS:],
        new_turns=tuple(placed),
        unmatched_in_a_row=unmatched,
        confidences=confidences,
        last_customer_turn_at=last_customer_turn_at,
        sentiment=sentiments[-1] if sentiments else state.sentiment,
        facts=_with_entities(state.facts, kept),
    )


def _confidence(turn: Turn) -> float | None:
    """That of an intent left over from an earlier turn says nothing about this one."""
    nlu = turn.nlu
    return nlu.intent.confidence if nlu and nlu.intent and nlu.intent_is_current else None


def _amended(state: Conversation, turns: Iterable[Turn]) -> Conversation:
    """Edited messages replace their text in the window; their place and the counts stay."""
    texts = {t.message_id: t for t in turns if t.message_id}
    recent = tuple(
        replace(t, text=texts[t.message_id].text[:RECENT_TEXT]) if t.message_id in texts else t for t in state.recent
    )
    return replace(state, recent=recent)


def _with_context(state: Conversation, context: Context | None, event: Event) -> Conversation:
    if context is None:
        return state
    facts = state.facts
    turn = state.turns or None
    for name, value in {**context.variables, **context.custom_attributes, **context.slots}.items():
        said_in = _said_in(state, value)
        how = Provenance.BOT_INFERRED if said_in is None else Provenance.CUSTOMER_SAID
        facts = _learn(facts, name, value, how, said_in or turn)
    failed = dict(state.failed_tasks)
    calls = _fresh_calls(state, context.tool_calls)
    for call in calls:
        task = call.task or call.name
        failed[task] = 0 if call.ok else failed.get(task, 0) + 1
    return replace(
        state,
        facts=facts,
        tool_calls=(*state.tool_calls, *calls)[-KEPT_TOOL_CALLS:],
        failed_tasks={task: n for task, n in list(failed.items())[-KEPT_FACTS:] if n},
    )


def _fresh_calls(state: Conversation, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """
    Whole transcripts tell the same calls again and again; one with an id is counted once. What stands in them before
    the first call we still know was counted long ago.
    """
    known = {call.id for call in state.tool_calls if call.id}
    places = [place for place, call in enumerate(calls) if call.id in known]
    start = places[0] if places and len(state.tool_calls) == KEPT_TOOL_CALLS else 0
    return tuple(call for call in calls[start:] if call.id not in known)


def _said_in(state: Conversation, value: Any) -> int | None:
    """The newest customer turn that has this value as a word of its own; short values prove nothing."""
    words = str(value).strip().lower()
    if isinstance(value, bool) or len(words) < 3:
        return None
    found = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
    said = (t for t in reversed(state.recent) if t.role is Role.CUSTOMER and found.search(t.text.lower()))
    return next((t.position for t in said), None)


def _with_entities(facts: tuple[Fact, ...], turns: Iterable[Turn]) -> tuple[Fact, ...]:
    for turn in turns:
        if turn.role is not Role.CUSTOMER or turn.nlu is None:
            continue
        for entity in turn.nlu.entities:
            # Literally in the customer's words: said. Otherwise the bot worked it out.
            said = isinstance(entity.value, str) and entity.value.lower() in turn.text.lower()
            provenance = Provenance.CUSTOMER_SAID if said else Provenance.BOT_INFERRED
            facts = _learn(facts, entity.name, entity.value, provenance, turn.position)
        if turn.nlu.intent:
            facts = _learn(facts, "intent", turn.nlu.intent.name, Provenance.BOT_INFERRED, turn.position)
    return facts


def _with_customer_facts(facts: tuple[Fact, ...], customer: Customer | None) -> tuple[Fact, ...]:
    if customer is None:
        return facts
    verified = Provenance.VENDOR_VERIFIED if customer.authenticated else Provenance.BOT_INFERRED
    known: dict[str, Any] = {
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "account": customer.external_id,
    }
    for name, value in {**customer.attributes, **known}.items():
        facts = _learn(facts, name, value, verified, None)
    return facts


def _with_callback(facts: tuple[Fact, ...], asked: CallbackAsked | None) -> tuple[Fact, ...]:
    """When the customer wants to be called, for whoever reads the ticket: it may not have come to an appointment."""
    if asked is None:
        return facts
    wanted = f"{asked.starts_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if asked.starts_at else "as soon as possible"
    facts = _learn(facts, TIME_ZONE, asked.zone, Provenance.CUSTOMER_SAID, None)
    return _learn(facts, "callback_wanted", wanted, Provenance.CUSTOMER_SAID, None)


_STRENGTH = {p: i for i, p in enumerate(Provenance)}


def _learn(facts: tuple[Fact, ...], name: str, value: Any, how: Provenance, turn: int | None) -> tuple[Fact, ...]:
    """Newer wins over older of the same or weaker provenance; a guess never replaces what was verified."""
    if value is None or value == "" or isinstance(value, Mapping | list | tuple):
        return facts
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    others = [f for f in facts if f.name != name]
    if len(others) < len(facts) and name != "intent":
        old = next(f for f in facts if f.name == name)
        if _STRENGTH[old.provenance] > _STRENGTH[how]:
            return facts
    return (*others, Fact(name, text[:KEPT_VALUE], how, turn))[-KEPT_FACTS:]


def _merged_customer(old: Customer, new: Customer | None) -> Customer:
    """What the newest event says wins field by field; what it leaves out stays known."""
    if new is None:
        return old
    return Customer(
        vendor_user_id=new.vendor_user_id or old.vendor_user_id,
        external_id=new.external_id or old.external_id,
        name=new.name or old.name,
        email=new.email or old.email,
        phone=new.phone or old.phone,
        authenticated=old.authenticated if new.authenticated is None else new.authenticated,
        locale=new.locale or old.locale,
        attributes=dict(list({**old.attributes, **new.attributes}.items())[-KEPT_FACTS:]),
    )


def _course(before: Conversation, event: Event, holder: Holder, fresh: tuple[Turn, ...]) -> Course:
    """While people hold the conversation nothing of it is the bot's; a closed one that goes on is a new matter."""
    if holder in (Holder.PENDING_HUMAN, Holder.HUMAN):
        return next_course(Course(), event, ())
    if before.is_new:
        return next_course(Course(since=event.conversation.started_at), event, fresh)
    goes_on = before.holder is holder or holder is Holder.CLOSED
    return next_course(before.course if goes_on else Course(), event, fresh)


def _handoff_asked(asked: HandoffAsked | None, event: Event) -> HandoffAsked | None:
    if event.kind is EventKind.HANDOFF_REQUESTED:
        return event.handoff or HandoffAsked()
    if event.kind in CALLBACKS:  # a call is made by a person
        return HandoffAsked("customer_request", requested_by="customer", callback=True)
    if event.kind is EventKind.HANDOFF_CANCELLED:
        return None
    return asked
