import pytest

from policies.casebook import run_casebook
from policies.problems import PolicyErrors

LAW = "{escalate: warm, route: payments, tier: gold}"


@pytest.fixture
def run(folder, rule):
    """The report of one test file beside a rule about lawyers, locked rules for requests, and one about confidence."""

    def made(cases):
        return run_casebook(
            folder({
                "law.yml": rule("law", then=LAW),
                "law.test.yml": cases,
                "low.yml": rule("low", "{bot_confidence: {below: 0.55, for: 2 turns}}", "{review: true}"),
                "failed.yml": rule("failed", "{task_failed: {times: 2}}", "{offer: callback}"),
            })
        )  # fmt: skip

    return made


def one(expect, given="given: {topic: legal}", name="a case"):
    return f"cases:\n  - name: {name}\n    {given}\n    expect: {expect}\n"


def test_a_case_that_comes_as_expected_passes(run):
    report = run(one("{escalate: warm, route: payments, tier: gold, because: law}"))

    assert report.ok
    assert str(report) == f"1 of 1 cases as expected, policy {report.policy.revision}"


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("nothing", "expected nothing, got escalate because of law"),
        ("{escalate: cold}", "expected escalate cold, got warm"),
        ("{review: true}", "expected review True, got escalate"),
        ("{route: general}", "expected route general, got payments"),
        ("{tier: plain}", "expected tier plain, got gold"),
        ("{because: low}", "expected because low, got law"),
        ("{because: [law, low]}", "expected because law, low, got law"),
    ],
)
def test_a_case_that_comes_otherwise_says_what_was_expected_and_what_came(run, expect, difference):
    report = run(one(expect))

    (failed,) = report.failed
    assert failed.differences == (difference,)
    assert (failed.file, failed.line) == ("law.test.yml", 2)
    assert difference in str(report)
    assert "topic is legal" in str(report)


def test_right_for_the_wrong_reason_is_a_failure(run):
    report = run(one("{escalate: warm, because: low}"))

    assert not report.ok


def test_because_names_the_rule_that_decided_and_fired_any_that_held(run):
    both = "given: {topic: legal, bot_confidence: [0.5, 0.4]}"

    pinned, among = run(one("{escalate: warm, because: low}", both)), run(one("{because: law, fired: low}", both))

    assert pinned.failed[0].differences == ("expected because low, got law, low",)
    assert among.ok
    assert not run(one("{because: law, fired: [low, failed]}", both)).ok


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ("given: {bot_confidence: [0.5, 0.4]}", "{review: true, because: low}"),
        ("given: {bot_confidence: [0.5, null]}", "nothing"),
        ("given: {task_failed: 2}", "{offer: callback, because: failed}"),
        ("given: {task_failed: {a: 1, b: 1}}", "nothing"),
        ("given: {topic: [fraud, legal], unmatched: 3}", "{because: [law]}"),
        ("given: {bot_asked_for: handoff}", "nothing"),
        ("given: {customer_asked_for: human}", "nothing"),
        ("given: {}", "nothing"),
    ],
)
def test_signals_can_be_given_by_the_names_of_the_conditions(run, given, expect):
    assert run(one(expect, given)).ok


def test_a_conversation_is_judged_at_its_end(run):
    turns = """turns:
      - customer: where is my order
        confidence: 0.5
      - bot: I could not find it.
        failed: look_up
      - customer: my lawyer
        confidence: 0.3
        after: 20m"""

    report = run(one("{because: [law, low]}", turns))

    assert report.ok, str(report)


def test_the_time_of_a_case_is_its_own(run):
    turns = "turns: [{customer: hi}, {customer: my lawyer, after: 20m}]\n    at: 2026-03-06 16:50 Europe/Berlin"

    (result,) = run(one("{because: law}", turns)).results

    assert result.decision.at.isoformat() == "2026-03-06T16:10:00+00:00"


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (one("{because: lwa}"), "unknown rule 'lwa'"),
        (one("{because: [{law: yes}]}"), "unknown rule '{'law': 'yes'}'"),
        (one("{fired: lwa}"), "unknown rule 'lwa'"),
        (one("{rout: x}"), "unknown key 'rout'\n    did you mean 'route'?"),
        (one("{}"), "says nothing"),
        (one("everything"), "expected keys and values"),
        (one("nothing", "given: {topik: legal}"), "did you mean 'topic'?"),
        (one("nothing", "given: {topic: lagal}"), "did you mean 'legal'?"),
        (one("nothing", "given: {bot_confidence: 0.4}"), "'0.4' is not a value of bot_confidence"),
        (one("nothing", "given: {unmatched: many}"), "'many' is not a value of unmatched"),
        (one("nothing", "given: {}\n    at: tomorrow"), "'tomorrow' is not a time"),
        (one("nothing", "given: {}\n    at: 2026-03-06 16:50 Europe/Berln"), "is not a time"),
        (one("nothing", "turns: [{customer: a}, {customer: b, after: 1d}]"), "three things"),
        (one("nothing", "turns: [{customer: a, bot: b}]"), "expected one of customer, bot, agent, handoff or silence"),
        (one("nothing", "at: 2026-03-06"), "expected given (signals), turns (a conversation), or both"),
        ("cases: []\n", "'cases' is empty"),
        ("case: []\n", "unknown key 'case'\n    did you mean 'cases'?"),
        ("cases: [\n", "not YAML"),
    ],
)
def test_a_test_file_that_cannot_be_meant_is_refused_with_its_line(run, cases, expected):
    with pytest.raises(PolicyErrors) as wrong:
        run(cases)

    assert any(expected in str(problem) for problem in wrong.value.problems)
    assert all("law.test.yml:" in str(problem) for problem in wrong.value.problems)


def test_what_is_given_beside_turns_is_so_at_their_end(run):
    turns = "given: {bot_confidence: [0.5, 0.4], task_failed: 2}\n    turns: [{customer: hi}, {customer: my lawyer}]"

    assert run(one("{because: [law, low, failed]}", turns)).ok
