"""
Builds the packet of one handoff from what the conversation, its transcript and the decision hold. Pure: the same
input gives the same packet. What it lacks is said by `complete.py`; private data stays in it until `redact/` was there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from packets.announce import announcement_of
from packets.complete import completed
from packets.conversation import Conversation, Provenance
from packets.decision import Decision, Evidence, Mode, RuleTrace, TraceNode
from packets.event import HandoffAsked, Role, ToolCall, Turn
from packets.handoff import Attempt, FiredRule, Packet, Reason, Recommended
from packets.render.sanitise import shortened
from packets.subject import decisive_turns, headline_of, subject_of
from packets.summary import problem_of, summary_of
from packets.transcript import Transcript
from packets.words import label, listed, plain, sentence, times

UNROUTED = "unrouted"  # a policy's routing ends in a catch-all; this shows in the ticket if it ever does not
NO_TIER = "standard"
_DETAIL = 200  # characters of a tool's error or result
_SAME = {"contact": ("email", "phone"), "name": ("name", "full_name", "customer_name")}


def assemble(
    *,
    packet_id: str,
    handoff_id: str,
    conversation_id: str,
    conversation: Conversation,
    transcript: Transcript,
    decision: Decision,
    wants: Sequence[str],
    respond_by: datetime,
    now: datetime,
) -> Packet:
    """
    The packet for one handoff, unredacted, with its completeness worked out.

    wants: names of the facts the route needs, most needed first. respond_by, now: aware; kept as UTC.
    """
    turns = transcript if transcript.turns or not conversation.recent else _recent(conversation, transcript)
    tried = attempts(conversation.tool_calls, turns.turns)
    missing = tuple(want for want in wants if not _known(want, conversation))
    bot = " ".join(filter(None, (conversation.bot_id, conversation.bot_version)))
    problem = problem_of(decisive_turns(decision, turns.turns) or turns.turns)
    packet = Packet(
        packet_id=packet_id,
        handoff_id=handoff_id,
        conversation_id=conversation_id,
        source=conversation.source,
        vendor_conversation_id=conversation.vendor_conversation_id,
        channel=conversation.channel.value,
        created_at=now.astimezone(UTC),
        mode=decision.mode or Mode.WARM,
        route=decision.route or UNROUTED,
        tier=decision.tier or NO_TIER,
        respond_by=respond_by.astimezone(UTC),
        subject=subject_of(conversation, decision, problem),
        announcement=announcement_of(conversation, decision, problem),
        transcript=replace(turns, summary=summary_of(turns, conversation, tried)),
        facts=conversation.facts,
        missing=missing,
        confirmed=tuple(f.name for f in conversation.facts if f.provenance is not Provenance.BOT_INFERRED),
        tried=tried,
        reason=Reason(headline_of(conversation, decision), fired_rules(decision), decision.policy_revision),
        recommended=_recommended(decision, conversation.handoff_asked, missing, tried),
        customer_name=conversation.customer.name,
        customer_email=conversation.customer.email,
        customer_phone=conversation.customer.phone,
        language=conversation.language or conversation.customer.locale,
        url=conversation.url,
        bot=bot or None,
        extra=_extra(conversation, decision, wants),
    )
    return completed(packet)


def attempts(calls: Iterable[ToolCall], turns: Iterable[Turn]) -> tuple[Attempt, ...]:
    """What the bot tried, one entry per task and outcome, in the order it began; then what it did not understand."""
    found: dict[tuple[str, bool], Attempt] = {}
    for call in calls:
        key = (plain(call.task or call.name) or "a look-up", call.ok)
        detail = _detail(call)
        before = found.get(key)
        found[key] = Attempt(
            key[0], call.ok, detail or (before.detail if before else None), (before or _NEVER).times + 1
        )
    missed = sum(1 for turn in turns if turn.role is Role.CUSTOMER and turn.nlu is not None and turn.nlu.is_fallback)
    if missed:
        not_understood = Attempt("understand the customer", False, "the bot matched nothing it knows", missed)
        return (*found.values(), not_understood)
    return tuple(found.values())


_NEVER = Attempt("", False, times=0)


def fired_rules(decision: Decision) -> tuple[FiredRule, ...]:
    """The rules that fired, strongest first, each with the words or numbers that made it fire."""
    traces = {rule.rule: rule for rule in decision.rules}
    return tuple(_fired(rule_id, traces.get(rule_id)) for rule_id in decision.because)


def _fired(rule_id: str, trace: RuleTrace | None) -> FiredRule:
    if trace is None:
        return FiredRule(rule_id, why="")
    return FiredRule(rule_id, trace.why, tuple(dict.fromkeys(_evidence(trace.trace))), trace.locked)


def _evidence(node: TraceNode) -> Iterable[Evidence]:
    """Of a condition that did not hold, nothing made the rule fire."""
    if node.held:
        yield from node.evidence
        for child in node.children:
            yield from _evidence(child)


def _extra(conversation: Conversation, decision: Decision, wants: Sequence[str]) -> dict[str, Any]:
    """
    What the route wanted, who the policy wants for it, what the bot was told to ask; and what the vendor said besides:
    its reason, its note to the agent, the mood it saw.
    """
    asked, mood = conversation.handoff_asked, conversation.sentiment
    told = {
        "vendor_reason": asked and (asked.reason_text or (plain(asked.reason_code) if asked.reason_code else None)),
        "agent_note": asked and asked.agent_note,
        "mood": mood.label if mood and mood.label != "unknown" else None,
        "wanted": list(wants),
        "seniority": decision.seniority and decision.seniority.value,
        "asked_for": list(decision.collect),
    }
    return {name: value for name, value in told.items() if value}


def _recent(conversation: Conversation, transcript: Transcript) -> Transcript:
    """No event log at hand: the newest turns are better than none, and are called what they are."""
    return replace(transcript, turns=conversation.recent, completeness="partial")


def _known(want: str, conversation: Conversation) -> bool:
    names = {label(name) for name in _SAME.get(want, (want,))}
    return any(label(fact.name) in names for fact in conversation.facts)


def _detail(call: ToolCall) -> str | None:
    told = call.result if call.ok else call.error
    if told is None or told == "":
        return None
    text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)
    return shortened(text, _DETAIL)


def _recommended(
    decision: Decision, asked: HandoffAsked | None, missing: Sequence[str], tried: Sequence[Attempt]
) -> Recommended:
    action = decision.recommended or _first_thing(decision, asked, missing, tried)
    return Recommended(action, decision.playbook, decision.identity_check)


def _first_thing(
    decision: Decision, asked: HandoffAsked | None, missing: Sequence[str], tried: Sequence[Attempt]
) -> str:
    """What a person should do first, where the policy does not say: check, ask, do what the bot could not."""
    steps = ["check the customer's identity"] if decision.identity_check else []
    if missing:
        steps.append(f"ask for {listed(label(name) for name in missing)}")
    succeeded = {attempt.what for attempt in tried if attempt.ok}
    failed = [a for a in tried if not a.ok and a.what not in succeeded and a.what != "understand the customer"]
    if failed:
        steps.append(f"do by hand what the bot could not: {failed[-1].what} (failed {times(failed[-1].times)})")
    if asked and asked.agent_note:
        steps.append("follow the bot's note to the agent")
    if not failed:
        steps.append("read the summary, confirm the problem in one sentence and answer it")
    return sentence(", then ".join(steps)) + "."
