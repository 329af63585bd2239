"""
The whole analysis of a policy: every finding, each with its place and, where one exists, an example that shows it.

Pure, and bounded: a question that would take too many steps is answered by saying that it was not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from packets.decision import Action
from policies.analyse.cases import unpinned
from policies.analyse.example import decided, example_of
from policies.analyse.finding import Finding, Severity
from policies.analyse.parts import always_holds, idle_parts, locked_exceptions, never_holds
from policies.analyse.rivals import idle_tier_or_route, overlap, silent
from policies.analyse.sla_files import doubtful_times
from policies.analyse.space import Choice, Situation, Space, TooMany, leaves, space_of
from policies.analyse.unused import bare_routes, unused, without_tier
from policies.capability import Level
from policies.check import check_policy
from policies.decide import rank
from policies.load import CAPABILITIES, TEST_ENDING, load_policy, read_folder
from policies.model import PolicySet, Rule
from policies.problems import PolicyErrors
from policies.yamlfile import read_yaml


def examine(folder: Path) -> list[Finding]:
    """What `baton policy check` says: what is wrong with the files, and, if they load, what the rules amount to."""
    problems = [Finding("problem", Severity.ERROR, p.file, p.line, p.text, p.suggestion) for p in check_policy(folder)]
    try:
        policy = load_policy(folder)
    except PolicyErrors:
        return problems  # they are what does not load
    texts, _ = read_folder(folder)
    tests = {name: text for name, text in texts.items() if name.endswith(TEST_ENDING)}
    found = [replace(finding, file=f"{folder}/{finding.file}") for finding in analyse(policy, tests)]
    return sorted([*problems, *found], key=lambda f: (f.file, f.line))


def analyse(policy: PolicySet, tests: Mapping[str, str] | None = None) -> list[Finding]:
    """In file order. tests: the policy's own test files, for values of conditions we have no samples of."""
    space = space_of((rule.when for rule in policy.rules), _told(tests or {}))
    findings = [
        *_vague(policy, space),
        *_of_rules(policy, space),
        *_gaps(policy),
        *unused(policy),
        *without_tier(policy),
        *bare_routes(policy),
        *doubtful_times(policy),
        *unpinned(tests or {}),
    ]
    return sorted(findings, key=lambda f: (f.file, f.line, f.kind))


def _of_rules(policy: PolicySet, space: Space) -> Iterator[Finding]:
    alive: list[Rule] = []
    for rule in policy.rules:
        dead = _bounded(rule, never_holds, rule, policy, space)
        yield from dead
        for look in (always_holds, idle_parts, locked_exceptions):
            yield from _bounded(rule, look, rule, policy, space)
        if not any(f.kind == "never-fires" for f in dead):
            alive.append(rule)
    yield from _beside_each_other(alive, policy, space)


def _beside_each_other(rules: Sequence[Rule], policy: PolicySet, space: Space) -> Iterator[Finding]:
    """The weakest rule first, each judged among those not yet found to be silent: of two twins only one is told."""
    heard = list(rules)
    for rule in sorted(rules, key=lambda r: rank(r, policy))[::-1]:
        found = _bounded(rule, silent, rule, heard, policy, space)
        yield from found
        if any(f.kind == "never-decides" for f in found):
            heard.remove(rule)
    explained: set[frozenset[str]] = set()
    for rule in heard:
        for finding in _bounded(rule, idle_tier_or_route, rule, heard, policy, space):
            explained |= {frozenset((rule.id, other)) for other in finding.rules[1:]}
            yield finding
    for one, other in combinations(heard, 2):
        if {one.id, other.id} not in explained:
            yield from _bounded(other, overlap, one, other, policy, space)


def _gaps(policy: PolicySet) -> Iterator[Finding]:
    """The two signals that must reach a person whatever else a policy wants."""
    for name, value, severity, text in (
        ("customer_asked_for", "human", Severity.ERROR, "a customer who asks for a person gets none"),
        ("bot_asked_for", "handoff", Severity.WARNING, "a bot that asks for a handoff, perhaps promised, gets none"),
    ):
        situation = Situation((Choice(((name, value),), frozenset()),))
        if decided(situation, policy).action is not Action.ESCALATE:
            hint = f"write a rule that escalates when {name}: {value}"
            yield Finding("nobody-comes", severity, ".", 0, text, hint, (), example_of(situation, policy))
    yield from _kept_by_the_bot(policy)


def _kept_by_the_bot(policy: PolicySet) -> Iterator[Finding]:
    """A map that says the bot must never do a thing, and no rule that takes it away."""
    capabilities = policy.capabilities
    scenarios = [s for some in (capabilities.default, *capabilities.sources.values()) for s in some]
    situation = Situation((Choice((("capability", Level.NEVER.value),), frozenset()),))
    if any(s.level is Level.NEVER for s in scenarios) and decided(situation, policy).action is Action.CONTINUE:
        text = f"{CAPABILITIES} says what the bot must never do, and no rule takes it away from the bot"
        hint = "write a rule for capability: never"
        yield Finding("nobody-comes", Severity.ERROR, CAPABILITIES, 0, text, hint, (), example_of(situation, policy))


def _vague(policy: PolicySet, space: Space) -> Iterator[Finding]:
    for rule in policy.rules:
        for name in sorted({leaf.kind for leaf in leaves(rule.when)} & space.vague):
            text = f"rule '{rule.id}' is not fully analysed: no value is known that makes '{name}' hold"
            hint = f"give one in its test: given: {{{name}: …}}"
            yield Finding("not-analysed", Severity.WARNING, rule.file, rule.when.line, text, hint, (rule.id,))


def _told(tests: Mapping[str, str]) -> dict[str, list[Any]]:
    """The values that test cases give, by condition. What is wrong with a test file is `check_policy`'s to say."""
    told: dict[str, list[Any]] = {}
    for name, text in tests.items():
        value = read_yaml(name, text)[0].value
        cases = value.get("cases") if isinstance(value, Mapping) else None
        for case in cases if isinstance(cases, list) else ():
            given = case.get("given") if isinstance(case, Mapping) else None
            for condition, one in given.items() if isinstance(given, Mapping) else ():
                told.setdefault(condition, []).append(one)
    return told


def _bounded(rule: Rule, look: Callable[..., Iterable[Finding]], *asked: Any) -> list[Finding]:
    """What `look` finds; if that takes too long, that it could not be told of this rule."""
    try:
        return list(look(*asked))
    except TooMany:
        text = f"rule '{rule.id}' is not fully analysed: its conditions are too entangled with those of other rules"
        return [Finding("not-analysed", Severity.WARNING, rule.file, rule.when.line, text, None, (rule.id,))]
