"""`baton sla apply`: a changed policy on clocks that run, in simulated time, on both databases."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli, sla
from gateway.db.tables import ladder_runs, sla_facts
from gateway.settings import STARTER_POLICY
from gateway.sla import applying
from gateway.sla.applying import apply_policy
from gateway.sla.previewing import preview
from policies.sla.within import Seconds

DOC = (Path(__file__).resolve().parents[3] / "docs" / "sla.md").read_text("utf-8")
MINUTE = 60


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'baton.sqlite3'}"
    return request.getfixturevalue("postgres_url")


def a_policy(desk, seconds, revision="changed", **target):
    """The one in force, with another time for the first answer in tier `short`."""
    policy = desk.bench.env.policy.current
    short = policy.tier("short")
    first = replace(short.targets["first_human_response"], within=Seconds(seconds), **target)
    tiers = {**policy.tiers, "short": replace(short, targets={**short.targets, first.metric: first})}
    return replace(policy, tiers=tiers, revision=revision)


def put(desk, policy, mode):
    return apply_policy(desk.bench.env, policy, mode)


def test_recomputed_a_clock_has_the_new_target_from_its_start(desk):
    handoff_id = desk.hand_off()
    start = desk.handoff(handoff_id).promised_at
    desk.pass_by(20 * MINUTE)

    found = put(desk, a_policy(desk, 30 * MINUTE), "open_recompute")

    assert [(one.handoff_id, one.metric) for one in found.moved] == [(handoff_id, "first_human_response")]
    assert desk.clock_of(handoff_id).due_at == start + timedelta(minutes=30)
    assert desk.handoff(handoff_id).respond_by == start + timedelta(minutes=30)


def test_from_now_a_missed_clock_begins_its_ladder_and_new_only_changes_nothing_that_runs(desk):
    handoff_id = desk.hand_off()
    desk.pass_by(20 * MINUTE)
    due = desk.clock_of(handoff_id).due_at

    new_only = put(desk, a_policy(desk, 10 * MINUTE), "new_only")
    stayed = desk.clock_of(handoff_id).due_at
    desk.pass_by(1)
    from_now = put(desk, a_policy(desk, 5 * MINUTE, "changed-again"), "open_from_now")

    assert (new_only.moved, stayed) == ((), due)
    assert [one.moved.becomes_missed for one in from_now.moved] == [True]
    assert ("breached", "") in desk.effects(handoff_id)
    assert desk.bench.count(ladder_runs) == 1


def test_a_tier_may_say_that_a_change_of_the_policy_calls_nobody(desk):
    handoff_id = desk.hand_off()
    desk.pass_by(20 * MINUTE)

    put(desk, a_policy(desk, 10 * MINUTE, ladder_on_policy_change=False), "open_recompute")

    assert ("breached", "") in desk.effects(handoff_id)
    assert desk.bench.count(ladder_runs) == 0


def test_a_second_time_nothing_is_recorded_and_the_way_back_is_another_change(desk):
    handoff_id = desk.hand_off()
    before = desk.bench.env.policy.current
    due = desk.clock_of(handoff_id).due_at
    desk.pass_by(5 * MINUTE)
    put(desk, a_policy(desk, 30 * MINUTE), "open_recompute")
    facts = desk.bench.count(sla_facts)

    again = put(desk, a_policy(desk, 30 * MINUTE), "open_recompute")
    same_facts = desk.bench.count(sla_facts)
    desk.pass_by(1)
    back = put(desk, before, "open_recompute")

    assert (again.edited, again.moved, same_facts) == (0, (), facts)
    assert back.edited == 1
    assert desk.clock_of(handoff_id).due_at == due


def test_another_revision_that_promises_the_same_is_no_change(desk):
    desk.hand_off()

    found = put(desk, replace(desk.bench.env.policy.current, revision="only rules changed"), "open_recompute")

    assert found.looked_at > 0
    assert found.edited == 0


def test_a_stopped_clock_is_never_touched(desk):
    handoff_id = desk.hand_off()
    desk.clock.forward(minutes=20)
    desk.does("reply", "Hello, this is Dana.")
    stopped = desk.clock_of(handoff_id)

    found = put(desk, a_policy(desk, 10 * MINUTE), "open_recompute")

    assert (stopped.state, desk.clock_of(handoff_id)) == ("met", stopped)
    assert found.edited == 0
    assert ("breached", "") not in desk.effects(handoff_id)


def test_broken_off_it_goes_on_where_it_was(desk, monkeypatch):
    first, second = desk.hand_off(who="c-1"), desk.hand_off(who="c-2")
    desk.pass_by(5 * MINUTE)
    whole, done = applying.apply_to_handoff, []

    def dies(tx, handoff_id, *rest):
        if done:
            raise KeyboardInterrupt
        done.append(handoff_id)
        return whole(tx, handoff_id, *rest)

    monkeypatch.setattr(applying, "apply_to_handoff", dies)
    with pytest.raises(KeyboardInterrupt):
        put(desk, a_policy(desk, 30 * MINUTE), "open_recompute")
    monkeypatch.undo()

    found = put(desk, a_policy(desk, 30 * MINUTE), "open_recompute")

    assert {done[0], *(one.handoff_id for one in found.moved)} == {first, second}
    assert [one.handoff_id for one in found.moved] != [done[0]]
    assert desk.clock_of(first).target_seconds == desk.clock_of(second).target_seconds == 30 * MINUTE


def test_it_does_what_the_preview_said(desk):
    for number in range(3):
        desk.hand_off(who=f"c-{number}")
        desk.pass_by(7 * MINUTE)
    policy = a_policy(desk, 10 * MINUTE)
    with desk.bench.env.reading() as tx:
        foretold = preview(tx, policy, mode="open_from_now", now=desk.clock.now)

    found = put(desk, policy, "open_from_now")

    assert len(found.moved) == 3
    assert sorted(found.moved, key=str) == sorted(foretold.moved, key=str)


def command(desk, monkeypatch, *arguments):
    monkeypatch.setattr(sla, "environment", lambda _: desk.bench.env)
    return CliRunner().invoke(cli, ["sla", "apply", *map(str, arguments)])


def a_folder(tmp_path):
    """The starter, with 30 minutes for the first answer in tier `short`."""
    folder = tmp_path / "my-policy"
    shutil.copytree(STARTER_POLICY, folder)
    text = (folder / "tiers.yml").read_text("utf-8")
    changed = text.replace("{within: 1h, warn: [0.5, 0.8],", "{within: 30m, warn: [0.8],")
    assert changed != text
    (folder / "tiers.yml").write_text(changed, "utf-8")
    return folder


def test_a_folder_that_is_not_in_force_is_refused_and_a_dry_run_previews_it(desk, monkeypatch, tmp_path):
    desk.hand_off()
    desk.pass_by(5 * MINUTE)
    folder, facts = a_folder(tmp_path), desk.bench.count(sla_facts)

    refused = command(desk, monkeypatch, folder, "--mode", "open_recompute")
    dry = command(desk, monkeypatch, folder, "--mode", "open_recompute", "--dry-run")

    assert refused.exit_code == 1
    assert "put the folder in force first" in refused.output
    assert "open clocks that would move (open_recompute): 1" in dry.output
    assert desk.bench.count(sla_facts) == facts


def test_put_in_force_it_is_applied_as_the_page_shows(desk, monkeypatch, tmp_path):
    desk.hand_off()
    desk.pass_by(5 * MINUTE)
    folder = a_folder(tmp_path)
    monkeypatch.setattr(desk.bench.env.policy, "_current", sla.load_policy(folder))
    shown = DOC.split("$ baton sla apply my-policy --mode open_recompute\n")[1].split("```")[0]

    found = command(desk, monkeypatch, folder, "--mode", "open_recompute")

    def shape(text):
        return re.sub(r"\d+", "0", re.sub(r"hof_\w+", "hof", text)).split("\n")

    assert found.exit_code == 0, found.output
    assert shape(found.output) == shape(shown)
