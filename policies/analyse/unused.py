"""Names in routes.yml, scripts.yml and playbooks.yml that no rule leads to, or that say too little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.analyse.finding import Finding, Severity
from policies.load import PLAYBOOKS, ROUTES, SCRIPTS
from policies.model import PolicySet
from policies.yamlfile import Path, read_yaml


def unused(policy: PolicySet) -> Iterator[Finding]:
    """Scripts and playbooks that no rule names."""
    said = {rule.then.say for rule in policy.rules}
    advised = {rule.then.playbook for rule in policy.rules} | {policy.default_playbook}
    for file, what, names, used in (
        (SCRIPTS, "script", policy.scripts, said),
        (PLAYBOOKS, "playbook", policy.playbooks, advised),
    ):
        for name in names:
            if name not in used:
                text = f"{what} '{name}' is used by no rule"
                yield _about(
                    policy, file, (f"{what}s", name), f"unused-{what}", text, "name it in a rule, or take it out"
                )


def bare_routes(policy: PolicySet) -> Iterator[Finding]:
    """Routes whose people get no name to show or no fact to ask for."""
    written = _written(policy, ROUTES).get("routes", {})
    for name, route in policy.routes.items():
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
