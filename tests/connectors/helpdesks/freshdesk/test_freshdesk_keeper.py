"""Setting up and examining a Freshdesk account, against the sandbox, of which at first nothing but the key exists."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.helpdesks.freshdesk import make
from connectors.helpdesks.freshdesk.keeper import TEMPLATE, Keeper
from connectors.ports import FieldMap, HelpdeskAccount, Wanted
from connectors.sandbox.accounts import CREDENTIALS, FRESHDESK_GROUP_IDS
from connectors.sandbox.server import running_sandbox

WANTED = Wanted(
    status_url="https://gateway.example/v1/status/desk",
    webhook_token="the-webhook-token",
    routes=("orders", "billing", "moonbase"),
)


@pytest.fixture
def sandbox():
    with running_sandbox("freshdesk", fields=()) as running:
        yield running


@pytest.fixture
def account(sandbox):
    return HelpdeskAccount("desk", "freshdesk", sandbox.url, {"api_key": CREDENTIALS.api_key})


def levels(findings):
    return {finding.what.partition(":")[0]: finding.level for finding in findings}


def with_map(account, installed):
    return replace(account, field_map=FieldMap(fields=installed.fields, groups=installed.groups))


def test_a_bare_account_gets_its_fields_and_learns_its_groups(account, a_draft):
    installed = Keeper(account).install(WANTED, dry_run=False)

    assert [change.action for change in installed.changes] == ["create"] * 10
    assert installed.fields["packet_id"] == "cf_baton_packet_id"
    assert installed.own_users == ("36012000001",)
    assert installed.groups == {route: str(FRESHDESK_GROUP_IDS[route]) for route in ("orders", "billing")}
    desk = make(with_map(account, installed))
    ref = desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")
    assert desk.read_ticket(ref.ticket_id).packet_id == "pkt_1"


def test_a_second_run_changes_nothing(account, sandbox):
    first = Keeper(account).install(WANTED, dry_run=False)
    again = Keeper(account).install(WANTED, dry_run=False)

    assert {change.action for change in again.changes} == {"keep"}
    assert again.fields == first.fields


def test_a_dry_run_says_the_same_and_writes_nothing(account, sandbox):
    told = Keeper(account).install(WANTED, dry_run=True)

    assert [(change.action, change.kind) for change in told.changes] == [("create", "field")] * 10
    assert not [call for call in sandbox.state.calls() if call["method"] != "GET"]


def test_what_no_interface_does_is_told_for_a_person_without_the_token(account):
    (groups, rule) = Keeper(account).install(WANTED, dry_run=True).by_hand

    assert "moonbase" in groups
    assert WANTED.status_url in rule
    assert "X-Webhook-Token" in rule
    assert "the-webhook-token" not in rule


def test_the_template_of_the_rule_is_json_once_its_places_are_filled():
    filled = TEMPLATE.replace("{{ticket.id}}", "7")

    assert json.loads(filled)["ticket_id"] == "7"


def test_an_agent_who_may_not_make_fields_is_told_which_to_make(account, sandbox):
    sandbox.faults.add("403", method="POST", path="/api/v2/admin/*", times=None)

    installed = Keeper(account).install(WANTED, dry_run=False)

    assert not installed.fields
    assert "Baton packet id" in installed.by_hand[0]


def test_an_account_set_up_has_nothing_broken(account):
    installed = Keeper(account).install(replace(WANTED, routes=("orders",)), dry_run=False)

    findings = Keeper(with_map(account, installed)).examine(replace(WANTED, routes=("orders",)))

    assert not [finding for finding in findings if finding.level == "broken"]
    assert [finding.level for finding in findings].count("warning") == 1  # nobody can ask for the automation rule


def test_everything_wrong_is_told_at_once(account):
    field_map = FieldMap(fields={"packet_id": "cf_gone"}, groups={"orders": "1"})

    findings = Keeper(replace(account, field_map=field_map)).examine(replace(WANTED, webhook_token=None))

    broken = [finding.what for finding in findings if finding.level == "broken"]
    assert len(broken) == 3
    assert all(finding.remedy for finding in findings if finding.level == "broken")


def test_a_field_that_is_a_drop_down_is_broken(account, sandbox):
    sandbox.state.desk.account.field_types["cf_tier"] = "custom_dropdown"
    sandbox.state.desk.account.field_labels["cf_tier"] = "Tier"
    field_map = FieldMap(fields={"tier": "cf_tier"})

    findings = Keeper(replace(account, field_map=field_map)).examine(Wanted())

    assert levels(findings)["field tier"] == "broken"


def test_a_wrong_key_is_one_finding_that_shows_no_key(account):
    (finding,) = Keeper(replace(account, credentials={"api_key": "not-the-key"})).examine(WANTED)

    assert finding.level == "broken"
    assert "not-the-key" not in repr(finding)


def test_an_agent_who_does_not_see_all_tickets_is_broken(answering):
    server = answering((200, {"id": 1, "ticket_scope": 3}), (200, []))

    findings = Keeper(server.account).examine(Wanted())

    assert any("does not see all tickets" in finding.what for finding in findings if finding.level == "broken")


@pytest.mark.parametrize("fault", ["500", "503", "429", "html_200", "cut_before"])
def test_an_account_that_answers_oddly_is_a_finding_and_no_error(fault, account, sandbox):
    sandbox.faults.add(fault, times=None, body="html")

    findings = Keeper(account).examine(WANTED)

    assert [finding.level for finding in findings] in (["broken"], ["warning"])


def test_clocks_that_differ_are_told(account):
    findings = Keeper(account, now=lambda: datetime.now(UTC) + timedelta(minutes=10)).examine(Wanted())

    assert any("clock" in finding.what for finding in findings if finding.level == "warning")


def test_without_a_key_there_is_no_keeper(account):
    with pytest.raises(ValueError, match="api_key"):
        Keeper(replace(account, credentials={}))
