"""
`when` of a rule → one function of signals, with the tree it was made from. Conditions are joined by `all`, `any` and
`not`, as deep as needed.

`judge` judges every branch, also when the answer is known: the trace must show what each condition saw. `holds` gives
the same answer and stops as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packets.decision import TraceNode
from policies.conditions import CONDITIONS
from policies.model import Holds, Judge, When
from policies.params import Known
from policies.problems import Problem, did_you_mean
from policies.signals import Signals
from policies.yamlfile import Path, YamlFile

JOINS = ("all", "any", "not")
_SEE = "All conditions: baton policy conditions"


def compile_when(file: YamlFile, known: Known, path: Path = ("when",)) -> tuple[When | None, list[Problem]]:
    """The conditions at `path` with their judge, or every problem below it."""
    value: Any = file.value
    for key in path:
        value = value[key]
    if not isinstance(value, Mapping) or not value:
        return None, [file.problem(path, "expected a condition here", _SEE)]
    if len(value) > 1:
        names = ", ".join(value)
        return None, [file.problem(path, f"several conditions side by side: {names}", "join them with all: or any:")]
    (name,) = value
    here = (*path, name)
    if name in ("all", "any"):
        return _joined(file, known, here, value[name])
    if name == "not":
        inner, problems = compile_when(file, known, here)
        return (_denied(inner, file.line(here)) if inner else None), problems
    if name not in CONDITIONS:
        close = did_you_mean(name, [*CONDITIONS, *JOINS])
        return None, [file.problem(here, f"unknown condition '{name}'", f"{close} {_SEE}" if close else _SEE)]
    bound, wrong = CONDITIONS[name].bind(value[name], known)
    if bound is None:
        return None, [file.problem((*here, *at), error.text, error.suggestion) for at, error in wrong]
    return When(name, file.line(here), bound.judge, bound.holds, arguments=bound.arguments), []


def _joined(file: YamlFile, known: Known, path: Path, items: Any) -> tuple[When | None, list[Problem]]:
    name = str(path[-1])
    if not isinstance(items, list) or not items:
        return None, [file.problem(path, f"'{name}' needs a list of conditions")]
    parts: list[When] = []
    problems: list[Problem] = []
    for i in range(len(items)):
        part, wrong = compile_when(file, known, (*path, i))
        problems += wrong
        if part:
            parts.append(part)
    if problems:
        return None, problems
    return joined(name, tuple(parts), file.line(path)), []


def joined(kind: str, parts: tuple[When, ...], line: int) -> When:
    """`all` or `any` of these."""
    judges, quick = tuple([part.judge for part in parts]), tuple([part.holds for part in parts])
    if kind == "all":
        return When(kind, line, _all(judges), _all_hold(quick), parts)
    return When(kind, line, _any(judges), _any_holds(quick), parts)


def _all(judges: tuple[Judge, ...]) -> Judge:
    def judged(signals: Signals) -> TraceNode:
        children = tuple([judge(signals) for judge in judges])
        return TraceNode("all of", all(c.held for c in children), children=children)

    return judged


def _all_hold(parts: tuple[Holds, ...]) -> Holds:
    def hold(signals: Signals) -> bool:
        for holds in parts:  # noqa: SIM110 - all() over a generator takes half as long again, on every turn
            if not holds(signals):
                return False
        return True

    return hold


def _any(judges: tuple[Judge, ...]) -> Judge:
    def judged(signals: Signals) -> TraceNode:
        children = tuple([judge(signals) for judge in judges])
        return TraceNode("any of", any(c.held for c in children), children=children)

    return judged


def _any_holds(parts: tuple[Holds, ...]) -> Holds:
    def hold(signals: Signals) -> bool:
        for holds in parts:  # noqa: SIM110 - as above
            if holds(signals):
                return True
        return False

    return hold


def _denied(inner: When, line: int) -> When:
    def judged(signals: Signals) -> TraceNode:
        child = inner.judge(signals)
        return TraceNode("not", not child.held, children=(child,))

    return When("not", line, judged, lambda signals: not inner.holds(signals), (inner,))
