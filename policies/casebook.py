"""
Tests of policies: runs every `<rule>.test.yml` and says what was expected and what came.

A case gives either signals (`given:`, by the conditions' names) or a conversation (`turns:`) and is judged at its end.
`because` pins the rule that decided: right for the wrong reason is a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packets.conversation import Conversation, fold_all
from packets.decision import Action, Decision
from packets.event import (
    Context,
    ConversationInfo,
    Event,
    EventKind,
    HandoffAsked,
    Intent,
    Nlu,
    Role,
    Sentiment,
    ToolCall,
    Turn,
)
from policies.conditions import CONDITIONS
from policies.decide import judge
from policies.explain import explain
from policies.load import TEST_ENDING, load_policy, read_folder
from policies.model import PolicySet
from policies.params import Known, Param, Wrong
from policies.problems import PolicyErrors, Problem, below, did_you_mean
from policies.schema import OUTCOMES, CasesSchema, ExpectSchema, check
from policies.signals import Signals, signals_of
from policies.sla.units import parse_duration
from policies.yamlfile import Path as YamlPath
from policies.yamlfile import YamlFile, read_yaml

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a case's own time when it names none
PAUSE = timedelta(seconds=5)  # between turns that name none
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case. differences: one sentence each, empty = passed."""

    file: str
    line: int
    name: str
    expected: Mapping[str, Any]  # empty = nothing
    decision: Decision
    differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        if self.passed:
            return f"ok    {self.file}:{self.line} {self.name}"
        said = [f"FAIL  {self.file}:{self.line} {self.name}", *(f"      {d}" for d in self.differences)]
        return "\n".join([*said, *(f"      {line}" for line in explain(self.decision, all_rules=True).splitlines())])


@dataclass(frozen=True, slots=True)
class CaseReport:
    results: tuple[CaseResult, ...]
    policy: PolicySet

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        return tuple(r for r in self.results if not r.passed)

    @property
    def ok(self) -> bool:
        return not self.failed

    def __str__(self) -> str:
        passed = len(self.results) - len(self.failed)
        lines = [str(r) for r in self.failed]
        return "\n".join([*lines, f"{passed} of {len(self.results)} cases as expected, policy {self.policy.revision}"])


def run_casebook(folder: Path) -> CaseReport:
    """Run every case of a policy folder. Raises PolicyErrors if the policy or a test file cannot be read."""
    policy = load_policy(folder)
    texts, _ = read_folder(folder)
    results: list[CaseResult] = []
    problems: list[Problem] = []
    for name in sorted(n for n in texts if n.endswith(TEST_ENDING)):
        found, wrong = run_cases(name, texts[name], policy)
        results += found
        problems += wrong
    if problems:
        raise PolicyErrors(below(str(folder), problems))
    return CaseReport(tuple(results), policy)


def run_cases(name: str, text: str, policy: PolicySet) -> tuple[list[CaseResult], list[Problem]]:
    """The results of one test file, or what is wrong with it."""
    file, problems = read_yaml(name, text)
    data, wrong = check(CasesSchema(), file) if not problems else (None, [])
    problems = [*problems, *wrong]
    results: list[CaseResult] = []
    for i, case in enumerate(data["cases"] if data else ()):
        try:
            results.append(_run(_Case(file, i, case), policy))
        except PolicyErrors as errors:
            problems += errors.problems
    return results, problems


@dataclass(frozen=True, slots=True)
class _Case:
    file: YamlFile
    number: int
    data: Mapping[str, Any]

    @property
    def place(self) -> YamlPath:
        return ("cases", self.number)

    def error(self, path: YamlPath, text: str, hint: str | None = None) -> PolicyErrors:
        return PolicyErrors([self.file.problem((*self.place, *path), text, hint)])


def _run(case: _Case, policy: PolicySet) -> CaseResult:
    expected = _expected(case, policy)
    at = _time(case)
    known = Known(frozenset(label for pack in policy.packs.values() for label in pack.labels))
    if "turns" in case.data:
        conversation, at = _conversation(case, at)
        both_sides = case.data.get("both_sides", False)
        signals = _heard_in(_given(case, known, conversation), policy, at, both_sides=both_sides)
    else:
        signals = _given(case, known, Conversation("policy-test", "case", language=case.data.get("language")))
    decision = judge(signals, policy, now=at)
    line = case.file.line(case.place)
    return CaseResult(
        case.file.name, line, case.data["name"], expected, decision, tuple(_differences(expected, decision))
    )


def _expected(case: _Case, policy: PolicySet) -> Mapping[str, Any]:
    """What the case says, checked: a misspelt rule would otherwise be a near miss for ever."""
    told = case.data["expect"]
    if told == NOTHING:
        return {}
    data, problems = check(ExpectSchema(), case.file, (*case.place, "expect"))
    if data is None:
        raise PolicyErrors(problems)
    ids = [rule.id for rule in policy.rules]
    for key in ("because", "fired"):
        for rule in _ids(data.get(key, [])):
            if rule not in ids:
                raise case.error(("expect", key), f"unknown rule '{rule}'", did_you_mean(rule, ids))
    if not data:
        raise case.error(("expect",), "says nothing", "write expect: nothing, or what should come")
    return {key.rstrip("_"): value for key, value in data.items()}


def _differences(expected: Mapping[str, Any], decision: Decision) -> list[str]:
    if not expected:
        got = decision.action.value + (f" because of {', '.join(decision.because)}" if decision.because else "")
        return [] if decision.action is Action.CONTINUE else [f"expected nothing, got {got}"]
    return [
        f"expected {key} {_listed(wanted)}, got {_listed(got)}"
        for key, wanted in expected.items()
        if not _agrees(key, wanted, got := _got(key, decision))
    ]


def _got(key: str, decision: Decision) -> Any:
    if key in OUTCOMES:
        told = decision.mode.value if decision.mode else True
        return told if decision.action.value == key else decision.action.value
    got = decision.because if key == "fired" else getattr(decision, key)
    return list(got) if isinstance(got, tuple) else got


def _agrees(key: str, wanted: Any, got: Any) -> bool:
    if key == "fired":
        return set(_ids(wanted)) <= set(got)
    if key == "because" and isinstance(wanted, str):
        return bool(got[:1] == [wanted])  # the rule that decided, whatever else fired
    return bool(wanted == got)


def _ids(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told]


def _listed(value: Any) -> str:
    return (", ".join(map(str, value)) or "no rule") if isinstance(value, list) else str(value)


def _heard_in(given: Signals, policy: PolicySet, at: datetime, *, both_sides: bool) -> Signals:
    """What is heard in the turns, beside what is given."""
    state = policy.calibration(given.conversation)
    history = replace(given.history, tells_bot=both_sides)
    heard = signals_of(state, policy.packs, policy.capabilities, history=history, now=given.now or at)
    return replace(
        heard,
        heard={**heard.heard, **given.heard},
        capabilities=(*heard.capabilities, *given.capabilities),
        unscanned=heard.unscanned or given.unscanned,
        tempers=given.tempers,
        promise=given.promise,
    )


def _given(case: _Case, known: Known, conversation: Conversation) -> Signals:
    signals = Signals(conversation)
    for name, value in case.data.get("given", {}).items():
        if name not in CONDITIONS:
            raise case.error(("given", name), f"unknown condition '{name}'", did_you_mean(name, CONDITIONS))
        condition = CONDITIONS[name]
        try:
            if isinstance(condition.takes, Param):  # a misspelt topic would be a near miss for ever
                for one in value if isinstance(value, list) else [value]:
                    condition.takes.read(one, known)
            signals = condition.given(signals, value)
        except Wrong as error:
            raise case.error(("given", name), error.text, error.suggestion) from error
        except (TypeError, ValueError) as error:
            raise case.error(("given", name), f"'{value}' is not a value of {name}") from error
    return signals


def _time(case: _Case) -> datetime:
    """`2026-03-06 16:50 Europe/Berlin`; without a zone UTC."""
    told = case.data.get("at")
    if told is None:
        return START
    day, _, rest = told.partition(" ")
    clock, _, zone = rest.partition(" ")
    try:
        return (
            datetime.fromisoformat(f"{day}T{clock or '00:00'}").replace(tzinfo=ZoneInfo(zone or "UTC")).astimezone(UTC)
        )
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise case.error(("at",), f"'{told}' is not a time", "write 2026-03-06 16:50 Europe/Berlin") from error


def _conversation(case: _Case, at: datetime) -> tuple[Conversation, datetime]:
    """The conversation of the case's turns, each its own event, and the time of the last or of the silence after it."""
    events: list[Event] = []
    for i, turn in enumerate(case.data["turns"]):
        if "silence" in turn:
            at += _duration(case, i, turn, "silence")
            continue
        if i:
            at += _duration(case, i, turn, "after") if "after" in turn else PAUSE
        events.append(_event(turn, at, i, case.data.get("language")))
    conversation = fold_all("policy-test", "case", events)
    return (replace(conversation, new_turns=()) if "silence" in case.data["turns"][-1] else conversation), at


def _duration(case: _Case, i: int, turn: Mapping[str, Any], key: str) -> timedelta:
    try:
        return parse_duration(turn[key])
    except ValueError as error:
        raise case.error(("turns", i, key), str(error)) from error


def _event(turn: Mapping[str, Any], at: datetime, number: int, language: str | None) -> Event:
    role = next((r for r in (Role.CUSTOMER, Role.BOT, Role.AGENT) if r.value in turn), None)
    calls = [(turn[key], key == "succeeded") for key in ("failed", "succeeded") if key in turn]
    return Event(
        event_id=f"case-{number}",
        kind=EventKind.MESSAGE_CREATED if role else EventKind.HANDOFF_REQUESTED,
        source="policy-test",
        conversation=ConversationInfo("case", language=language),
        occurred_at=at,
        received_at=at,
        turns=(Turn(role, turn[role.value], nlu=_nlu(turn), sentiment=_sentiment(turn)),) if role else (),
        handoff=HandoffAsked(turn["handoff"], requested_by=turn.get("requested_by")) if "handoff" in turn else None,
        context=Context(tool_calls=tuple(ToolCall(task, ok) for task, ok in calls)) if calls else None,
    )


def _sentiment(turn: Mapping[str, Any]) -> Sentiment | None:
    return Sentiment(score=turn["sentiment"]) if "sentiment" in turn else None


def _nlu(turn: Mapping[str, Any]) -> Nlu | None:
    if not {"intent", "confidence", "unmatched"} & turn.keys():
        return None
    named = "intent" in turn or "confidence" in turn
    intent = Intent(turn.get("intent", "unnamed"), confidence=turn.get("confidence")) if named else None
    return Nlu(intent=intent, is_fallback=turn.get("unmatched", False))
