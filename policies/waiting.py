"""
When to look at a conversation again though nobody says anything: the next moment at which silence alone can make a rule
of the policy fire. Whoever keeps the timers asks here and keeps at most one for a conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from packets.conversation import Conversation, Holder
from packets.event import Role
from policies.history import NO_HISTORY, History
from policies.model import PolicySet, Rule, Wait, When
from policies.promises import promise_of

# Condition → whose turn must have been the last, and which of its arguments says how long (None: the heartbeat).
_SILENCES: dict[str, tuple[Role | None, int | None]] = {
    "customer_silent": (Role.BOT, 0),
    "bot_silent": (Role.CUSTOMER, 0),
    "ended_after": (Role.BOT, 1),
    "vendor_silent": (None, None),
    "promise_unkept": (None, 0),
}


def uses_of(rules: Iterable[Rule]) -> frozenset[str]:
    """The names of all conditions in these rules."""
    return frozenset(leaf.kind for rule in rules for leaf in _leaves(rule.when))


def waits_of(rules: Iterable[Rule]) -> tuple[Wait, ...]:
    """Every silence one of these rules waits for, once."""
    found: dict[Wait, None] = {}
    for leaf in (leaf for rule in rules for leaf in _leaves(rule.when) if leaf.kind in _SILENCES):
        after, place = _SILENCES[leaf.kind]
        long = None if place is None else leaf.arguments[place]
        if place is None or long is not None:
            found[Wait(after, long, promised=leaf.kind == "promise_unkept")] = None
    return tuple(found)


def next_look(
    conversation: Conversation, policy: PolicySet, *, now: datetime, history: History = NO_HISTORY
) -> datetime | None:
    """The next moment after `now` at which to decide again if nothing comes until then. None: never."""
    if not policy.waits:
        return None
    moments = [at for wait in policy.waits if wait.promised for at in _promised(conversation, wait, policy)]
    if is_waiting(conversation):
        silences = (wait for wait in policy.waits if not wait.promised)
        moments += [at for wait in silences for at in _moments(conversation, wait, history)]
    return min((at for at in moments if at > now), default=None)


def is_waiting(conversation: Conversation) -> bool:
    """Whether silence can mean anything here: the bot has it, somebody has spoken, nothing is solved or ended."""
    course = conversation.course
    return (
        conversation.holder is Holder.BOT
        and course.heard_at is not None
        and not course.ended
        and course.resolved is not True
    )


def _moments(conversation: Conversation, wait: Wait, history: History) -> Iterator[datetime]:
    course = conversation.course
    if course.heard_at is None or wait.after not in (None, course.last_speaker):
        return
    if wait.after is Role.CUSTOMER and not (conversation.bot_turns or history.tells_bot):
        return  # a bot that is never told of is not missed (`bot_silent`)
    long = wait.long or history.heartbeat
    if long is None:
        return
    yield course.heard_at + long
    if wait.long is None and history.source_heard_at is not None and in_the_middle(course.heard_at, history):
        yield history.source_heard_at + long


def _promised(conversation: Conversation, wait: Wait, policy: PolicySet) -> Iterator[datetime]:
    """A promise is looked for once, when it is made: later events leave the timer that was set for it alone."""
    promise = promise_of(conversation, policy.packs, new_only=bool(conversation.new_turns))
    if promise and wait.long:
        yield promise.heard_at + wait.long


def in_the_middle(heard_at: datetime, history: History) -> bool:
    """Whether a conversation last heard of then was going on when its source was heard of last."""
    heartbeat, source = history.heartbeat, history.source_heard_at
    return heartbeat is not None and source is not None and heard_at >= source - heartbeat


def _leaves(when: When) -> Iterator[When]:
    if when.kind in ("all", "any", "not"):
        for part in when.parts:
            yield from _leaves(part)
    else:
        yield when


def silence_of(conversation: Conversation, after: Role | None, now: datetime | None) -> timedelta | None:
    """How long nothing has come since a turn of `after` (None: of either). None: nobody is waited for."""
    course = conversation.course
    if now is None or course.heard_at is None or not is_waiting(conversation):
        return None
    return now - course.heard_at if after in (None, course.last_speaker) else None
