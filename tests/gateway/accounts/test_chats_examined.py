"""`baton doctor` on chats: the sandbox of each notifier, and names that nobody can tell."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.ports import NotifierAccount
from connectors.sandbox.chat.server import TOKEN, running_chat
from gateway.accounts.chats import examine_chat, examine_ladders
from gateway.settings import STARTER_POLICY, NotifierSettings, Settings
from policies.load import load_policy

ACCOUNT = NotifierAccount(
    "team-chat", "slack", base_url="http://127.0.0.1/api", token=TOKEN, channel="C1",
    secrets=("0123456789abcdef0123456789abcdef",), public_url="https://baton.example",
)  # fmt: skip
SANDBOX = NotifierSettings(ACCOUNT, is_sandbox=True)


@pytest.fixture(scope="module")
def policy():
    return load_policy(STARTER_POLICY)


def settings(var, **notifiers):
    return Settings(
        policies=STARTER_POLICY, database="sqlite://", redis=None, var=Path(var), sources={}, helpdesks={},
        notifiers={name.replace("_", "-"): found for name, found in notifiers.items()},
    )  # fmt: skip


def test_a_sandbox_chat_is_looked_at_where_it_runs(tmp_path):
    with running_chat("slack") as on:
        (tmp_path / "run").mkdir()
        addresses = f'{{"gateway": "x", "sandboxes": {{"notifier:team-chat": "{on.url}"}}}}'
        (tmp_path / "run" / "addresses.json").write_text(addresses, "utf-8")

        found = list(examine_chat(settings(tmp_path, team_chat=SANDBOX), SANDBOX))

    assert {finding.level for finding in found} == {"ok"}
    assert "we are baton in Sandbox" in [finding.what for finding in found]


def test_a_sandbox_chat_that_does_not_run_is_no_fault_of_the_account(tmp_path):
    (finding,) = examine_chat(settings(tmp_path, team_chat=SANDBOX), SANDBOX)

    assert (finding.level, finding.remedy) == ("warning", "`baton up` starts it")


def test_every_channel_and_person_of_the_starter_is_known_to_the_notifier_it_names(tmp_path, policy):
    found = list(examine_ladders(settings(tmp_path, team_chat=SANDBOX), policy))

    assert [finding.level for finding in found] == ["ok"]


def test_names_that_no_notifier_has_are_told_once_with_the_places_they_stand_at(tmp_path, policy):
    (finding,) = examine_ladders(settings(tmp_path), policy)

    assert finding.level == "warning"
    assert "'team-chat'" in finding.what
    assert "ladder immediate" in finding.what
    assert "notifiers" in finding.remedy


def test_one_wrong_name_of_one_person_is_found(tmp_path, policy):
    general = policy.rosters["general"]
    first = replace(general.members[0], reach="slak:U01")
    odd = replace(policy, rosters={"general": replace(general, members=(first, *general.members[1:]))})

    (finding,) = examine_ladders(settings(tmp_path, team_chat=SANDBOX), odd)

    assert finding.what.startswith("roster general tell 'slak'")
