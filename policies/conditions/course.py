"""
How the conversation goes while the bot has it: going round in circles, growing, dragging on.

All of it counts from when the bot last took over (`packets/course.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from packets.conversation import Conversation
from packets.course import Saying
from policies.params import a_duration, count, intents, one_of
from policies.registry import Seen, condition, seen, with_conversation
from policies.signals import Signals
from policies.sla.units import parse_duration, show_duration
from policies.small_talk import is_small_talk


def _in_circles(conversation: Conversation, value: Any) -> Conversation:
    asked, stuck = int(value.get("bot_question", 0)), int(value.get("intent", 0))
    sayings = (Saying("given", asked),) if asked else ()
    return _course(conversation, sayings=sayings, stuck_on={"given": stuck} if stuck else {})


def _course(conversation: Conversation, **changes: Any) -> Conversation:
    return replace(conversation, course=replace(conversation.course, **changes))


def _problems(conversation: Conversation, value: Any) -> Conversation:
    names = value if isinstance(value, list) else [f"problem_{n + 1}" for n in range(int(value))]
    return _course(conversation, intents=dict.fromkeys(names, 1))


def _lasting(conversation: Conversation, value: Any) -> Conversation:
    since = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
    return _course(conversation, since=since, until=since + parse_duration(value))


@condition(
    "the same {same} came {times} times",
    {"same": one_of("bot_question", "intent"), "times": count(2)},
    given=with_conversation(_in_circles),
)
def loop(signals: Signals, same: str, times: int) -> Seen:
    """
    The conversation goes round in circles. `same: bot_question`: the bot put the same question so often (case and
    punctuation aside). `same: intent`: the customer came with the same thing so often, and each time the bot only
    repeated itself. Whatever the bot says for the first time is progress and starts both counts again. So does a short
    answer to a question that differs from the one before: "friday", then "monday then", fills a slot and is no loop.

        loop: {same: bot_question, times: 3}
    """
    course = signals.conversation.course
    most = course.most_asked if same == "bot_question" else max(course.stuck_on.values(), default=0)
    return seen(most >= times, lambda: {"same": same, "times": most}, lambda: f"{most}×")


def _says_duration(longer_than: timedelta) -> str:
    return f"the bot has had it for longer than {show_duration(longer_than)}"


def _says_problems(more_than: int, ignoring: frozenset[str]) -> str:
    return f"more than {more_than} different problems" + (f", without {', '.join(sorted(ignoring))}" * bool(ignoring))


@condition(
    _says_problems,
    {"more_than": count(), "ignoring": intents().otherwise(frozenset())},
    given=with_conversation(_problems),
)
def distinct_problems(signals: Signals, more_than: int, ignoring: frozenset[str]) -> Seen:
    """
    The customer came with more different things than this: the different intents the bot understood, without small talk
    (greetings, yes and no, thanks, informing; the list stands in the code) and without those named in `ignoring`:
    bots that call every step of a booking an intent need them all there.

        distinct_problems: {more_than: 2}
    """
    told = signals.conversation.course.intents
    problems = [name for name in told if name not in ignoring and not is_small_talk(name)]
    return seen(len(problems) > more_than, len(problems), lambda: ", ".join(problems) or "none known")


@condition(_says_duration, {"longer_than": a_duration()}, given=with_conversation(_lasting))
def duration(signals: Signals, longer_than: timedelta) -> Seen:
    """
    The bot has had the conversation for longer than this, from the first to the newest turn. After a silence of 24
    hours it counts from the next turn.

        duration: {longer_than: 15m}
    """
    lasted = signals.conversation.course.lasted
    return seen(
        lasted is not None and lasted > longer_than,
        lambda: None if lasted is None else int(lasted.total_seconds()),
        lambda: "unknown" if lasted is None else show_duration(lasted),
    )


@condition(
    "more than {more_than} turns",
    {"more_than": count(0)},
    given=with_conversation(lambda c, v: _course(c, turns=int(v))),
)
def turns(signals: Signals, more_than: int) -> Seen:
    """
    Customer and bot together have said more than this many turns. `more_than: 0`: somebody has spoken at all; a rule
    about what stays true (`customer`, `channel`, …) needs it, or a rating after the people are done is a new contact.

        turns: {more_than: 30}
    """
    told = signals.conversation.course.turns
    return seen(told > more_than, told, lambda: f"{told} turns")
