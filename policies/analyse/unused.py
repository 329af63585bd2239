"""Names that no rule leads to, routes that say too little, and rules that say nothing of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packets.decision import Action
from policies.analyse.finding import Finding, Severity
from policies.load import PLAYBOOKS, ROUTES, SCRIPTS
from policies.model import PolicySet
from policies.prompt import REFUSAL
from policies.sla.callback import SCRIPTS as CALLBACK_SCRIPTS
from policies.sla.read import TIERS
from policies.yamlfile import Path, read_yaml


def unused(policy: PolicySet) -> Iterator[Finding]:
    """Scripts, playbooks, tiers and routes that no rule names, and no other name leads to."""
    thens = [rule.then for rule in policy.rules]
    by_hand = {name for name, spec in _written(policy, ROUTES).get("routes", {}).items() if (spec or {}).get("by_hand")}
    led_to = _with_parents(policy, {then.route for then in thens} | {policy.default_route} | by_hand)
    for file, what, names, used in (
        (SCRIPTS, "script", policy.scripts, {then.say for then in thens} | _said_besides(policy)),
        (PLAYBOOKS, "playbook", policy.playbooks, {then.playbook for then in thens} | {policy.default_playbook}),
        (TIERS, "tier", policy.tiers, {then.tier for then in thens} | {policy.default_tier}),
        (ROUTES, "route", policy.routes, led_to),
    ):
        for name in names:
            if name not in used:
                text = f"{what} '{name}' is used by no rule"
                hint = "name it in a rule, or take it out"
                hint += "; by_hand: true, if only people send there" if what == "route" else ""
                yield _about(policy, file, (f"{what}s", name), f"unused-{what}", text, hint)


def _said_besides(policy: PolicySet) -> set[str | None]:
    """Scripts that no rule says: about calls, about waiting."""
    waits = [route.warm for route in policy.routes.values() if route.warm]
    return {REFUSAL, *CALLBACK_SCRIPTS} | {name for wait in waits for name in (wait.say, wait.else_say)}


def _with_parents(policy: PolicySet, names: Iterable[str | None]) -> set[str | None]:
    """A route others stand under is there for them."""
    found = set(names)
    for name in names:
        while (route := policy.routes.get(name or "")) is not None and route.under not in (None, *found):
            name = route.under
            found.add(name)
    return found


def without_tier(policy: PolicySet) -> Iterator[Finding]:
    """Rules that bring people and do not say how fast: they get the default, which may be a day."""
    for rule in policy.rules:
        if rule.then.action is Action.ESCALATE and rule.then.tier is None:
            text = f"rule '{rule.id}' escalates without a tier: whoever it brings waits as long as the default allows"
            hint = f"write tier: {policy.default_tier}, if that is meant"
            yield Finding("trigger-without-sla", Severity.WARNING, rule.file, rule.when.line, text, hint, (rule.id,))


def bare_routes(policy: PolicySet) -> Iterator[Finding]:
    """Routes without people behind them, or whose people get no name to show or no fact to ask for."""
    written = _written(policy, ROUTES).get("routes", {})
    for name, route in policy.routes.items():
        if route.destination is None:
            text = f"route '{name}' leads to nobody: it has no destination, and stands under none that has"
            yield _about(
                policy, ROUTES, ("routes", name), "route-without-destination", text, "write destination: or under:"
            )
        if "label" not in (written.get(name) or {}):
            text = f"route '{name}' has no label"
            yield _about(
                policy, ROUTES, ("routes", name), "route-without-label", text, "people see the label: write one"
            )
        if not route.wants:
            text = f"route '{name}' wants no facts: nothing missing will be listed on its tickets"
            yield _about(
                policy, ROUTES, ("routes", name), "route-without-wants", text, "wants: [name, email], or what they need"
            )


def _written(policy: PolicySet, file: str) -> Mapping[str, Any]:
    value = read_yaml(file, policy.files[file])[0].value
    return value if isinstance(value, Mapping) else {}


def _about(policy: PolicySet, file: str, path: Path, kind: str, text: str, suggestion: str) -> Finding:
    line = read_yaml(file, policy.files[file])[0].line(path)
    return Finding(kind, Severity.WARNING, file, line, text, suggestion)
