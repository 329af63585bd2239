"""
The one line an agent reads in a queue of fifty tickets: what it is about, who it is, which order, what went wrong.
Never "user needs help". The headline is the same without anything the customer said, fit for a chat card.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from packets.conversation import Conversation
from packets.decision import Decision, Evidence, TraceNode
from packets.event import Channel, Turn
from packets.render.sanitise import shortened
from packets.words import label, plain, sentence, times

# Facts that name the matter, and facts that name the case, best first.
_MATTERS = ("issue_category", "category", "topic", "issue", "intent")
_CASES = ("order", "booking", "reservation", "invoice", "shipment", "tracking", "ticket", "contract", "policy", "claim")
_NO_MATTERS = frozenset(("fallback", "default", "none", "unknown", "other", "nlu fallback", "out of scope", ""))
_ASKED = ("customer_asked_for", "asked_for", "explicit_request")
_PROBLEM = 60  # characters of the customer's words in a subject
_NAME, _CASE = 60, 40  # characters a sensible name or number has; longer is no name, and is left to the facts


def subject_of(conversation: Conversation, decision: Decision, problem: str | None = None) -> str:
    """
    For instance "Refund dispute – Ana Lopez – order A-1001 (asked twice for a person)".

    problem: the customer's first statement of it; quoted only where nothing better says what it is about.
    """
    matter, details = matter_of(conversation, decision)
    who, case = who_of(conversation), case_of(conversation)
    parts = [sentence(matter), *([who or case] if who or case else [f"{channel_of(conversation)} customer"])]
    if who and case:
        parts.append(case)
    if problem and not case and not topic_of(conversation):
        parts.append(f"“{shortened(problem, _PROBLEM)}”")
    return " – ".join(parts) + (f" ({', '.join(details)})" if details else "")


def decisive_turns(decision: Decision, turns: Sequence[Turn]) -> list[Turn]:
    """The customer turns whose words made a rule about a matter fire. A bare request for a person names no matter."""
    said = {
        (evidence.turn, evidence.text)
        for rule in decision.fired
        for node in _held(rule.trace)
        if not _asks(node)
        for evidence in node.evidence
        if evidence.text
    }
    return [turn for turn in turns if any(turn.position == at and words in turn.text for at, words in said if words)]


def _held(node: TraceNode) -> Iterable[TraceNode]:
    if node.held:
        yield node
        for child in node.children:
            yield from _held(child)


def headline_of(conversation: Conversation, decision: Decision) -> str:
    """Why people get this, in one line without the customer's words, name or numbers."""
    matter, details = matter_of(conversation, decision)
    return sentence(matter) + (f": {', '.join(details)}" if details else f", on {channel_of(conversation)}")


def matter_of(conversation: Conversation, decision: Decision) -> tuple[str, list[str]]:
    """What it is about, and what else to know. A locked rule (safety, law) leads; else the customer's own concern."""
    rule = plain(decision.because[0]) if decision.because else ""
    asked = times_asked(decision)
    topic = topic_of(conversation)
    wanted = f"asked {times(asked) + ' ' if asked > 1 else ''}for a person" if asked else ""
    locked = any(trace.locked for trace in decision.rules if trace.rule == decision.because[0]) if rule else False
    leads = rule if (locked and not asked) or not topic else topic
    if wanted and leads == rule and _is_about_asking(decision):
        return wanted, failures_of(conversation)  # the rule's name would only say it again
    details = [*([wanted] if wanted else []), *failures_of(conversation)]
    about = topic if leads == rule else rule
    if about and not asked and not _same(about, leads):
        details.append(about)
    return leads or _vendors_reason(conversation), details


def failures_of(conversation: Conversation) -> list[str]:
    failed = [f"{plain(task)} failed {times(count)}" for task, count in conversation.failed_tasks.items() if count][:2]
    if not failed and conversation.unmatched_in_a_row > 1:
        return [f"bot did not understand {times(conversation.unmatched_in_a_row)}"]
    return failed


def _is_about_asking(decision: Decision) -> bool:
    """Whether the rule that decided needs nothing but the request itself."""
    first = next((rule for rule in decision.rules if rule.rule == decision.because[0]), None)
    return first is not None and _asks(first.trace) and len(decision.because) == 1


def topic_of(conversation: Conversation) -> str:
    found = (conversation.fact(name) for name in _MATTERS)
    return next((plain(f.value) for f in found if f and plain(f.value) not in _NO_MATTERS and len(f.value) <= 60), "")


def _vendors_reason(conversation: Conversation) -> str:
    asked = conversation.handoff_asked
    return f"the bot asked for a person ({plain(asked.reason_code)})" if asked else "conversation handed to people"


def times_asked(decision: Decision) -> int:
    """On how many turns the customer asked for a person, as the rules that fired saw it."""
    seen = [evidence for rule in decision.rules if rule.fired for evidence in _asking(rule.trace)]
    return len({evidence.turn for evidence in seen})


def _asking(node: TraceNode) -> Iterable[Evidence]:
    if not node.held:
        return
    if _asks(node):
        yield from node.evidence or (Evidence(said=node.condition),)
    for child in node.children:
        yield from _asking(child)


def _asks(node: TraceNode) -> bool:
    return re.sub(r"[\s-]", "_", node.condition.lower()).startswith(_ASKED)


def who_of(conversation: Conversation) -> str:
    name = " ".join((conversation.customer.name or "").split())
    if name and len(name) <= _NAME:
        return name
    account = conversation.customer.external_id
    return f"account {account}" if account and len(account) <= _CASE else ""


def case_of(conversation: Conversation) -> str:
    by_label = {label(fact.name): fact.value for fact in conversation.facts}
    for case in _CASES:
        value = " ".join(by_label.get(case, "").split())
        if 0 < len(value) <= _CASE:
            return f"{case} {value}"
    return ""


def channel_of(conversation: Conversation) -> str:
    return "chat" if conversation.channel is Channel.OTHER else plain(conversation.channel.value)


def _same(one: str, other: str) -> bool:
    return set(one.split()) <= set(other.split()) or set(other.split()) <= set(one.split())
