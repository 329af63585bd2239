"""
The analyser against trying everything: small random policies, every combination of signal values, the real `judge`.

The values below are our own and finer than the analyser's samples, so what it says never happens is looked for where
it did not look.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packets.conversation import Conversation
from packets.decision import Action
from policies.analyse.run import analyse
from policies.casebook import START
from policies.conditions import CONDITIONS
from policies.decide import judge, rank
from policies.load import policy_from_files
from policies.signals import Signals

CONFIDENCES = [
    None,
    [0.1],
    [0.5],
    [0.9],
    [0.1, 0.1],
    [0.1, 0.5],
    [0.5, 0.1],
    [0.9, 0.5],
    [0.9, 0.1],
    [0.5, 0.5],
    [0.1, None],
]
TASKS = [
    None,
    {"a": 1},
    {"a": 2},
    {"a": 1, "b": 1},
    {"a": 2, "b": 1},
    {"a": 3},
    {"a": 1, "b": 1, "c": 1},
    {"a": 3, "b": 3},
]
MAP = "default: {never: {refunds: {intents: [refund]}}}\n"
LABELS = ("legal", "fraud", "explicit_request")
UNDERSTANDING = {
    "topic": [None, *(list(some) for n in (1, 2, 3) for some in combinations(LABELS, n))],
    "unmatched": [None, 1, 2, 3, 4],
    "bot_confidence": CONFIDENCES,
    "task_failed": TASKS,
    "bot_asked_for": [None, "handoff"],
}
UNDERSTANDING_ATOMS = [
    "{topic: legal}",
    "{topic: fraud}",
    "{topic: explicit_request}",
    "{customer_asked_for: human}",
    "{bot_asked_for: handoff}",
    "{unmatched: {times: 1}}",
    "{unmatched: {times: 2}}",
    "{unmatched: {times: 3}}",
    "{bot_confidence: {below: 0.55, for: 2 turns}}",
    "{bot_confidence: {below: 0.3, for: 1 turn}}",
    "{bot_confidence: {below: 0, for: 1 turn}}",
    "{task_failed: {times: 2}}",
    "{task_failed: {times: 2, same_task: false}}",
    "{task_failed: {times: 3, same_task: false}}",
]

AROUND = {
    "sentiment": [None, [-0.2], [-0.4], [-0.9, -0.4], [-0.4, -0.9], [-1, 0.5]],
    "anger": [None, [0.6], [0.9], [0.6, 0.6], [0.6, 0.2, 0.6], [0.9, 0.1]],
    "turns": [None, 1, 3],
    "customer": [None, {"vip": True}, {"tier": "Gold"}, {"vip": False, "tier": "platinum"}, {"vip": 1, "tier": "gold"}],
    "field": [None, {"amount": 501}, {"amount": "500.00 EUR"}, {"amount": "much"}],
    "capability": [
        None,
        "never",
        "moderate",
        {"level": "moderate", "attempts": 3},
        ["never", {"level": "moderate", "attempts": 2}],
    ],
}
AROUND_ATOMS = [
    "{sentiment: {below: -0.3}}",
    "{sentiment: {below: -0.3, for: 2 turns}}",
    "{sentiment: {below: -1}}",
    "{anger: {at_least: 0.85}}",
    "{anger: {at_least: 0.5, times: 2, of: 3 turns}}",
    "{anger: {at_least: 0.5, times: 2}}",
    "{turns: {more_than: 0}}",
    "{turns: {more_than: 2}}",
    "{customer: {attribute: vip, is: true}}",
    "{customer: {attribute: tier, is: gold}}",
    "{field: {name: amount, above: 500}}",
    "{field: {name: amount, is: 500}}",
    "{field: {name: amount, missing: true}}",
    "{capability: never}",
    "{capability: moderate}",
    "{capability: {level: moderate, attempts: 2}}",
]
WORLDS = {"understanding": (UNDERSTANDING, UNDERSTANDING_ATOMS), "around": (AROUND, AROUND_ATOMS)}


def conditions(atoms):
    def wider(inner):
        lists = st.lists(inner, min_size=1, max_size=3).map(", ".join)
        return st.one_of(
            lists.map(lambda parts: f"{{all: [{parts}]}}"),
            lists.map(lambda parts: f"{{any: [{parts}]}}"),
            inner.map(lambda part: f"{{not: {part}}}"),
        )

    return st.recursive(st.sampled_from(atoms), wider, max_leaves=4)


@st.composite
def outcomes(draw):
    action = draw(
        st.sampled_from(
            ["escalate: warm", "escalate: warm", "escalate: callback", "offer: warm", "review: true", "continue: true"]
        )
    )
    more = [
        draw(st.sampled_from(choices))
        for choices in (
            ["", "tier: gold", "tier: silver", "tier: plain"],
            ["", "", "route: payments", "route: general"],
            ["", "", "say: connecting"],
            ["", "", "playbook: look-up", "recommend: Call them."],
            ["", "", "identity_check: true"],
            ["", "", "seniority: senior", "seniority: lead"],
            ["", "", "collect: [phone]", "collect: [phone, size]"],
        )
    ]
    return "{" + ", ".join([action, *filter(None, more)]) + "}"


@st.composite
def policies(draw):
    world = draw(st.sampled_from(sorted(WORLDS)))
    # Few atoms in one policy: their rules get into each other's way more often.
    atoms = draw(st.lists(st.sampled_from(WORLDS[world][1]), min_size=1, max_size=4, unique=True))
    rules = draw(st.lists(st.tuples(conditions(atoms), outcomes(), st.booleans()), min_size=1, max_size=4))
    return world, {
        f"{'locked' if locked else 'triggers'}/r{i}.yml": (f"r{i}", when, then)
        for i, (when, then, locked) in enumerate(rules)
    }


@lru_cache
def situations(world):
    found, signs = [], WORLDS[world][0]
    for values in product(*signs.values()):
        signals = Signals(Conversation("policy-test", "case"))
        for name, value in zip(signs, values, strict=True):
            signals = signals if value is None else CONDITIONS[name].given(signals, value)
        found.append(signals)
    return found


@pytest.fixture
def built(files, rule):
    def make(drawn):
        return policy_from_files(files({"capabilities.yml": MAP, **{n: rule(*said) for n, said in drawn.items()}}))

    return make


def firings(policy, world):
    """One situation for each set of rules that can fire together."""
    found = {}
    for signals in situations(world):
        found.setdefault(frozenset(r.id for r in policy.rules if r.when.holds(signals)), signals)
    return found


def outcome(decision):
    asked = tuple(sorted(decision.collect))  # in which order is no difference
    return replace(decision, because=(), rules=(), facts={}, at=START, collect=asked)


def silent_rules(policy, firings):
    """The rules without which everything is decided the same, weakest first, each among those still there."""
    left, found = [r for r in policy.rules if any(r.id in f for f in firings)], set()
    for rule in sorted(left, key=lambda r: rank(r, policy))[::-1]:
        rest = [r for r in left if r is not rule]
        same = all(
            outcome(judge(signals, replace(policy, rules=tuple(left)), now=START))
            == outcome(judge(signals, replace(policy, rules=tuple(rest)), now=START))
            for signals in firings.values()
        )
        if same and rule.then.action is not Action.CONTINUE:
            found.add(rule.id)
            left = rest
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=policies())
def test_what_can_never_fire_and_what_never_decides_is_exactly_what_trying_everything_shows(built, drawn):
    world, rules = drawn
    policy = built(rules)
    can = firings(policy, world)

    findings = analyse(policy)

    assert {f.rules[0] for f in findings if f.kind == "never-fires"} == {
        r.id for r in policy.rules if not any(r.id in f for f in can)
    }
    assert {f.rules[0] for f in findings if f.kind == "never-decides"} == silent_rules(policy, can)
    assert not [f for f in findings if f.kind == "not-analysed"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=policies())
def test_a_tier_or_route_that_never_applies_never_does(built, drawn):
    world, rules = drawn
    policy = built(rules)
    can = firings(policy, world)
    findings = analyse(policy)
    silent = {f.rules[0] for f in findings if f.kind in ("never-decides", "never-fires")}
    heard = replace(policy, rules=tuple(r for r in policy.rules if r.id not in silent))
    decisions = [judge(signals, heard, now=START) for signals in can.values()]

    for what in ("tier", "route"):
        told = {f.rules[0] for f in findings if f.kind == f"idle-{what}"}
        assert told == {
            r.id
            for r in heard.rules
            if (name := getattr(r.then, what)) is not None
            and (mine := [d for d in decisions if r.id in d.because and d.action is r.then.action])
            and r.then.action is not Action.CONTINUE
            and not any(getattr(d, what) == name for d in mine)
        }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=policies())
def test_rules_that_are_told_to_overlap_do(built, drawn):
    world, rules = drawn
    policy = built(rules)
    can = firings(policy, world)

    for finding in analyse(policy):
        if finding.kind == "overlap":
            assert any(set(finding.rules) <= fired for fired in can)
