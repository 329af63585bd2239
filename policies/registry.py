"""
How a condition is declared, and how one use of it in a rule is bound to its arguments.

    @condition("the bot understood nothing {times} times in a row", {"times": count()}, given=…)
    def unmatched(signals, times): …

The function's name is the condition's name in YAML, its docstring is its reference page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import getdoc
from typing import Any, NamedTuple

from packets.conversation import Conversation
from packets.decision import Evidence, TraceNode
from policies.model import Holds, Judge
from policies.params import Known, Param, Wrong
from policies.problems import did_you_mean
from policies.signals import Signals


class Seen(NamedTuple):
    """
    What a condition saw. value: the signal itself, kept in the decision's facts; never the customer's words.

    value and evidence may be functions of nothing that make them: on most turns only `held` is asked for.
    """

    held: bool
    value: Any
    evidence: tuple[Evidence, ...] | Callable[[], tuple[Evidence, ...]] = ()


def seen(held: bool, value: Any, said: str | Callable[[], str]) -> Seen:
    """For numbers: `said` is shown to people whether it held or not."""
    return Seen(held, value, lambda: (Evidence(said() if callable(said) else said),))


class Bound(NamedTuple):
    """One use of a condition. holds: what `judge` answers, without saying why."""

    judge: Judge
    holds: Holds
    arguments: tuple[Any, ...]  # in the order of `takes`


# Makes a conversation (or what is heard in it) in which the signal has this value: `given:` in a policy test.
Given = Callable[[Signals, Any], Signals]


@dataclass(frozen=True, slots=True)
class Condition:
    """
    takes: one Param for `topic: legal`, or names for `unmatched: {times: 2}`.
    says: the sentence shown in a trace, with the arguments filled in; or a function of them.
    one_of: arguments of which at least one must be given.
    """

    name: str
    says: str | Callable[..., str]
    takes: Param | Mapping[str, Param]
    judge: Callable[..., Seen]
    given: Given
    one_of: tuple[str, ...] = ()

    @property
    def doc(self) -> str:
        return getdoc(self.judge) or ""

    def bind(self, value: Any, known: Known) -> tuple[Bound | None, list[tuple[tuple[str, ...], Wrong]]]:
        """The condition with its arguments, or what is wrong with them and where."""
        if isinstance(self.takes, Param):
            arguments, wrong = _read({"value": self.takes}, {"value": value}, known)
            return (None, [((), w) for _, w in wrong]) if wrong else (self._bound(tuple(arguments.values())), [])
        if not isinstance(value, Mapping):
            return None, [((), Wrong(f"'{self.name}' needs arguments", f"write {self.name}: {_usage(self.takes)}"))]
        arguments, wrong = _read(self.takes, value, known)
        if self.one_of and not wrong and not set(self.one_of) & set(value):
            wrong = [(next(iter(value), ""), Wrong(f"'{self.name}' says nothing to compare", _any_of(self.one_of)))]
        return (None, [((name,), w) for name, w in wrong]) if wrong else (self._bound(tuple(arguments.values())), [])

    def _bound(self, arguments: tuple[Any, ...]) -> Bound:
        names = ["value"] if isinstance(self.takes, Param) else list(self.takes)
        told = dict(zip(names, arguments, strict=True))
        says = self.says
        says = says.format(**{n: _shown(a) for n, a in told.items()}) if isinstance(says, str) else says(**told)
        name, judge = self.name, self.judge

        def judged(signals: Signals) -> TraceNode:
            held, value, evidence = judge(signals, *arguments)
            signals.looked_at[name] = value() if callable(value) else value
            return TraceNode(says, held, evidence() if callable(evidence) else evidence)

        return Bound(judged, lambda signals: judge(signals, *arguments)[0], arguments)


CONDITIONS: dict[str, Condition] = {}


def condition(
    says: str | Callable[..., str],
    takes: Param | Mapping[str, Param],
    given: Given,
    one_of: tuple[str, ...] = (),
) -> Callable[[Callable[..., Seen]], Callable[..., Seen]]:
    """Declare a condition. Arguments are passed in the order of `takes`."""

    def declare(judge: Callable[..., Seen]) -> Callable[..., Seen]:
        CONDITIONS[judge.__name__] = Condition(judge.__name__, says, takes, judge, given, one_of)
        return judge

    return declare


def _read(
    takes: Mapping[str, Param], values: Mapping[str, Any], known: Known
) -> tuple[dict[str, Any], list[tuple[str, Wrong]]]:
    arguments: dict[str, Any] = {}
    wrong = [(n, Wrong(f"unknown argument '{n}'", did_you_mean(n, takes))) for n in values if n not in takes]
    for name, param in takes.items():
        if name in values:
            try:
                arguments[name] = param.read(values[name], known)
            except Wrong as error:
                wrong.append((name, error))
        elif param.default is ...:
            wrong.append((name, Wrong(f"'{name}' is missing", f"it is {param.expects}")))
        else:
            arguments[name] = param.default
    return arguments, wrong


def _usage(takes: Mapping[str, Param]) -> str:
    return "{" + ", ".join(f"{name}: {param.expects}" for name, param in takes.items()) + "}"


def _any_of(names: tuple[str, ...]) -> str:
    return "give " + " or ".join(names)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def with_conversation(change: Callable[[Conversation, Any], Conversation]) -> Given:
    """A `given` that only needs to change the conversation."""

    def given(signals: Signals, value: Any) -> Signals:
        return replace(signals, conversation=change(signals.conversation, value), looked_at={})

    return given
