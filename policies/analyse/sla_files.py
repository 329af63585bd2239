"""What the SLA's files allow and is worth a second look: nobody is told, nobody is asked, clocks are changed."""

from __future__ import annotations

from collections.abc import Iterator

from policies.analyse.finding import Finding, Severity
from policies.load import ROUTES
from policies.model import PolicySet
from policies.sla.advice import destinations_without_roster, tiers_without_ladder, uncertain_edges
from policies.sla.read import CALENDARS, TIERS
from policies.sla.tiers import FIRST_HUMAN_RESPONSE
from policies.yamlfile import Path, read_yaml


def doubtful_times(policy: PolicySet) -> Iterator[Finding]:
    """Targets without a ladder, destinations without a roster, hours at which clocks are changed."""
    for tier, metric in tiers_without_ladder(policy.tiers):
        if policy.ladders and metric == FIRST_HUMAN_RESPONSE:  # what a customer is promised; others are the owner's
            text = f"tier '{tier}': when {metric} is missed nobody is told"
            yield _about(
                policy, TIERS, ("tiers", tier), "target-without-ladder", text, "write ladder: and one of yours"
            )
    leading = {route.destination: name for name, route in policy.routes.items() if route.destination}
    for destination in destinations_without_roster(leading, policy.rosters):
        text = f"route '{leading[destination]}' leads to '{destination}', and no roster has people for it"
        hint = f"write '{destination}' in rosters.yml"
        yield _about(policy, ROUTES, ("routes", leading[destination]), "route-without-roster", text, hint)
    for name, calendar in policy.calendars.items():
        for edge in uncertain_edges(calendar):
            hint = "end or begin the window at an hour at which no clock is changed"
            yield _about(policy, CALENDARS, ("calendars", name), "uncertain-edge", f"calendar '{name}': {edge}", hint)


def _about(policy: PolicySet, file: str, path: Path, kind: str, text: str, suggestion: str) -> Finding:
    line = read_yaml(file, policy.files[file])[0].line(path) if file in policy.files else 0
    return Finding(kind, Severity.WARNING, file, line, text, suggestion)
