"""A changed policy folder is taken over by a running process; a broken one leaves the old policy and says so."""

import json
import logging
import shutil
from datetime import UTC, datetime

import pytest

from gateway.db.engine import Database
from gateway.db.migrate import upgrade
from gateway.db.tables import policy_revisions
from gateway.policy import PolicyHolder
from gateway.settings import STARTER_POLICY
from policies.problems import PolicyErrors

RULE = "triggers/loop.yml"


@pytest.fixture
def folder(tmp_path):
    """A copy of the starter that a test may break."""
    return shutil.copytree(STARTER_POLICY, tmp_path / "policy")


@pytest.fixture
def database(tmp_path):
    upgrade(f"sqlite:///{tmp_path / 'policy.sqlite3'}")
    database = Database(f"sqlite:///{tmp_path / 'policy.sqlite3'}")
    yield database
    database.close()


@pytest.fixture
def holder(folder, database):
    return PolicyHolder(folder, database)


def change(folder, old="times: 3", new="times: 4"):
    path = folder / RULE
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def test_a_changed_file_is_in_force_after_the_next_look(holder, folder):
    before = holder.current.revision
    change(folder)

    holder.refresh()

    assert holder.current.revision != before
    assert "times: 4" in holder.current.files[RULE]


def test_an_unchanged_folder_is_not_read_again(holder):
    policy = holder.current

    holder.refresh()

    assert holder.current is policy


def test_a_broken_file_leaves_the_old_policy_and_is_named_with_its_line(holder, folder):
    before = holder.current
    change(folder, "owner: support-ops", "ownr: support-ops")

    holder.refresh()

    assert holder.current is before
    assert {(p.file, p.line) for p in holder.problems} >= {(f"{folder}/{RULE}", 2)}


def test_a_broken_file_is_logged_once_until_it_changes_again(holder, folder, caplog):
    change(folder, "owner: support-ops", "ownr: support-ops")

    with caplog.at_level(logging.ERROR, "gateway.policy"):
        holder.refresh()
        holder.refresh()

    (record,) = caplog.records
    assert record.getMessage() == "policy_refused"
    assert f"{folder}/{RULE}:2" in record.where


def test_a_mended_file_clears_what_was_said(holder, folder):
    change(folder, "owner: support-ops", "ownr: support-ops")
    holder.refresh()
    change(folder, "ownr: support-ops", "owner: support-ops")

    holder.refresh()

    assert holder.problems == ()


def test_a_folder_that_is_gone_leaves_the_old_policy(holder, folder):
    before = holder.current
    shutil.rmtree(folder)

    holder.refresh()

    assert holder.current is before
    assert holder.problems


def test_a_folder_broken_at_the_start_is_refused(folder, database):
    change(folder, "owner: support-ops", "ownr: support-ops")

    with pytest.raises(PolicyErrors):
        PolicyHolder(folder, database)


def test_field_maps_are_no_part_of_the_policy(holder, folder):
    policy = holder.current
    (folder / "fields" / "zendesk.yml").write_text("fields: {}\n", "utf-8")

    holder.refresh()

    assert holder.current is policy


def test_readiness_names_the_broken_file_and_stays_ready(bench, folder):
    bench.env.policy = PolicyHolder(folder, bench.env.database)
    change(folder, "owner: support-ops", "ownr: support-ops")

    bench.env.policy.refresh()
    answer = bench.client.get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert any(f"{RULE}:2:" in problem for problem in answer.json["policy_refused"])


def test_every_revision_that_decided_is_kept_also_when_it_changes_between_two_turns(bench, folder):
    bench.env.policy = PolicyHolder(folder, bench.env.database)
    bench.say("where is my order?")
    change(folder)
    bench.env.policy.refresh()
    bench.say("where is my order?", "c-2")

    with bench.env.reading() as tx:
        kept = {r.revision: json.loads(r.files)[RULE] for r in tx.connection.execute(policy_revisions.select())}

    assert len(kept) == 2
    assert "times: 4" in kept[bench.env.policy.current.revision]


def test_an_old_policy_that_this_version_refuses_holds_up_no_work(holder, database, caplog):
    with database.begin() as connection:
        connection.execute(
            policy_revisions.insert().values(
                revision="old", first_used_at=datetime(2026, 3, 6, tzinfo=UTC), files=json.dumps({"routes.yml": "[]"})
            )
        )

    found = holder.at_revision("old")

    assert found is holder.current
    assert [(r.message, r.was) for r in caplog.records if r.name == "gateway.policy"] == [("old_policy_refused", "old")]
