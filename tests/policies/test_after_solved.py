"""`after_solved` of routes.yml: reopen, or follow up, and for how long."""

from datetime import timedelta

import pytest

from policies.after_solved import AfterSolved, Comeback
from policies.load import policy_from_files
from policies.problems import PolicyErrors

ROUTES = "default: general\nroutes:\n  general: {}\n  payments: {}\n  sensitive: {}\n"


def test_without_a_word_it_is_a_follow_up_for_three_days(policy):
    assert policy({}).after_solved == Comeback(AfterSolved.FOLLOW_UP, timedelta(hours=72))


def test_the_policy_says_what_and_how_long(policy):
    found = policy({"routes.yml": ROUTES + "after_solved: {do: reopen, within: 24h}\n"})

    assert found.after_solved == Comeback(AfterSolved.REOPEN, timedelta(hours=24))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("after_solved: {do: close}", "expected reopen or follow_up, not 'close'"),
        ("after_solved: {within: 24h}", "is missing"),
        ("after_solved: {do: reopen, within: soon}", "soon"),
        ("after_solved: {do: reopen, for: 24h}", "within"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_line(files, text, expected):
    with pytest.raises(PolicyErrors) as told:
        policy_from_files(files({"routes.yml": ROUTES + text + "\n"}))

    (problem,) = (str(p) for p in told.value.problems)
    assert problem.startswith("routes.yml:6")
    assert expected in problem


def test_a_conversation_comes_back_only_within_the_time(now):
    comeback = Comeback(within=timedelta(hours=1))

    assert comeback.is_one(now - timedelta(hours=1), now)
    assert not comeback.is_one(now - timedelta(hours=1, seconds=1), now)
    assert not comeback.is_one(None, now)
