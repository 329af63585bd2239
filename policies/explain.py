"""A decision as a tree a person can read: what was decided, which rules made it so, and what each condition saw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from packets.decision import Action, Decision, Evidence, RuleTrace, TraceNode

_COLUMN = 48


def explain(decision: Decision, *, all_rules: bool = False) -> str:
    """
    The rules that fired, strongest first; with `all_rules` also those that did not.

    Shows the customer's words that were evidence: for people who may read the conversation, not for logs.
    """
    shown = list(decision.fired)
    if all_rules:
        shown += [rule for rule in decision.rules if not rule.fired]
    lines = [_headline(decision)]
    for i, rule in enumerate(shown):
        lines += _rule(rule, last=i == len(shown) - 1)
    if not shown and decision.action is Action.ESCALATE:
        lines.append("└ no rule fired: the vendor spoke of a call with its customer, and somebody must make it")
    elif not shown:
        lines.append(f"└ no rule fired, {len(decision.rules)} judged")
    return "\n".join(line.rstrip() for line in lines)


def _headline(decision: Decision) -> str:
    outcome = decision.action.value + (f", {decision.mode.value}" if decision.mode else "")
    if decision.route:
        outcome += f" → {decision.route}, {decision.tier}"
    return f"{outcome:<{_COLUMN - 8}}policy {decision.policy_revision} · {decision.at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _rule(rule: RuleTrace, last: bool) -> Iterator[str]:
    name = rule.rule + (" (locked)" if rule.locked else "") + ("" if rule.fired else ", did not fire")
    yield f"{'└' if last else '├'} {name:<{_COLUMN - 11}} {rule.where}"
    yield from _node(rule.trace, "  " if last else "│ ", last=True)


def _node(node: TraceNode, indent: str, last: bool) -> Iterator[str]:
    said = f"{indent}{'└' if last else '├'} {'yes' if node.held else 'no ':<4} {node.condition}"
    saw = "" if node.children else "; ".join(map(_saw, node.evidence)) or "not seen"
    yield f"{said:<{_COLUMN}}  {saw}"
    below = indent + ("  " if last else "│ ")
    for i, child in enumerate(node.children):
        yield from _node(child, below, last=i == len(node.children) - 1)


def _saw(evidence: Evidence) -> str:
    return evidence.said + (f" (turn {evidence.turn})" if evidence.turn is not None else "")
