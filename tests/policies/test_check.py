from policies.check import check_policy

FIRES = "  - {name: fires, given: {topic: legal}, expect: {because: law}}\n"
NEAR_MISS = "  - {name: near miss, given: {topic: fraud}, expect: nothing}\n"


def told(where):
    return [str(problem).removeprefix(f"{where}/") for problem in check_policy(where)]


def test_a_rule_with_a_firing_case_and_a_near_miss_is_fine(folder, rule):
    assert told(folder({"law.yml": rule("law"), "law.test.yml": "cases:\n" + FIRES + NEAR_MISS})) == []


def test_a_rule_without_a_test_is_told(folder, rule):
    assert told(folder({"law.yml": rule("law")})) == [
        "law.yml: rule 'law' has no test\n    write law.test.yml beside it"
    ]


def test_a_rule_without_a_near_miss_is_told(folder, rule):
    (problem,) = told(folder({"law.yml": rule("law"), "law.test.yml": "cases:\n" + FIRES}))

    assert problem.startswith("law.test.yml: rule 'law' has no near miss")


def test_a_locked_rule_that_no_case_makes_fire_is_told(folder, rule):
    (problem,) = told(folder({"locked/law.yml": rule("law"), "locked/law.test.yml": "cases:\n" + NEAR_MISS}))

    assert problem.startswith("locked/law.test.yml: no case shows locked rule 'law' fire")


def test_a_case_that_fails_proves_nothing(folder, rule):
    wrong = "  - {name: wrong, given: {topic: legal}, expect: {because: law, route: sensitive}}\n"

    (problem,) = told(folder({"law.yml": rule("law"), "law.test.yml": "cases:\n" + wrong + NEAR_MISS}))

    assert "no case shows rule 'law' fire" in problem


def test_a_test_file_without_its_rule_is_told(folder):
    (problem,) = told(folder({"gone.test.yml": "cases:\n" + NEAR_MISS}))

    assert problem.startswith("gone.test.yml: there is no rule gone.yml")


def test_a_policy_that_does_not_load_has_its_load_problems(folder, rule):
    (problem,) = told(folder({"law.yml": rule("law", when="{topik: legal}")}))

    assert problem.startswith("law.yml:4: unknown condition 'topik'")


def test_a_broken_test_file_is_told_once(folder, rule):
    (problem,) = told(folder({"law.yml": rule("law"), "law.test.yml": "cases: [\n"}))

    assert problem.startswith("law.test.yml:")
