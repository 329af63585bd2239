"""What the customer says, and whether the bot copes: requests, topics, misunderstandings, confidence, failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from packets.conversation import Conversation
from packets.decision import Evidence
from packets.event import HandoffAsked
from policies.params import count, known_topic, one_of, share, turns, yes_no
from policies.registry import Seen, condition, seen, with_conversation
from policies.signals import EXPLICIT_REQUEST, Heard, Signals

VENDOR_SAYS_CUSTOMER_ASKED = Evidence("the vendor says the customer asked for a person", detector="handoff.requested")


def _heard(signals: Signals, labels: str | list[str]) -> Signals:
    """`given` for conditions about words: as if the customer had said something of that kind."""
    told = [labels] if isinstance(labels, str) else labels
    new = {label: Heard((Evidence(f"given: {label}"),)) for label in told}
    return replace(signals, heard={**signals.heard, **new}, looked_at={})


def _confidences(value: Any) -> tuple[float | None, ...]:
    return tuple(None if c is None else float(c) for c in value)


def _tasks(conversation: Conversation, value: Any) -> Conversation:
    return replace(conversation, failed_tasks=dict(value) if isinstance(value, dict) else {"task": int(value)})


HUMAN, CALLBACK = "human", "callback"


def _wished(signals: Signals, value: Any) -> Signals:
    if value != CALLBACK:
        return _heard(signals, EXPLICIT_REQUEST)
    asked = HandoffAsked("customer_request", requested_by="customer", callback=True)
    return replace(signals, conversation=replace(signals.conversation, handoff_asked=asked))


@condition("customer asked for a {value}", one_of(HUMAN, CALLBACK), given=_wished)
def customer_asked_for(signals: Signals, whom: str) -> Seen:
    """
    The customer asks for a person now, in whatever words: "agent", "can you put me through?", "I'd rather explain this
    to one of your team". Not: "no need for an agent", "my manager asked me", "are you a human?".

    Also holds when the vendor names an intent for it (`intents` in the phrase packs), or hands over saying that the
    customer asked. `callback`: the vendor says that the customer wants to be called (`callback.requested`,
    `callback.confirmed`), and no handoff has answered that yet. To `bot_asked_for` that is a handoff like any other.

        customer_asked_for: human
    """
    if whom == CALLBACK:
        wanted = signals.conversation.handoff_asked is not None and signals.conversation.handoff_asked.callback
        return seen(wanted, wanted, "the customer wants to be called" if wanted else "no call wanted")
    heard = signals.about(EXPLICIT_REQUEST)
    asked = signals.conversation.handoff_asked
    evidence = heard.evidence
    if asked and not asked.callback and (asked.requested_by == "customer" or asked.reason_code == "customer_request"):
        evidence = (*evidence, VENDOR_SAYS_CUSTOMER_ASKED)
    return Seen(bool(evidence), bool(evidence), evidence or heard.guarded)


@condition("topic is {value}", known_topic(), given=_heard)
def topic(signals: Signals, label: str) -> Seen:
    """
    The customer's new words are about a topic (legal, fraud, safety, … whatever the phrase packs have a label for), or
    the vendor's intent says so. A vendor's other intent never cancels the customer's own words.

        topic: legal
    """
    heard = signals.about(label)
    return Seen(bool(heard.evidence), lambda: signals.labels, heard.evidence or heard.guarded)


def _unread(signals: Signals, value: Any) -> Signals:
    return replace(signals, unscanned=(Evidence("given: unread"),) if value else (), looked_at={})


@condition("the customer's language is unread: {value}", yes_no(), given=_unread)
def unscanned_language(signals: Signals, unread: bool) -> Seen:
    """
    The customer's new words are in a language for which there is no phrase pack: nobody looked for a wish for a person
    or a sensitive topic in them, so a rule may lean on the vendor's signals, or hand over. `false` holds when there
    were new words and all were read, or when there were none.

        unscanned_language: true
    """
    found = bool(signals.unscanned)
    return Seen(found is unread, found, signals.unscanned or (Evidence("every new word was read"),))


@condition(
    "the bot understood nothing {times} times in a row",
    {"times": count()},
    given=with_conversation(lambda c, value: replace(c, unmatched_in_a_row=int(value))),
)
def unmatched(signals: Signals, times: int) -> Seen:
    """
    The bot matched no intent for so many customer turns in a row, as the vendor tells (`nlu.is_fallback`).

        unmatched: {times: 2}
    """
    row = signals.conversation.unmatched_in_a_row
    return seen(row >= times, row, lambda: f"{row} in a row")


@condition(
    "bot_confidence below {below} for {for} turns",
    {"below": share(), "for": turns()},
    given=with_conversation(lambda c, value: replace(c, confidences=_confidences(value))),
)
def bot_confidence(signals: Signals, below: float, newest: int) -> Seen:
    """
    The bot's confidence in its own answer was below a value for each of the newest customer turns. A turn without a
    confidence is unknown: it never counts as low, and it ends the run.

        bot_confidence: {below: 0.55, for: 2 turns}
    """
    told = signals.conversation.confidences
    last = told[-newest:]
    held = len(last) == newest and all(c is not None and c < below for c in last)
    return seen(held, lambda: [None if c is None else round(c, 4) for c in told], lambda: _listed(last))


def _listed(numbers: Iterable[float | None]) -> str:
    return ", ".join("unknown" if n is None else f"{n:.2f}" for n in numbers) or "unknown"


@condition(
    "task failed {times} times, same task: {same_task}",
    {"times": count(), "same_task": yes_no().otherwise(True)},
    given=with_conversation(_tasks),
)
def task_failed(signals: Signals, times: int, same_task: bool) -> Seen:
    """
    A look-up or action of the bot failed so often. `same_task: true` (the default) counts failures in a row of one
    task; `false` adds up all tasks that are failing now.

        task_failed: {times: 2, same_task: true}
    """
    failed = signals.conversation.failed_tasks
    worst = max(failed.values(), default=0) if same_task else sum(failed.values())
    said = ", ".join(f"{task} failed {n}×" for task, n in failed.items()) if failed else "nothing failed"
    return seen(worst >= times, lambda: dict(failed), said)


HANDOFF, HARD, RECOMMENDED = "handoff", "hard_handoff", "recommended_handoff"


def _asked(conversation: Conversation, value: Any) -> Conversation:
    return replace(conversation, handoff_asked=HandoffAsked(requested_by="bot" if value == RECOMMENDED else None))


@condition("the bot asked for a {value}", one_of(HANDOFF, HARD, RECOMMENDED), given=with_conversation(_asked))
def bot_asked_for(signals: Signals, what: str) -> Seen:
    """
    The vendor itself asks for a handoff and nobody has answered yet. Its bot may have promised a person already, so a
    rule with this condition must always lead to one. `hard_handoff`: a rule of the vendor, a person there or the
    customer wants it (`requested_by`), or nobody says who. `recommended_handoff`: the bot itself thinks a person would
    be better (`requested_by: bot`). `handoff`: either.

        bot_asked_for: handoff
    """
    asked = signals.conversation.handoff_asked
    if asked is None:
        return seen(False, None, "not asked")
    kind = RECOMMENDED if asked.is_recommendation else HARD
    value = {"kind": kind, "reason": asked.reason_code}
    held = what in (HANDOFF, kind)
    return seen(held, value, f"reason {asked.reason_code}" + (", the bot recommends it" * asked.is_recommendation))
