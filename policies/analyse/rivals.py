"""
What rules mean beside each other: which never decide, whose tier or route never applies, which overlap.

Each question is put as a handful of searches ("this one fires, those stronger ones do not"), one for each way in which
a rule can show in a decision. `decide.judge` is the truth they follow; tests compare them with trying everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from packets.decision import Action
from policies.analyse.example import decided, example_of
from policies.analyse.finding import Finding, Severity
from policies.analyse.space import Situation, Space, Wanted, atoms_of
from policies.decide import SENIORITY, STRENGTH, rank
from policies.model import PolicySet, Rule

COMPARED = {  # of an Outcome
    "action", "mode", "route", "tier", "playbook", "say", "identity_check", "recommend", "seniority", "collect",
}  # fmt: skip

Value = Callable[[Rule], Any]


def silent(rule: Rule, rules: Sequence[Rule], policy: PolicySet, space: Space) -> Iterator[Finding]:
    """
    Among `rules`, the rule changes no decision: whenever it fires, others decide as they would without it. Rules that
    only say continue are notes and never decide anything.
    """
    fires = space.find([(rule.when, True)])
    if rule.then.action is Action.CONTINUE or fires is None or shows(rule, rules, policy, space):
        return
    others = [name for name in decided(fires, policy).because if name != rule.id]
    beaten = space.find([(rule.when, True), *_off(_stronger(rule, rules))]) is None
    certain = all(space.is_certain(r.when) for r in rules if r.id in (rule.id, *others))
    how = "never decides: whenever it fires, a stronger outcome wins" if beaten else "adds nothing: whenever it fires,"
    because = f" (here {', '.join(others)})" if beaten else f" {', '.join(others)} would decide the same without it"
    yield Finding(
        "never-decides",
        Severity.ERROR if beaten and certain else Severity.WARNING,
        rule.file,
        rule.when.line,
        f"rule '{rule.id}' {how}{because}",
        "take it out, or make it differ where it should",
        (rule.id, *others),
        example_of(fires, policy),
    )


def shows(rule: Rule, rules: Sequence[Rule], policy: PolicySet, space: Space) -> bool:
    """
    Whether there is a situation that is decided differently (outcome, not reasons) without the rule. A rule that says
    something we do not know how to compare is taken to show by it.
    """
    if any(getattr(rule.then, f.name) for f in fields(rule.then) if f.name not in COMPARED):
        return True
    certain = [(rule.when, True), *_off(_stronger(rule, rules))]
    if any(space.find([*certain, *more]) is not None for more in _ways(rule, rules, policy)):
        return True
    return any(space.find(way) is not None for way in _hushed(rule, rules))


def _ways(rule: Rule, rules: Sequence[Rule], policy: PolicySet) -> Iterator[Wanted]:
    """What else must be so that the rule shows: one line for each part of the outcome it could change."""
    above, below = _peers(rule, rules, policy)
    yield _off([*above, *below])  # nobody else wants this outcome
    yield from _first(rule, [], below, lambda r: r.then.mode, _NEVER, before=_off(above))
    yield _off(r for r in (*above, *below) if _strictness(r, policy) <= _strictness(rule, policy))
    if rule.then.identity_check:
        yield _off(r for r in (*above, *below) if r.then.identity_check)
    if rule.then.seniority:
        yield _off(r for r in (*above, *below) if _seniority(r) >= _seniority(rule))
    for name in rule.then.collect if not rule.locked else ():
        asking = [r for r in (*above, *below) if name in r.then.collect]
        yield _off([*asking, *(r for r in rules if r.locked and r not in asking)])
    if rule.then.route:
        yield from _first(rule, above, below, lambda r: r.then.route, policy.default_route)
    if _advice(rule):
        yield from _first(rule, above, below, _advice, (policy.default_playbook, None))
    if rule.then.say:
        alike = [r for r in (*above, rule) if r.then.mode is rule.then.mode]
        for lead in alike:  # only what fits the first rule's mode is said
            leads = [*_off(above[: above.index(lead)] if lead in above else above), (lead.when, True)]
            yield from _first(rule, above, below, lambda r: r.then.mode is rule.then.mode and r.then.say, None, leads)


def _hushed(rule: Rule, rules: Sequence[Rule]) -> Iterator[Wanted]:
    """A locked rule shows also in what nobody is asked because of it, whoever decides."""
    for other in rules if rule.locked else ():
        if other.then.collect and not other.locked and other.then.action is not Action.CONTINUE:
            stronger = _stronger(other, rules)
            quiet = [r for r in rules if r is not rule and (r.locked or r in stronger)]
            yield [(rule.when, True), (other.when, True), *_off(quiet)]


_NEVER = object()


def _first(
    rule: Rule, above: Sequence[Rule], below: Sequence[Rule], value: Value, default: Any, before: Wanted = ()
) -> Iterator[Wanted]:
    """The rule is the first that says something, and without it the next one (or the default) would say otherwise."""
    start = [*before, *_off(r for r in above if value(r))]
    after = [r for r in below if value(r)] if default is not _NEVER else list(below)
    for i, following in enumerate(after):
        if value(following) != value(rule):
            yield [*start, *_off(after[:i]), (following.when, True)]
    if default is not _NEVER and value(rule) != default:
        yield [*start, *_off(after)]


def idle_tier_or_route(rule: Rule, rules: Sequence[Rule], policy: PolicySet, space: Space) -> Iterator[Finding]:
    """A tier or route the rule names and no decision ever has because of it."""
    certain = [(rule.when, True), *_off(_stronger(rule, rules))]
    fires = space.find(certain)
    if rule.then.action is Action.CONTINUE or fires is None:
        return
    above, below = _peers(rule, rules, policy)
    stricter = [r for r in (*above, *below) if _strictness(r, policy) < _strictness(rule, policy)]
    if rule.then.tier and space.find([*certain, *_off(stricter)]) is None:
        yield _idle(rule, "tier", rule.then.tier, fires, policy)
    routed = [r for r in above if r.then.route]
    leads = [*(r for r in routed if r.then.route == rule.then.route), rule]
    ways = ([(r.when, True), *_off(routed[: routed.index(r)] if r in routed else routed)] for r in leads)
    if rule.then.route and all(space.find([*certain, *way]) is None for way in ways):
        yield _idle(rule, "route", rule.then.route, fires, policy)


def _idle(rule: Rule, what: str, name: str, fires: Situation, policy: PolicySet) -> Finding:
    decision = decided(fires, policy)
    others = [other for other in decision.because if other != rule.id]
    return Finding(
        f"idle-{what}",
        Severity.WARNING,
        rule.file,
        rule.when.line,
        f"the {what} '{name}' of rule '{rule.id}' never applies: whenever it fires, {', '.join(others)} wins with "
        f"'{getattr(decision, what)}'",
        f"give both the same {what}, or make the conditions differ",
        (rule.id, *others),
        example_of(fires, policy),
    )


def overlap(one: Rule, other: Rule, policy: PolicySet, space: Space) -> Iterator[Finding]:
    """
    Two rules about the same thing that can fire together and want another tier, route or mode. Left out: a stricter
    rule for a narrower case, which is how exceptions are written; rules about different things: the strictest wins.
    """
    differs = _differences(one, other, policy)
    both = _together(one, other, policy, space) if differs else None
    if both is not None:
        yield Finding(
            "overlap",
            Severity.WARNING,
            other.file,
            other.when.line,
            f"rules '{one.id}' and '{other.id}' can fire together and differ in {' and '.join(differs)}",
            "make one of them hold only where the other does not, or give both the same outcome",
            (other.id, one.id),
            example_of(both, policy),
        )


def _differences(one: Rule, other: Rule, policy: PolicySet) -> list[str]:
    if one.then.action is not other.then.action or one.then.action is Action.CONTINUE:
        return []
    tiers = policy.tier(one.then.tier).name, policy.tier(other.then.tier).name
    told = {
        "tier": tiers,
        "route": (one.then.route or other.then.route, other.then.route or one.then.route),
        "mode": (one.then.mode, other.then.mode),
    }
    return [f"{what} ({a}, {b})" for what, (a, b) in told.items() if a != b]


def _together(one: Rule, other: Rule, policy: PolicySet, space: Space) -> Situation | None:
    both = space.find([(one.when, True), (other.when, True)])
    if both is None or not both.is_real:
        return None
    first, second = sorted((one, other), key=lambda r: rank(r, policy))
    narrower = space.find([(first.when, True), (second.when, False)]) is None
    wider = space.find([(first.when, False), (second.when, True)]) is None
    if narrower and not wider and rank(first, policy) != rank(second, policy):
        return None
    related = narrower or wider or set(atoms_of(one.when)) & set(atoms_of(other.when))
    return both if related else None


def _stronger(rule: Rule, rules: Sequence[Rule]) -> list[Rule]:
    return [r for r in rules if STRENGTH[r.then.action] > STRENGTH[rule.then.action]]


def _peers(rule: Rule, rules: Sequence[Rule], policy: PolicySet) -> tuple[list[Rule], list[Rule]]:
    """Those that want the same outcome, before and after it as they are ranked."""
    ranked = sorted((r for r in rules if r.then.action is rule.then.action), key=lambda r: rank(r, policy))
    place = [r.id for r in ranked].index(rule.id)
    return ranked[:place], ranked[place + 1 :]


def _off(rules: Any) -> list[tuple[Any, bool]]:
    return [(r.when, False) for r in rules]


def _strictness(rule: Rule, policy: PolicySet) -> tuple[int, int, str]:
    return policy.tier(rule.then.tier).strictness


def _seniority(rule: Rule) -> int:
    return SENIORITY.index(rule.then.seniority) if rule.then.seniority else -1


def _advice(rule: Rule) -> Any:
    then = rule.then
    return (then.playbook, then.recommend) if then.playbook or then.recommend else None
