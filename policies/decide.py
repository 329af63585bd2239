"""
The decision: a pure function of the conversation so far, the policy and the time. Every rule is judged on every turn.

What the gateway keeps to itself: that a conversation already handed off stays so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from packets.conversation import Conversation
from packets.decision import Action, Decision, RuleTrace, Seniority
from policies.history import NO_HISTORY, History
from policies.model import Outcome, PolicySet, Rule
from policies.signals import Signals, signals_of

NO_ADVICE = Outcome(Action.CONTINUE)
SENIORITY = tuple(Seniority)
STRENGTH = {Action.CONTINUE: 0, Action.OFFER: 1, Action.REVIEW: 2, Action.ESCALATE: 3}


def decide(
    conversation: Conversation,
    policy: PolicySet,
    *,
    now: datetime,
    history: History = NO_HISTORY,
    brief: bool = False,
) -> Decision:
    """
    Judge the newest event of a conversation, or the silence after it (then without `new_turns`). brief: see `judge`.

    The strongest outcome wins; among rules that want it, locked ones come first, then the strictest tier, then file
    order. The tier is the strictest any of them asks for. What the first rule leaves open (route, playbook, script) the
    next one fills: somebody who asks for a person about a stolen card gets to the people for stolen cards.
    """
    state = policy.calibration(conversation)
    signals = signals_of(state, policy.packs, policy.capabilities, history=history, now=now)
    return judge(signals, policy, now=now, brief=brief)


def judge(signals: Signals, policy: PolicySet, *, now: datetime, brief: bool = False) -> Decision:
    """
    `decide` from signals already at hand; the casebook gives them directly.

    brief: while no rule fires the decision has no traces and no facts, which is most of the work of a turn. Deciding
    again without it gives them. As soon as a rule fires the decision is the same either way.
    """
    if brief and not firing(signals, policy):
        return Decision(Action.CONTINUE, now, policy.revision)
    traces = tuple([_judged(rule, signals) for rule in policy.rules])
    fired = [rule for rule, trace in zip(policy.rules, traces, strict=True) if trace.fired]
    ranked = sorted(fired, key=lambda rule: rank(rule, policy))  # stable: equal ones stay in file order
    return _outcome(ranked, traces, signals, policy, now)


def firing(signals: Signals, policy: PolicySet) -> list[Rule]:
    """The rules that fire, in file order, without their reasons."""
    return [rule for rule in policy.rules if rule.when.holds(signals)]


def rank(rule: Rule, policy: PolicySet) -> tuple[Any, ...]:
    """Sorts the rule that decides first; equal ones stay in file order."""
    return -STRENGTH[rule.then.action], not rule.locked, policy.tier(rule.then.tier).strictness


def _judged(rule: Rule, signals: Signals) -> RuleTrace:
    trace = rule.judge(signals)
    return RuleTrace(rule.id, trace.held, rule.locked, rule.where, rule.why, rule.then.action, trace)


def _outcome(
    ranked: list[Rule], traces: tuple[RuleTrace, ...], signals: Signals, policy: PolicySet, now: datetime
) -> Decision:
    because = tuple(rule.id for rule in ranked)
    facts = dict(signals.looked_at)
    remember = tuple(dict.fromkeys(rule.then.remember for rule in ranked if rule.then.remember))
    if not ranked or ranked[0].then.action is Action.CONTINUE:
        return Decision(
            Action.CONTINUE, now, policy.revision, because=because, rules=traces, facts=facts, remember=remember
        )
    first = ranked[0].then
    agreeing = [rule.then for rule in ranked if rule.then.action is first.action]
    advice = next((then for then in agreeing if then.playbook or then.recommend), NO_ADVICE)
    playbook = advice.playbook or (None if advice.recommend else policy.default_playbook)
    say = next((then.say for then in agreeing if then.say and then.mode is first.mode), None)
    conversation = signals.conversation
    return Decision(
        action=first.action,
        at=now,
        policy_revision=policy.revision,
        mode=first.mode,
        because=because,
        route=next((then.route for then in agreeing if then.route), policy.default_route),
        tier=min((policy.tier(then.tier) for then in agreeing), key=lambda tier: tier.strictness).name,
        playbook=playbook,
        identity_check=any(then.identity_check for then in agreeing),
        say=say,
        customer_message=policy.script(say, conversation.language or conversation.customer.locale),
        recommended=advice.recommend or policy.playbooks.get(playbook or ""),
        rules=traces,
        seniority=max((then.seniority for then in agreeing if then.seniority), key=SENIORITY.index, default=None),
        collect=_collect(ranked, agreeing, conversation),
        remember=remember,
        facts=facts,
    )


def _collect(ranked: list[Rule], agreeing: list[Outcome], conversation: Conversation) -> tuple[str, ...]:
    """What is still to be asked. When a locked rule fired nobody is questioned: who asked for a person gets one."""
    if any(rule.locked for rule in ranked):
        return ()
    wanted = dict.fromkeys(name for then in agreeing for name in then.collect)
    return tuple(name for name in wanted if conversation.fact(name) is None)
