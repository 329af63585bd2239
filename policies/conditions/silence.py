"""
What silence says: nobody speaks though somebody should. Such a rule can fire without an event; the gateway looks at a
conversation again when one of these silences is over (`policies/waiting.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from packets.decision import Evidence
from packets.event import Role
from policies.history import History
from policies.params import a_duration, only_true
from policies.promises import Promise, promise_of
from policies.registry import Given, Seen, condition, seen
from policies.signals import Signals
from policies.sla.units import parse_duration, show_duration
from policies.waiting import in_the_middle, silence_of

GIVEN_NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # the time of a case that gives signals


def silent_since(signals: Signals, speaker: Role, long: timedelta) -> Signals:
    """`given`: nothing has come for so long after a turn of `speaker`."""
    conversation = signals.conversation
    course = replace(conversation.course, last_speaker=speaker, heard_at=GIVEN_NOW - long)
    changed = replace(conversation, course=course, bot_turns=max(1, conversation.bot_turns))
    return replace(signals, conversation=changed, now=GIVEN_NOW, looked_at={})


def _after(speaker: Role) -> Given:
    return lambda signals, value: silent_since(signals, speaker, parse_duration(value))


def _long(silence: timedelta | None) -> Seen:
    seconds = None if silence is None else int(silence.total_seconds())
    return seen(False, seconds, "nobody is waited for" if silence is None else f"silent for {_shown(silence)}")


def _shown(silence: timedelta) -> str:
    return show_duration(timedelta(seconds=max(0, int(silence.total_seconds()))))


@condition(
    lambda **told: f"the customer has been silent for {show_duration(told['for'])}",
    {"for": a_duration()},
    given=_after(Role.BOT),
)
def customer_silent(signals: Signals, long: timedelta) -> Seen:
    """
    The bot spoke last, and the customer has said nothing for so long; nothing is known to be solved, and nobody has
    ended the conversation. Judged when that time is over, without any event.

        customer_silent: {for: 15m}
    """
    silence = silence_of(signals.conversation, Role.BOT, signals.now)
    return _long(silence)._replace(held=silence is not None and silence >= long)


@condition(
    lambda **told: f"the bot has been silent for {show_duration(told['for'])}",
    {"for": a_duration()},
    given=_after(Role.CUSTOMER),
)
def bot_silent(signals: Signals, long: timedelta) -> Seen:
    """
    The customer spoke last, and the bot has said nothing for so long. Where the bot has never been heard in this
    conversation it is unknown, because some vendors tell only what the customer says, unless the source has a
    `heartbeat` in `baton.yml`. Judged when that time is over, without any event.

        bot_silent: {for: 2m}
    """
    heard = signals.conversation.bot_turns > 0 or signals.history.tells_bot
    silence = silence_of(signals.conversation, Role.CUSTOMER, signals.now) if heard else None
    return _long(silence)._replace(held=silence is not None and silence >= long)


def _unkept(signals: Signals, value: Any) -> Signals:
    """`given`: so long ago the bot promised a person, in words of its own."""
    promise = Promise(GIVEN_NOW - parse_duration(value), Evidence("the bot promised a person"))
    return replace(signals, promise=promise, now=GIVEN_NOW, looked_at={})


@condition(
    lambda **told: f"the bot promised a person {show_duration(told['for'])} ago, and none was called",
    {"for": a_duration()},
    given=_unkept,
)
def promise_unkept(signals: Signals, long: timedelta) -> Seen:
    """
    The bot has told the customer that a person comes ("I am connecting you to an agent"; the packs' `bot` phrases), and
    for so long no handoff has been made. An offer or a question is no promise. Judged when that time is over, without
    any event; also when the conversation was ended meanwhile.

        promise_unkept: {for: 30s}
    """
    promise = signals.promise
    if promise is None and not signals.conversation.new_turns:  # it has a timer: no need to listen on every turn
        promise = promise_of(signals.conversation, signals.packs)
    if promise is None or signals.now is None:
        return seen(False, None, "nothing is promised")
    waited = signals.now - promise.heard_at
    return Seen(waited >= long, int(waited.total_seconds()), (promise.evidence,))


def _vendor(signals: Signals, value: Any) -> Signals:
    silent = silent_since(signals, Role.CUSTOMER, timedelta(minutes=2) if value else timedelta())
    history = replace(signals.history, heartbeat=timedelta(minutes=1), source_heard_at=GIVEN_NOW)
    return replace(silent, history=history)


@condition("the vendor is silent past its heartbeat", only_true(), given=_vendor)
def vendor_silent(signals: Signals, yes: bool) -> Seen:
    """
    The source has a `heartbeat` in `baton.yml`, and for longer than that either nothing has come in this conversation
    although the customer wrote last, or nothing at all has come from the source and this conversation was going on.
    Judged when that time is over, without any event.

        vendor_silent: true
    """
    history, now = signals.history, signals.now
    silence = silence_of(signals.conversation, None, now)
    if now is None or silence is None or history.heartbeat is None:
        return seen(False, None, "nobody is waited for" if history.heartbeat else "its heartbeat is not known")
    owes = silence_of(signals.conversation, Role.CUSTOMER, now) is not None and silence >= history.heartbeat
    dead = _source_is_silent(history, now) and in_the_middle(now - silence, history)
    said = "no word from the source" if dead else f"silent for {_shown(silence)}"
    return seen(owes or dead, {"conversation": owes, "source": dead}, said)


def _source_is_silent(history: History, now: datetime) -> bool:
    heard, heartbeat = history.source_heard_at, history.heartbeat
    return heard is not None and heartbeat is not None and now - heard >= heartbeat
