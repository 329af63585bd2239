"""What the vendor says went wrong with its bot: no answer, an error, a call nobody took, a customer who left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from packets.conversation import Conversation, Fact, Holder, Provenance
from packets.event import Role
from policies.conditions.silence import silent_since
from policies.params import a_duration, count, only_true, some_text
from policies.registry import Seen, condition, seen, with_conversation
from policies.signals import Signals
from policies.sla.units import parse_duration, show_duration
from policies.waiting import silence_of

STEP = "step"  # the fact by which a vendor tells where in its flow the bot is


def _course(conversation: Conversation, **changes: Any) -> Conversation:
    return replace(conversation, course=replace(conversation.course, **changes))


def _left(conversation: Conversation, value: Any) -> Conversation:
    at = Fact(STEP, str(value["step"] if isinstance(value, dict) else value), Provenance.BOT_INFERRED)
    return _course(replace(conversation, holder=Holder.CLOSED, facts=(*conversation.facts, at)), ended=True)


def _left_or_silent(signals: Signals, value: Any) -> Signals:
    if isinstance(value, dict) and "silent_for" in value:
        at = Fact(STEP, str(value["step"]), Provenance.BOT_INFERRED)
        facts = (*signals.conversation.facts, at)
        there = replace(signals, conversation=replace(signals.conversation, facts=facts))
        return silent_since(there, Role.BOT, parse_duration(value["silent_for"]))
    return with_conversation(_left)(signals, value)


@condition(
    "the bot had no answer {times} times in a row",
    {"times": count()},
    given=with_conversation(lambda c, value: _course(c, unanswered=int(value))),
)
def unanswered(signals: Signals, times: int) -> Seen:
    """
    The vendor said so often in a row that its bot left something open: `bot_outcome.resolved` is false, or
    `failure_reason` or `resolution_state` says that it found nothing (`no_source`, `no_answer`, `unanswered`,
    `not_found`, `no_match`, `out_of_scope`). Resolved starts the count again; an outcome nobody knows leaves it.

        unanswered: {times: 2}
    """
    row = signals.conversation.course.unanswered
    return seen(row >= times, row, lambda: f"{row} in a row")


@condition(
    "transfer failed", only_true(), given=with_conversation(lambda c, value: _course(c, transfer_failed=bool(value)))
)
def transfer_failed(signals: Signals, yes: bool) -> Seen:
    """
    The bot tried to put a call through and nobody took it (`call.transfer_failed`), and nobody has spoken since.

        transfer_failed: true
    """
    failed = signals.conversation.course.transfer_failed
    return seen(failed, failed, "the transfer failed" if failed else "no failed transfer")


@condition(
    "the bot had an error",
    only_true(),
    given=with_conversation(lambda c, value: _course(c, bot_error="given" if value else None)),
)
def bot_error(signals: Signals, yes: bool) -> Seen:
    """
    The vendor says that its bot failed (`bot_outcome.failure_reason`, unless it only means that there was no answer),
    and nobody has spoken since.

        bot_error: true
    """
    reason = signals.conversation.course.bot_error
    return seen(reason is not None, reason, reason or "no error")


def _says_left(step: str, or_silent_for: timedelta | None) -> str:
    silent = f", or is silent for {show_duration(or_silent_for)}" if or_silent_for else ""
    return f"the customer left after {step}{silent}"


@condition(_says_left, {"step": some_text(), "or_silent_for": a_duration().otherwise(None)}, given=_left_or_silent)
def ended_after(signals: Signals, step: str, or_silent_for: timedelta | None) -> Seen:
    """
    The conversation just ended, not known to be resolved, and the bot was at this step: the slot or variable `step` if
    the vendor tells one, else the task or name of the bot's newest tool call. With `or_silent_for` also when nobody
    ended it but the customer has not answered the bot for so long; that is judged when the time is over.

        ended_after: {step: payment, or_silent_for: 30m}
    """
    conversation = signals.conversation
    told = conversation.fact(STEP)
    calls = conversation.tool_calls
    at = told.value if told else (calls[-1].task or calls[-1].name) if calls else None
    left = conversation.course.ended and conversation.course.resolved is not True
    silence = silence_of(conversation, Role.BOT, signals.now) if or_silent_for else None
    waited = silence is not None and or_silent_for is not None and silence >= or_silent_for
    how = "ended" if left else "silent" if waited else "going on"
    return seen(
        (left or waited) and at == step,
        lambda: {"ended": left, "silent": waited, "step": at},
        lambda: f"{how} at {at or 'unknown'}",
    )
