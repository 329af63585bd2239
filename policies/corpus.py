"""
Recorded conversations, read lazily: JSON Lines with roles, words and what a vendor's NLU said, or our own event log.

An `Entry` is one conversation as it stands in the corpus, cheap to hand to another process; `read` makes of it the
events the canonical vendor would have posted. The format is described in docs/policy.md, "Replay and diff".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from packets.codec import from_json
from packets.event import (
    Context,
    ConversationInfo,
    Customer,
    Entity,
    Event,
    EventKind,
    Intent,
    Nlu,
    Role,
    Sentiment,
    ToolCall,
    Turn,
)
from packets.words import plain
from policies.history import NO_HISTORY, REMEMBERED, Contact, History

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a recording tells seconds, not days
PAUSE = timedelta(seconds=5)  # between turns that tell no time
ROLES = {role.value: role for role in (Role.CUSTOMER, Role.BOT, Role.AGENT)}
OUTCOMES = {"failed": False, "succeeded": True}
SENTIMENTS = ("negative", "neutral", "positive", "mixed", "unknown")

# Intents that say: nothing matched. Of the customer's turn itself, or of the bot's answer to it.
NOTHING_MATCHED = frozenset(("fallback", "nlu_fallback", "inconclusive", "noise"))
ANSWERS_TO_NOTHING = frozenset(("did_not_understand",))
# BETOLD tells a task's failure only as what the bot then says (telepathylabsai/BETOLD_dataset, validation file).
FAILURES = {
    "failed_schedule_warning": "schedule",
    "no_dates_available": "schedule",
    "fail_retrieve_user_info": "user_lookup",
}
# How the intents of a bot's questions begin, where only intents were recorded.
QUESTIONS = ("ask", "propose", "offer", "disambiguate")


class CorpusError(Exception):
    """A corpus that cannot be read, with file and line. Never quotes what was said."""


@dataclass(frozen=True, slots=True)
class Gold:
    """
    What is known about how it should have gone; None = nobody has said.

    window: first and last turn, counted from 1, at which handing off is right.
    outcome: how it ended without us, e.g. "completed".
    """

    should_escalate: bool | None = None
    trigger: str | None = None
    window: tuple[int, int] | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    One conversation. timed: its times were recorded, not made up.
    observed_until: how long somebody watched after the last event, where silence is the point.
    history: what was known of the customer when it began.
    """

    id: str
    source: str
    where: str  # file:line, or "events"
    events: tuple[Event, ...]
    gold: Gold = field(default_factory=Gold)
    timed: bool = True
    observed_until: datetime | None = None
    history: History = NO_HISTORY


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a JSONL file, unread. size: its bytes in the file."""

    where: str
    text: bytes

    @property
    def size(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Logged:
    """One conversation of our event log: its events as `packets.codec` stored them."""

    conversation_id: str
    source: str
    vendor_conversation_id: str
    events: tuple[str, ...]

    @property
    def size(self) -> int:
        return 1


Entry = Line | Logged


def lines(path: Path) -> Iterator[Line]:
    """The conversations of one file, one at a time. Raises CorpusError if it cannot be opened."""
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield Line(f"{path}:{number}", text)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from error


def read(entry: Entry) -> Recorded:
    """Raises CorpusError with file and line."""
    if isinstance(entry, Logged):
        events = tuple(from_json(Event, text) for text in entry.events)
        return Recorded(entry.conversation_id, entry.source, "events", events)
    try:
        data = json.loads(entry.text.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{entry.where}: not JSON, one conversation a line is expected") from error
    return from_dialogue(data, entry.where)


def from_dialogue(data: Any, where: str) -> Recorded:
    """A conversation as one line of a `dialogues_*.jsonl` tells it. Raises CorpusError."""
    return _Reader(where).conversation(data)


def event_of(turn: Turn, number: int, *, at: datetime, conversation: ConversationInfo, **more: Any) -> Event:
    """One turn as the vendor posts it; `number` counts from 1."""
    return Event(
        event_id=f"{conversation.vendor_conversation_id}-{number}",
        kind=EventKind.MESSAGE_CREATED,
        conversation=conversation,
        occurred_at=at,
        received_at=at,
        turns=(turn,),
        **more,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    where: str

    def conversation(self, data: Any) -> Recorded:
        data = self._mapping(data, "the line")
        name = self._get(data, "id", str)
        if not name:
            raise self._wrong("'id' is missing, every conversation needs one")
        turns = self._get(data, "turns", list)
        if turns is None:
            raise self._wrong("'turns' is missing, a list of {role, text} is expected")
        said = [self._mapping(turn, f"turn {i}") for i, turn in enumerate(turns, start=1)]
        meta = self._get(data, "meta", dict) or {}
        info = ConversationInfo(name, language=self._get(data, "lang", str))
        source = self._get(data, "source", str) or "corpus"
        timed = all(turn.get("t") is not None for turn in said)
        events = tuple(self._event(said, i, info, source, meta, timed) for i in range(len(said)))
        until = self._number(meta, "observed_until")
        return Recorded(
            id=name,
            source=source,
            where=self.where,
            events=events,
            gold=self._gold(self._get(data, "gold", dict) or {}, len(said)),
            timed=timed,
            observed_until=None if until is None else START + timedelta(seconds=until),
            history=self._history(meta),
        )

    def _event(
        self,
        turns: list[dict[str, Any]],
        i: int,
        info: ConversationInfo,
        source: str,
        meta: dict[str, Any],
        timed: bool,
    ) -> Event:
        turn, what = turns[i], f"turn {i + 1}"
        role = ROLES.get(str(turn.get("role")))
        if role is None:
            raise self._wrong(f"{what}: 'role' must be one of {', '.join(ROLES)}")
        after = self._number(turn, "t", what) if timed else i * PAUSE.total_seconds()
        answer = turns[i + 1] if i + 1 < len(turns) and role is Role.CUSTOMER else {}
        calls = self._calls(turn, role, what)
        said = Turn(
            role=role,
            text=self._get(turn, "text", str, what) or _stand_in(turn, role),
            nlu=self._nlu(turn, answer, role, what),
            sentiment=self._sentiment(turn, what),
        )
        return event_of(
            said,
            i + 1,
            at=START + timedelta(seconds=after or 0),
            conversation=info,
            source=source,
            occurred_at_estimated=not timed,
            customer=self._customer(meta) if i == 0 else None,
            context=Context(tool_calls=calls) if calls else None,
        )

    def _nlu(self, turn: dict[str, Any], answer: dict[str, Any], role: Role, what: str) -> Nlu | None:
        name = self._get(turn, "intent", str, what)
        sure = self._number(turn, "confidence", what)
        if sure is not None and not 0 <= sure <= 1:
            raise self._wrong(f"{what}: 'confidence' must be from 0 to 1")
        entities = tuple(_entity(e) for e in self._get(turn, "entities", list, what) or ())
        unmatched = role is Role.CUSTOMER and (
            name in NOTHING_MATCHED or (answer.get("role") == "bot" and str(answer.get("intent")) in ANSWERS_TO_NOTHING)
        )
        if name is None and sure is None and not entities and not unmatched:
            return None
        intent = Intent(name or "unnamed", confidence=sure) if name is not None or sure is not None else None
        return Nlu(intent=intent, entities=entities, is_fallback=unmatched)

    def _calls(self, turn: dict[str, Any], role: Role, what: str) -> tuple[ToolCall, ...]:
        outcome = self._get(turn, "outcome", str, what)
        if outcome is None:
            failed = FAILURES.get(str(turn.get("intent"))) if role is Role.BOT else None
            return (ToolCall(failed, ok=False),) if failed else ()
        if outcome not in OUTCOMES:
            raise self._wrong(f"{what}: 'outcome' must be one of {', '.join(OUTCOMES)}")
        return (ToolCall(self._get(turn, "task", str, what) or "task", ok=OUTCOMES[outcome]),)

    def _sentiment(self, turn: dict[str, Any], what: str) -> Sentiment | None:
        told = turn.get("sentiment")
        if told is None:
            return None
        if isinstance(told, str):
            if told not in SENTIMENTS:
                raise self._wrong(f"{what}: 'sentiment' must be -1 to 1, or one of {', '.join(SENTIMENTS)}")
            return Sentiment(told)
        score = self._number(turn, "sentiment", what) or 0.0
        if not -1 <= score <= 1:
            raise self._wrong(f"{what}: 'sentiment' must be from -1 to 1")
        return Sentiment("negative" if score < 0 else "positive" if score > 0 else "neutral", score)

    def _customer(self, meta: dict[str, Any]) -> Customer | None:
        told = self._get(meta, "customer", dict)
        return Customer(attributes=told) if told else None

    def _history(self, meta: dict[str, Any]) -> History:
        told = [self._mapping(c, "each of 'earlier'") for c in self._get(meta, "earlier", list) or ()]
        earlier = tuple(
            Contact(START - timedelta(seconds=self._number(c, "before") or 0), self._issues(c)) for c in told
        )
        remembered = frozenset(self._get(meta, "remembered", list) or ())
        if not remembered <= set(REMEMBERED):
            raise self._wrong(f"'remembered' may hold {', '.join(REMEMBERED)}")
        # Who watched the silence after a conversation would have seen the bot answer.
        watched = "observed_until" in meta
        return (
            History(earlier, remembered=remembered, tells_bot=watched) if told or remembered or watched else NO_HISTORY
        )

    def _issues(self, contact: dict[str, Any]) -> tuple[str, ...]:
        """A name stands for the intent, the topic and the task of that name."""
        names = [str(name) for name in self._get(contact, "issues", list) or ()]
        return tuple(issue for name in names for issue in (f"intent:{name}", f"topic:{name}", f"task:{plain(name)}"))

    def _gold(self, gold: dict[str, Any], turns: int) -> Gold:
        window = self._get(gold, "transfer_window", list)
        if window is not None:
            sound = len(window) == 2 and all(type(n) is int for n in window) and 0 <= window[0] <= window[1] < turns
            if not sound:
                raise self._wrong("'transfer_window' must be the first and last right turn, counted from 0")
        should = self._get(gold, "should_transfer", bool)
        if should and window is None:
            raise self._wrong("'should_transfer' without 'transfer_window': at which turns is it right?")
        return Gold(
            should_escalate=should,
            trigger=self._get(gold, "trigger", str),
            window=(window[0] + 1, window[1] + 1) if window and should else None,
            outcome=self._get(gold, "outcome", str),
        )

    def _mapping(self, value: Any, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(f"{what} must be a JSON object")
        return value

    def _get(self, data: Mapping[str, Any], key: str, kind: type, what: str | None = None) -> Any:
        value = data.get(key)
        if value is not None and not isinstance(value, kind):
            names = {str: "text", list: "a list", dict: "an object", bool: "true or false"}
            raise self._wrong(f"{what + ': ' if what else ''}'{key}' must be {names[kind]}")
        return value

    def _number(self, data: Mapping[str, Any], key: str, what: str | None = None) -> float | None:
        value = data.get(key)
        if value is None:
            return None
        sound = isinstance(value, int | float) and not isinstance(value, bool)
        if not sound or not isfinite(value) or abs(value) > 1e9:
            raise self._wrong(f"{what + ': ' if what else ''}'{key}' must be a number")
        return float(value)

    def _wrong(self, text: str) -> CorpusError:
        return CorpusError(f"{self.where}: {text}")


def _stand_in(turn: Mapping[str, Any], role: Role) -> str:
    """
    For a bot's words that were not recorded, its intent: the same one twice is the same thing said twice. A customer's
    words are never made up.
    """
    name = turn.get("intent")
    if role is not Role.BOT or turn.get("text") is not None or not name:
        return ""
    return f"[{plain(str(name))}{'?' if str(name).startswith(QUESTIONS) else ''}]"


def _entity(told: Any) -> Entity:
    """A name, as BETOLD lists them, or {name, value}."""
    if isinstance(told, dict):
        return Entity(str(told.get("name") or "unnamed"), told.get("value"))
    return Entity(str(told))
