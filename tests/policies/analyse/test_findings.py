"""What a finding says and shows, and what the analyser does where it cannot tell."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from policies.analyse import space as space_module
from policies.analyse.finding import Severity
from policies.analyse.run import analyse, examine
from policies.analyse.samples import guesses
from policies.conditions import CONDITIONS
from policies.load import policy_from_files
from policies.params import count, one_of
from policies.registry import condition, seen, with_conversation

ASKED = "{customer_asked_for: human}"
BOT = "{bot_asked_for: handoff}"
LEGAL, LOST = "{topic: legal}", "{unmatched: {times: 2}}"
LEGAL_AND_LOST = f"{{all: [{LEGAL}, {LOST}]}}"
SOON, NOW = "{escalate: warm, tier: silver}", "{escalate: warm, tier: gold}"
SOUND_ROUTES = "default: general\nroutes:\n  general: {label: General, destination: desk, wants: [name]}\n"


@pytest.fixture
def findings(files, rule):
    """The findings about these rules (file → when, then), of a policy that is sound otherwise; tiers are left aside."""

    def find(rules, tests=None, **more):
        texts = {"ask.yml": rule("ask", when=ASKED, then="{escalate: warm, say: connecting, playbook: look-up}")}
        texts |= {"bot.yml": rule("bot", when=BOT, then="{escalate: callback}"), "routes.yml": SOUND_ROUTES, **more}
        texts |= {name: rule(name.removesuffix(".yml"), when, then) for name, (when, then) in rules.items()}
        found = analyse(policy_from_files(files(texts)), tests)
        return [f for f in found if f.kind not in ("unused-tier", "trigger-without-sla")]

    return find


def test_a_finding_reads_like_a_problem_with_an_example_that_can_be_pasted_into_a_test(findings):
    (finding,) = findings({"law.yml": (LEGAL, "{escalate: warm}"), "more.yml": (LEGAL_AND_LOST, "{offer: warm}")})

    assert str(finding).splitlines() == [
        "more.yml:4: rule 'more' never decides: whenever it fires, a stronger outcome wins (here law)",
        "    take it out, or make it differ where it should",
        "    for example:",
        '      - {customer: "…", unmatched: true}',
        '      - {customer: "my lawyer.", unmatched: true}',
        "      → escalate, warm → general, plain, because of law, more",
    ]


def test_a_warning_says_that_it_is_one(findings):
    (finding,) = findings({}, **{"scripts.yml": "scripts:\n  connecting: {en: Hello.}\n  gone: {en: Bye.}\n"})

    assert str(finding).startswith("scripts.yml:3: warning: script 'gone' is used by no rule")


def test_as_data_it_has_all_a_program_needs(findings):
    (finding,) = findings({"no.yml": ("{bot_confidence: {below: 0, for: 1 turn}}", "{escalate: warm}")})

    data = json.loads(json.dumps(finding.as_data()))

    assert (data["kind"], data["severity"], data["file"], data["line"]) == ("never-fires", "error", "no.yml", 4)
    assert data["rules"] == ["no"]
    assert data["example"] == {"turns": [{"customer": "…", "confidence": 0.0}], "decides": "nothing"}


def test_the_line_is_that_of_the_part_at_fault(findings, rule):
    text = rule("r", when="\n  any:\n    - topic: legal\n    - bot_confidence: {below: 0, for: 1 turn}")

    (finding,) = findings({}, **{"r.yml": text})

    assert (finding.kind, finding.line) == ("never-holds", 7)


def test_signals_that_turns_cannot_show_are_given_as_signals(findings):
    unsaid = "rules: [{id: a, label: x, any: [aa bb], tests: {fire: [aa bb], quiet: [cc]}}]\nintents: {legal: [law]}\n"
    rules = {"a.yml": (LEGAL, "{offer: warm}"), "b.yml": (LEGAL, "{offer: warm}")}

    (finding,) = findings(rules, **{"phrases/en.yml": "pack: en\n" + unsaid})

    assert finding.kind == "never-decides"
    assert finding.example.as_case() == {"given": {"topic": "legal"}}


def test_a_narrower_rule_that_is_stricter_is_no_finding(findings):
    assert findings({"law.yml": (LEGAL, SOON), "now.yml": (LEGAL_AND_LOST, NOW)}) == []


def test_rules_about_different_things_may_want_different_tiers(findings):
    assert findings({"law.yml": (LEGAL, SOON), "lost.yml": (LOST, NOW)}) == []


def test_a_search_without_end_is_given_up_and_said(findings, monkeypatch):
    monkeypatch.setattr(space_module, "MOST_STEPS", 2)

    found = findings(
        {"law.yml": ("{all: [{topic: legal}, {topic: fraud}, {unmatched: {times: 2}}]}", "{escalate: warm}")}
    )

    assert ("not-analysed", "warning", ("law",)) in [(f.kind, f.severity.value, f.rules) for f in found]


def test_conditions_that_are_too_entangled_to_be_tried_out_are_said(findings, monkeypatch):
    monkeypatch.setattr(space_module, "MOST_SITUATIONS", 2)

    found = findings({"law.yml": ("{unmatched: {times: 2}}", "{escalate: warm}")})

    assert ("not-analysed", "warning", ("law",)) in [(f.kind, f.severity.value, f.rules) for f in found]
    assert not [f for f in found if f.kind == "never-fires"]


def test_a_policy_of_sixty_tangled_rules_is_analysed_within_a_few_thousand_searches(findings, monkeypatch):
    steps = []
    run = space_module._Search.run
    monkeypatch.setattr(space_module._Search, "run", lambda self, *a: steps.append(1) or run(self, *a))
    both = "{{all: [{{unmatched: {{times: {}}}}}, {{task_failed: {{times: {}}}}}]}}"
    rules = {f"r{n}.yml": (both.format(n % 7 + 1, n % 9 + 1), NOW) for n in range(60)}

    found = findings(rules)

    assert not [f for f in found if f.kind == "not-analysed"]
    assert len(steps) < 100_000


@pytest.fixture
def puzzling():
    """A condition the analyser has no samples of, for as long as a test takes."""

    @condition("puzzle of {pieces}", {"pieces": count()}, given=with_conversation(lambda c, v: c))
    def puzzle(signals, pieces):
        return seen(signals.conversation.subject == f"{pieces}!", signals.conversation.subject, "")

    yield
    del CONDITIONS["puzzle"]


def test_a_condition_no_value_is_known_of_is_said_and_never_called_impossible(findings, puzzling):
    found = findings({"odd.yml": ("{puzzle: {pieces: 3}}", "{escalate: warm}")})

    assert [(f.kind, f.rules, f.severity) for f in found] == [("not-analysed", ("odd",), Severity.WARNING)]


def test_what_cannot_hold_whatever_an_unknown_condition_says_is_found(findings, puzzling):
    found = findings({"odd.yml": ("{all: [{puzzle: {pieces: 3}}, {not: {puzzle: {pieces: 3}}}]}", "{escalate: warm}")})

    assert "never-fires" in [f.kind for f in found]


@pytest.fixture
def guessable():
    """One whose values can be guessed from its arguments."""

    @condition("{turns} turns", {"turns": count()}, given=with_conversation(lambda c, v: replace(c, turns=int(v))))
    def long(signals, turns):
        return seen(signals.conversation.turns >= turns, signals.conversation.turns, "")

    yield
    del CONDITIONS["long"]


def test_values_of_a_condition_without_samples_are_guessed_from_its_arguments(findings, guessable):
    found = findings({"odd.yml": ("{all: [{long: {turns: 8}}, {not: {long: {turns: 5}}}]}", "{escalate: warm}")})

    assert [(f.kind, f.rules, f.severity) for f in found] == [("never-fires", ("odd",), Severity.WARNING)]


def test_values_of_a_condition_may_be_known_side_by_side(findings):
    @condition("{name} is {value}", {"name": one_of("a", "b"), "value": count()}, given=with_conversation(_known))
    def fact(signals, name, value):
        return seen(signals.conversation.failed_tasks.get(name) == value, None, "")

    try:
        found = findings({"odd.yml": ("{all: [{fact: {name: a, value: 1}}, {fact: {name: b, value: 2}}]}", NOW)})
    finally:
        del CONDITIONS["fact"]

    assert found == []


def _known(conversation, value):
    return replace(conversation, failed_tasks={**conversation.failed_tasks, **value})


def test_values_of_a_condition_are_taken_from_the_policys_own_tests(findings):
    @condition(
        "subject {number}", {"number": count()}, given=with_conversation(lambda c, v: replace(c, subject=str(v)))
    )
    def subject(signals, number):
        return seen(signals.conversation.subject == "n" * number, signals.conversation.subject, "")

    rules = {"odd.yml": ("{subject: {number: 3}}", "{escalate: warm}")}
    try:
        without = findings(rules)
        found = findings(rules, {"odd.test.yml": "cases:\n  - {name: a, given: {subject: nnn}, expect: nothing}\n"})
    finally:
        del CONDITIONS["subject"]

    assert [f.kind for f in without] == ["not-analysed"]
    assert found == []


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (("question", 3), {"question": 2}),
        (("question", 3), {"question": 3}),
        (("vip", True), {"vip": False}),
        ((-0.3, 3), [-0.31, -0.31, -0.31]),
        ((-0.3, 3), [-0.31, -0.31]),
        ((timedelta(minutes=1),), "61s"),
        ((frozenset({"a"}),), ["a"]),
        ((0.5,), 0.51),
    ],
)
def test_guesses_lie_around_the_arguments(arguments, value):
    assert value in guesses([arguments])


def test_examine_tells_what_does_not_load_and_nothing_else(folder, rule):
    where = folder({"law.yml": rule("law", when="{topik: legal}")})

    (finding,) = examine(where)

    assert (finding.severity, finding.file, finding.line) == (Severity.ERROR, f"{where}/law.yml", 4)


def test_examine_tells_missing_tests_and_findings_together(folder, rule):
    where = folder({"no.yml": rule("no", "{bot_confidence: {below: 0, for: 1 turn}}", SOON)})

    kinds = {f.kind for f in examine(where) if f.file.endswith("no.yml")}

    assert kinds == {"problem", "never-fires"}


def test_a_case_that_any_rule_could_bring_about_is_told(policy, rule):
    open_case = "cases:\n  - name: law\n    given: {topic: legal}\n    expect: {escalate: warm}\n"
    tests = {"a.test.yml": open_case, "b.test.yml": open_case.replace("warm}", "warm, because: a}"), "c.test.yml": "["}

    found = [f for f in analyse(policy({"a.yml": rule("a")}), tests) if f.kind == "unpinned-case"]

    assert [(f.file, f.line) for f in found] == [("a.test.yml", 4)]
