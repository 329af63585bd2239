"""What one rule's condition gives away by itself: it cannot hold, holds always, or has a part that changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from packets.decision import Action
from policies.analyse.example import decided, example_of
from policies.analyse.finding import Finding, Severity
from policies.analyse.samples import SAMPLES
from policies.analyse.space import Choice, Situation, Space
from policies.model import PolicySet, Rule, When
from policies.when import joined


def never_holds(rule: Rule, policy: PolicySet, space: Space) -> Iterator[Finding]:
    """The innermost conditions that nothing can make true."""
    for when in _dead(rule.when, space):
        whole = when is rule.when or space.find([(rule.when, True)]) is None
        what = f"rule '{rule.id}' can never fire: " if whole else f"in rule '{rule.id}': "
        why = "its parts contradict each other" if when.kind in ("all", "any", "not") else "no value makes it true"
        yield Finding(
            "never-fires" if whole else "never-holds",
            Severity.ERROR if space.is_certain(when) else Severity.WARNING,
            rule.file,
            when.line,
            f"{what}'{when.kind}' can never hold, {why}",
            "mend it or take it out; the example comes closest",
            (rule.id,),
            example_of(_nearest(when, space), policy),
        )


def _dead(when: When, space: Space) -> list[When]:
    inner = [dead for part in when.parts for dead in _dead(part, space)]
    return inner or ([when] if space.find([(when, True)]) is None else [])


def _nearest(when: When, space: Space) -> Situation | None:
    """A situation in which as many of its parts hold as can; for a named condition, the most its signal can be."""
    for left_out in range(len(when.parts)) if when.kind == "all" else ():
        rest = [(part, True) for i, part in enumerate(when.parts) if i != left_out]
        if (found := space.find(rest)) is not None:
            return found
    most = SAMPLES[when.kind]([when.arguments])[0] if when.kind in SAMPLES else ()
    return Situation((Choice(((when.kind, most[-1]),), frozenset()),)) if most else Situation()


def always_holds(rule: Rule, policy: PolicySet, space: Space) -> Iterator[Finding]:
    """A rule that fires although nothing has happened: mostly a `not` around something nobody knows."""
    if not rule.when.holds(Situation().signals()):
        return
    always = space.find([(rule.when, False)]) is None
    yield Finding(
        "fires-on-nothing",
        Severity.WARNING if rule.then.action is Action.CONTINUE else Severity.ERROR,
        rule.file,
        rule.when.line,
        f"rule '{rule.id}' fires {'on every event' if always else 'on a conversation in which nothing has happened'}",
        "name what must have happened, and join it with all:",
        (rule.id,),
        example_of(Situation(), policy),
    )


def idle_parts(rule: Rule, policy: PolicySet, space: Space) -> Iterator[Finding]:
    """Parts of all: and any: that may be left out without any conversation going differently."""
    for when in _joins(rule.when):
        for i, part in enumerate(when.parts):
            rest = tuple(p for n, p in enumerate(when.parts) if n != i)
            without = rest[0] if len(rest) == 1 else joined(when.kind, rest, when.line)
            if not rest or _dead(part, space) or space.find([(when, True)]) is None:
                continue
            if _same(when, without, space):
                yield Finding(
                    "idle-part",
                    Severity.WARNING,
                    rule.file,
                    part.line,
                    f"in rule '{rule.id}': '{part.kind}' changes nothing beside the other parts of '{when.kind}'",
                    "take it out, or mend what was meant",
                    (rule.id,),
                    example_of(space.find([(without, True)]), policy),
                )
                break  # of two equal parts only one is idle


def _joins(when: When) -> Iterator[When]:
    if when.kind in ("all", "any"):
        yield when
    for part in when.parts:
        yield from _joins(part)


def _same(one: When, other: When, space: Space) -> bool:
    return space.find([(one, True), (other, False)]) is None and space.find([(one, False), (other, True)]) is None


def locked_exceptions(rule: Rule, policy: PolicySet, space: Space) -> Iterator[Finding]:
    """A locked rule that something can switch off again, or that calls nobody."""
    if not rule.locked:
        return
    fires = space.find([(rule.when, True)])
    if rule.then.action is not Action.ESCALATE and fires is not None:
        yield Finding(
            "locked-weakened",
            Severity.ERROR,
            rule.file,
            rule.when.line,
            f"locked rule '{rule.id}' calls nobody: '{rule.then.action.value}' gives way to any rule that escalates",
            "a locked rule escalates; another one does not belong into locked/",
            (rule.id,),
            example_of(fires, policy),
        )
    for when in _joins(rule.when):
        for i, part in enumerate(when.parts):
            if when.kind != "all" or part.kind != "not":
                continue
            rest = [(p, True) for n, p in enumerate(when.parts) if n != i]
            off = space.find([*rest, (part, False), (rule.when, False)])
            if off is None or rule.id in decided(off, policy).because:
                continue
            yield Finding(
                "locked-weakened",
                Severity.ERROR,
                rule.file,
                part.line,
                f"locked rule '{rule.id}' has an exception: it does not fire where '{part.parts[0].kind}' holds, too",
                "a locked rule has no exceptions; take the not: out",
                (rule.id,),
                example_of(off, policy),
            )
