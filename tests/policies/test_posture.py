import pytest

from policies.load import PolicyErrors, policy_from_files

BOTH = "{unmatched: {times: {conservative: 2, balanced: 3}}}"
DEEP = "{all: [{topic: legal}, {not: {bot_confidence: {below: {conservative: 0.5, balanced: 0.3}, for: 1 turn}}}]}"


@pytest.fixture
def problems(files, rule):
    def told(when, posture="posture: balanced\n", name="r.yml"):
        with pytest.raises(PolicyErrors) as error:
            policy_from_files(files({name: rule(when=when), "posture.yml": posture}))
        return [str(problem) for problem in error.value.problems]

    return told


@pytest.mark.parametrize(("posture", "times"), [("conservative", 2), ("balanced", 3)])
def test_the_posture_says_which_value_holds(policy, rule, posture, times):
    made = policy({"r.yml": rule(when=BOTH), "posture.yml": f"posture: {posture}\n"})

    assert made.rules[0].when.arguments == (times,)


def test_values_deep_inside_are_chosen_too(policy, rule):
    made = policy({"r.yml": rule(when=DEEP), "posture.yml": "posture: balanced\n"})

    assert made.rules[0].when.parts[1].parts[0].arguments == (0.3, 1)


def test_changing_the_posture_changes_the_revision(policy, rule):
    one = policy({"r.yml": rule(when=BOTH), "posture.yml": "posture: balanced\n"})
    other = policy({"r.yml": rule(when=BOTH), "posture.yml": "posture: conservative\n"})

    assert one.revision != other.revision


def test_a_policy_without_such_values_needs_no_posture(policy, rule):
    assert len(policy({"r.yml": rule()}).rules) == 1


def test_values_for_each_posture_need_the_file_that_says_which_holds(problems):
    (told,) = problems(BOTH, posture=None)

    assert told.startswith("r.yml:4: a value for each posture, and posture.yml is missing")


def test_each_posture_needs_a_value(problems):
    (told,) = problems("{unmatched: {times: {balanced: 3}}}")

    assert told.startswith("r.yml:4: there is no value for posture 'conservative'")


def test_a_misspelt_posture_is_told_where_a_value_stands_for_it(problems):
    (told,) = problems("{unmatched: {times: {conservativ: 2, balanced: 3}}}")

    assert told == "r.yml:4: unknown posture 'conservativ'\n    did you mean 'conservative'?"


def test_the_value_of_the_posture_that_does_not_hold_must_fit_too(problems):
    (told,) = problems("{unmatched: {times: {conservative: 0, balanced: 3}}}")

    assert told == "r.yml:4: expected a whole number, 1 or more, not '0'"


def test_what_is_wrong_under_both_is_told_once(problems):
    told = problems("{all: [{topic: lagal}, {unmatched: {times: {conservative: 2, balanced: 3}}}]}")

    assert len(told) == 1


def test_a_locked_rule_has_no_posture(problems):
    (told,) = problems(BOTH, name="locked/r.yml")

    assert told.startswith("locked/r.yml:4: a locked rule has no posture: nothing moves it")


def test_an_unknown_posture_is_told_once_and_rules_are_not_blamed(problems):
    (told,) = problems(BOTH, posture="posture: bold\n")

    assert told == "posture.yml:1: expected conservative or balanced, not 'bold'"


def test_the_starter_is_conservative_and_sound_when_balanced(starter):
    balanced = policy_from_files({**starter.files, "posture.yml": "posture: balanced\n"})
    told = {
        posture: next(r for r in made.rules if r.id == "low-confidence").when.arguments
        for posture, made in (("now", starter), ("balanced", balanced))
    }

    assert told == {"now": (0.55, 2), "balanced": (0.4, 2)}
