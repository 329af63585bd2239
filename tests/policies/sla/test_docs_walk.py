"""docs/sla.md alone: its files added to the starter are a sound policy, and each shown mistake is told as shown."""

import re
import shutil
from pathlib import Path

import pytest

from policies.load import load_policy
from policies.problems import PolicyErrors

ROOT = Path(__file__).resolve().parents[3]
DOC = (ROOT / "docs" / "sla.md").read_text("utf-8")


@pytest.fixture
def my_policy(tmp_path):
    """The starter with the four files of the page put in; rules that name a tier of the starter are left out."""
    folder = tmp_path / "my-policy"
    folder.mkdir()
    for name in ("routes.yml", "scripts.yml", "playbooks.yml"):
        shutil.copy(ROOT / "policies" / "starter" / name, folder)
    for name, text in re.findall(r"^`my-policy/(\S+?)`:\n\n```yaml\n(.*?)^```", DOC, re.M | re.S):
        (folder / name).write_text(text, "utf-8")
    return folder


def told(folder):
    try:
        load_policy(folder)
    except PolicyErrors as errors:
        return str(errors).replace(f"{folder}/", "my-policy/")
    return ""


def test_the_pages_files_are_a_policy_without_problems(my_policy):
    policy = load_policy(my_policy)

    assert set(policy.calendars) == {"always", "ny_support", "night_watch"}
    assert (policy.default_tier, set(policy.ladders), set(policy.rosters)) == (
        "plain",
        {"specialists", "live_desk"},
        {"sensitive", "general"},
    )
    holidays = policy.calendars["ny_support"].holidays
    assert {day.isoformat() for day in holidays} >= {"2027-06-07", "2027-07-05"}
    assert "2027-10-11" not in {day.isoformat() for day in holidays}


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("calendars.yml", "America/New_York", "America/NewYork"),
        ("calendars.yml", "09:00-15:00", "15:00-15:00"),
        ("calendars.yml", "2027-10-11", "2027-10-12"),
        ("ladders.yml", "team: sensitive", "team: sensitiv"),
        ("rosters.yml", "manager: dana", "manager: dan"),
        ("tiers.yml", "night_watch]", "nite_watch]"),
        ("tiers.yml", "within: 15m", "within: 1d"),
        ("tiers.yml", "[0.8], ladder: specialists", "[0.8], ladder: specialist"),
    ],
)
def test_each_shown_mistake_is_told_as_shown(my_policy, name, right, wrong):
    text = (my_policy / name).read_text("utf-8")
    (my_policy / name).write_text(text.replace(right, wrong, 1), "utf-8")

    said = told(my_policy)

    assert said
    assert said in DOC


def test_a_ladder_that_ends_in_nobody_is_told_as_shown(my_policy):
    ladders = my_policy / "ladders.yml"
    text = ladders.read_text("utf-8").replace("    fallback: team-chat\n", "")
    lines = [line for line in text.splitlines() if "managers" not in line]
    ladders.write_text("\n".join(lines) + "\n", "utf-8")

    first = "\n".join(told(my_policy).splitlines()[:2])

    assert "ends in nobody" in first
    assert first in DOC
