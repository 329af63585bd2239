"""What a policy that loads may still lack: tests that show each rule fire, and show where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from policies.casebook import CaseResult, run_cases
from policies.load import TEST_ENDING, load_policy, read_folder
from policies.model import PolicySet, Rule
from policies.problems import PolicyErrors, Problem, below


def check_policy(folder: Path) -> list[Problem]:
    """
    Every problem of a policy folder, in file order; empty = fine. A folder that does not load has only its load errors.
    Failing cases are not problems here: `run_casebook` reports them.
    """
    try:
        policy = load_policy(folder)
    except PolicyErrors as errors:
        return list(errors.problems)
    texts, _ = read_folder(folder)
    tests = {name: text for name, text in texts.items() if name.endswith(TEST_ENDING)}
    problems: list[Problem] = []
    for name, text in tests.items():
        if _rule_of(name) not in policy.files:
            problems.append(
                Problem(name, 0, f"there is no rule {_rule_of(name)}", "a test file stands beside its rule")
            )
        results, wrong = run_cases(name, text, policy)
        problems += wrong
        if not wrong:
            problems += [p for rule in policy.rules if rule.file == _rule_of(name) for p in _lacks(rule, name, results)]
    problems += _untested(policy, tests)
    return sorted(below(str(folder), problems), key=lambda p: (p.file, p.line))


def _rule_of(test: str) -> str:
    return test.removesuffix(TEST_ENDING) + ".yml"


def _untested(policy: PolicySet, tests: dict[str, str]) -> Iterator[Problem]:
    for rule in policy.rules:
        test = rule.file.removesuffix(".yml") + TEST_ENDING
        if test not in tests:
            name = PurePosixPath(test).name
            yield Problem(rule.file, 0, f"rule '{rule.id}' has no test", f"write {name} beside it")


def _lacks(rule: Rule, test: str, results: list[CaseResult]) -> Iterator[Problem]:
    fired = [rule.id in r.decision.because for r in results if r.passed]
    if not any(fired):
        locked = "locked rule" if rule.locked else "rule"
        yield Problem(test, 0, f"no case shows {locked} '{rule.id}' fire", "add one with because: " + rule.id)
    if all(fired):
        yield Problem(
            test, 0, f"rule '{rule.id}' has no near miss", "add a case that almost fires, with expect: nothing"
        )
