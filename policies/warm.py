"""
How a route's warm handoffs wait: somebody is asked first, and the customer is put through when they accept. Pure.

`warm` of a route in routes.yml; a route without it hands over at once, as always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from packets.decision import Mode
from policies.problems import Problem, did_you_mean
from policies.sla.ladder import Ladder
from policies.yamlfile import Path, YamlFile

SHORTEST, LONGEST = timedelta(seconds=5), timedelta(minutes=10)  # longer on a line is no warm handoff any more


@dataclass(frozen=True, slots=True)
class WarmWait:
    """
    within: how long people have to accept. ladder: who is asked, from the first moment. say: the script the customer
    hears meanwhile. otherwise: what follows when nobody accepts, cold or callback. else_say: the script for that; None:
    the rule's own words.
    """

    within: timedelta
    ladder: str
    say: str
    otherwise: Mode = Mode.COLD
    else_say: str | None = None


def read_warm(
    file: YamlFile,
    route: str,
    spec: Mapping[str, Any],
    ladders: Mapping[str, Ladder],
    scripts: Mapping[str, Any],
    *,
    ladders_broken: bool = False,
) -> tuple[WarmWait, list[Problem]]:
    """spec: `warm` of one route, its shape checked. ladders_broken: their file has been blamed already."""
    place: Path = ("routes", route, "warm")
    wait = WarmWait(
        spec["within"], spec["ladder"], spec["say"], Mode(spec.get("else_", Mode.COLD.value)), spec.get("else_say")
    )
    problems = []
    for key, name in (("say", wait.say), ("else_say", wait.else_say)):
        if name is not None and name not in scripts:
            problems.append(file.problem((*place, key), f"unknown script '{name}'", did_you_mean(name, scripts)))
    if wait.ladder not in ladders and not ladders_broken:
        hint = did_you_mean(wait.ladder, ladders)
        problems.append(file.problem((*place, "ladder"), f"unknown ladder '{wait.ladder}'", hint))
    elif wait.ladder in ladders and not _asks_at_once(ladders[wait.ladder]):
        text = f"ladder '{wait.ladder}' asks nobody in its first moment"
        hint = "its first step needs ask or notify, no `after`, `when` or `reassign`, and only_when_open: false"
        problems.append(file.problem((*place, "ladder"), text, hint))
    if wait.otherwise is Mode.CALLBACK and wait.else_say is None:
        text = "else: callback needs else_say: the rule's own words promise that somebody comes now"
        problems.append(file.problem((*place, "else"), text))
    return wait, problems


def _asks_at_once(ladder: Ladder) -> bool:
    first = ladder.steps[0]
    return bool((first.ask or first.notify) and not (first.after or first.when or first.only_when_open))
