"""
How the bot's stretch of a conversation is going: what repeats, what the customer came for, how they sound, how long.

Part of the folded state, so it stays small: counters and the newest few values, never a text. It starts anew when
people give the conversation back and after a long silence: last week's trouble is no reason to hand over today.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from packets.event import BotOutcome, Context, Event, EventKind, Role, Sentiment, Turn, Visibility

LULL = timedelta(hours=24)  # a silence after which the same thread is a new matter
KEPT_MOODS = 12  # newest customer turns whose sentiment is kept
KEPT_INTENTS = 32
KEPT_SAYINGS = 8  # different things the bot said, newest last
KEPT_UTTERED = 6  # newest turns of the bot whose time we keep
LOOKED_AT = 500  # characters of a text that tell it from others
SHORT_ANSWER = 4  # words; what fills a slot is short, and longer talk shows nothing about progress
MOODS = {"negative": -0.5, "neutral": 0.0, "mixed": 0.0, "positive": 0.5}  # of a label that comes without a score
# Reasons that say the bot had no answer; any other reason says that it broke.
NO_ANSWER = frozenset(
    {"no_source", "no_sources", "no_answer", "unanswered", "not_found", "no_match", "out_of_scope", "fallback"}
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How the customer sounds, as the vendor hears it. None = not known."""

    loudness: float | None = None  # 0..1
    tone_score: float | None = None  # -1..1
    raised_voice: bool | None = None


@dataclass(frozen=True, slots=True)
class Saying:
    """
    One thing the bot said. times: how often it was asked without progress; 0 when it is no question.
    answer: marks of the words of the newest short answer to it.
    """

    mark: str
    times: int = 0
    answer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Uttered:
    """A public turn of the bot, and when it reached us."""

    turn: int
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """
    last_speaker: who of customer and bot spoke last. heard_at: when that turn reached us, by our clock.
    turns: of customer and bot, all of them. moods: -1..1 of the newest customer turns, oldest first, None = unknown.
    intents: name → customer turns that had it, understood ones only. stuck_on: name → turns that had it since the bot
    last said something new. repeating: the bot has spoken since the last customer turn, and said nothing new.
    """

    since: datetime | None = None
    until: datetime | None = None
    last_speaker: Role | None = None
    heard_at: datetime | None = None
    turns: int = 0
    moods: tuple[float | None, ...] = ()
    voice: Voice | None = None
    intents: Mapping[str, int] = field(default_factory=dict)
    stuck_on: Mapping[str, int] = field(default_factory=dict)
    sayings: tuple[Saying, ...] = ()
    repeating: bool = False
    uttered: tuple[Uttered, ...] = ()  # the bot's newest turns
    unanswered: int = 0  # in a row
    resolved: bool | None = None  # the vendor's newest word on it
    bot_error: str | None = None
    transfer_failed: bool = False
    ended: bool = False  # by the newest event

    @property
    def lasted(self) -> timedelta | None:
        return self.until - self.since if self.since and self.until else None

    @property
    def most_asked(self) -> int:
        """How often the question that came most often was asked without getting anywhere."""
        return max((s.times for s in self.sayings), default=0)


def next_course(course: Course, event: Event, fresh: Iterable[Turn]) -> Course:
    """The course after an event that brought these turns, already placed and timed by the fold."""
    fresh = tuple(fresh)
    for turn in fresh:
        if turn.visibility is Visibility.PUBLIC and turn.role in (Role.CUSTOMER, Role.BOT):
            course = _after_turn(course, turn, event.received_at)
    changes = _heard_and_done(course, event, fresh)
    return replace(course, **changes) if changes else course  # most turns change nothing more


def _after_turn(course: Course, turn: Turn, heard_at: datetime) -> Course:
    at = turn.occurred_at
    if at and course.until and at - course.until > LULL:
        course = Course()
    if turn.role is Role.CUSTOMER:
        changes = _by_customer(course, turn)
    else:
        changes = _by_bot(course, turn)
        changes["uttered"] = (*course.uttered, Uttered(turn.position, heard_at))[-KEPT_UTTERED:]
    return replace(
        course,
        turns=course.turns + 1,
        since=min(filter(None, (course.since, at)), default=None),
        until=max(filter(None, (course.until, at)), default=None),
        last_speaker=turn.role,
        heard_at=heard_at,
        **changes,
    )


def _by_customer(course: Course, turn: Turn) -> dict[str, Any]:
    name = understood_intent(turn)
    stuck = dict(course.stuck_on) if course.repeating else {}
    intents = course.intents
    if name:
        stuck[name] = stuck.get(name, 0) + 1
        intents = dict(intents)
        intents[name] = intents.pop(name, 0) + 1
    return {
        "moods": (*course.moods, _mood(turn.sentiment))[-KEPT_MOODS:],
        "intents": _newest(intents),
        "stuck_on": _newest(stuck),
        "sayings": _answered(course.sayings, turn),
        "repeating": False,
    }


def _by_bot(course: Course, turn: Turn) -> dict[str, Any]:
    mark = _mark(turn.text)
    if mark is None:
        return {}
    asks = int(_QUESTION.search(turn.text) is not None)
    before = next((s for s in course.sayings if s.mark == mark), None)
    if before is None:  # something new is progress: whatever was repeated counts from here
        others = tuple([s if s.times == 0 else replace(s, times=0) for s in course.sayings])
        said = (*others, Saying(mark, asks))[-KEPT_SAYINGS:]
        return {"sayings": said, "stuck_on": {}, "repeating": False}
    others = tuple([s for s in course.sayings if s is not before])
    return {"sayings": (*others, Saying(mark, before.times + asks, before.answer)), "repeating": True}


def _answered(sayings: tuple[Saying, ...], turn: Turn) -> tuple[Saying, ...]:
    """
    The newest question with the customer's answer to it. A short answer that has no word of the one before fills a
    slot anew ("friday", then "monday then"): asking again is then no loop.
    """
    if not sayings:
        return sayings
    asked = sayings[-1]
    if not asked.times:
        return sayings
    words = _WORD.findall(turn.text[:LOOKED_AT].lower())
    marks = tuple(sorted({_digest(w) for w in words})) if len(words) <= SHORT_ANSWER else ()
    understood = turn.nlu is None or not turn.nlu.is_fallback
    differs = bool(understood and marks and asked.answer and not set(marks) & set(asked.answer))
    return (*sayings[:-1], Saying(asked.mark, 0 if differs else asked.times, marks or asked.answer))


def _heard_and_done(course: Course, event: Event, fresh: tuple[Turn, ...]) -> dict[str, Any]:
    """What the event says beside its turns, as far as it changes anything. A transcript told again is no new word."""
    spoke = bool(fresh)
    failed = event.kind is EventKind.CALL_TRANSFER_FAILED
    now: dict[str, Any] = {
        "voice": _voice(course, event, fresh),
        "transfer_failed": failed or (course.transfer_failed and not spoke),
        "bot_error": None if spoke else course.bot_error,
        "ended": event.kind is EventKind.CONVERSATION_ENDED,
    }
    if event.kind is EventKind.HANDOFF_CANCELLED:
        now["uttered"] = ()  # what was promised is not wanted any more
    if not spoke and (mood := _late_mood(event.context)) is not None:
        now["moods"] = (*course.moods[:-1], mood)
    if event.bot_outcome is not None:
        now |= _by_outcome(course, event.bot_outcome)
    return {name: value for name, value in now.items() if value != getattr(course, name)}


def _by_outcome(course: Course, outcome: BotOutcome) -> dict[str, Any]:
    reasons = [_plain(r) for r in (outcome.failure_reason, outcome.resolution_state) if r]
    no_answer = outcome.resolved is False or any(r in NO_ANSWER for r in reasons)
    unanswered = course.unanswered + 1 if no_answer else course.unanswered
    reason = outcome.failure_reason
    return {
        "unanswered": 0 if outcome.resolved else unanswered,
        "resolved": course.resolved if outcome.resolved is None else outcome.resolved,
        "bot_error": reason[:80] if reason and _plain(reason) not in NO_ANSWER else None,
    }


def understood_intent(turn: Turn) -> str | None:
    """The intent the bot matched for this very turn, in one spelling."""
    nlu = turn.nlu
    if nlu is None or nlu.intent is None or nlu.is_fallback or not nlu.intent_is_current:
        return None
    return _plain(nlu.intent.name)[:80] or None


def _mood(sentiment: Sentiment | None) -> float | None:
    if sentiment is None:
        return None
    return sentiment.score if sentiment.score is not None else MOODS.get(sentiment.label)


def _late_mood(context: Context | None) -> float | None:
    """A judgement that comes after the turn it is about (conversation.analyzed): the newest customer turn's."""
    told = context.analysis.get("sentiment") if context else None
    if not isinstance(told, Mapping):
        return None
    score = _number(told.get("score"))
    return score if score is not None else MOODS.get(str(told.get("label")))


def _voice(course: Course, event: Event, fresh: tuple[Turn, ...]) -> Voice | None:
    """What the newest customer turn sounded like; a turn that comes without is unknown, not like the one before."""
    told = _told_voice(event.context)
    if told is not None:
        return told
    return None if any(t.role is Role.CUSTOMER for t in fresh) else course.voice


def _told_voice(context: Context | None) -> Voice | None:
    told = context.analysis.get("voice") if context else None
    if not isinstance(told, Mapping):
        return None
    raised = told.get("raised_voice")
    voice = Voice(
        _number(told.get("loudness")), _number(told.get("tone_score")), raised if isinstance(raised, bool) else None
    )
    return voice if voice != Voice() else None


def _number(value: Any) -> float | None:
    """Vendors' analysis is free: what is no number between -1 and 1 is not known."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        return None
    return float(value)


_WORD = re.compile(r"\w+")
_QUESTION = re.compile("[?？؟]")


def _mark(text: str) -> str | None:
    """The same for the same words, whatever their case and punctuation; tells nobody what they were."""
    words = _WORD.findall(text[:LOOKED_AT].lower())
    return _digest(" ".join(words)) if words else None


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _newest(counts: Mapping[str, int]) -> Mapping[str, int]:
    return counts if len(counts) <= KEPT_INTENTS else dict(list(counts.items())[-KEPT_INTENTS:])
