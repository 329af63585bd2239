"""Setting up and examining a ServiceNow instance, against the sandbox, of which at first only our user exists."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.helpdesks.servicenow import make, rule
from connectors.helpdesks.servicenow.keeper import Keeper
from connectors.ports import FieldMap, HelpdeskAccount, Wanted
from connectors.sandbox.accounts import CREDENTIALS, SERVICENOW_GROUP_IDS, SERVICENOW_GUEST_ID
from connectors.sandbox.server import running_sandbox
from packets.draft import Priority

WANTED = Wanted(
    status_url="http://127.0.0.1:9/v1/status/itsm",
    webhook_token="the-webhook-token",
    routes=("orders", "billing", "moonbase"),
)
GUEST = {"caller_id": SERVICENOW_GUEST_ID}


@pytest.fixture
def sandbox():
    with running_sandbox("servicenow", fields=()) as running:
        yield running


@pytest.fixture
def account(sandbox):
    credentials = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    field_map = FieldMap(defaults=GUEST)
    return HelpdeskAccount("itsm", "servicenow", sandbox.url, credentials, field_map, timeout=timedelta(seconds=65))


def with_map(account, installed):
    return replace(account, field_map=FieldMap(installed.fields, installed.groups, GUEST))


def of_table(sandbox, table):
    return list(sandbox.state.desk.instance.tables[table].rows.values())


def test_a_bare_instance_gets_columns_rule_and_properties(account, sandbox):
    installed = Keeper(account).install(WANTED, dry_run=False)

    assert [change.action for change in installed.changes] == ["create"] * 14
    assert installed.fields["packet_id"] == "u_baton_packet_id"
    assert installed.groups == {route: SERVICENOW_GROUP_IDS[route] for route in ("orders", "billing")}
    (row,) = of_table(sandbox, "sys_script")
    assert (row["when"], row["script"]) == ("after", rule.SCRIPT)
    assert {row["name"]: row["value"] for row in of_table(sandbox, "sys_properties")} == {
        "baton.status_url": WANTED.status_url,
        "baton.webhook_token": "the-webhook-token",
    }


@pytest.mark.parametrize("credentials", [{}, {"user": CREDENTIALS.user, "password": CREDENTIALS.password}])
def test_the_login_of_our_own_user_is_learned(credentials, account):
    known = replace(account, credentials=credentials or account.credentials)

    assert Keeper(known).install(WANTED, dry_run=True).own_users == (CREDENTIALS.user,)


def test_a_handoff_fills_the_columns_that_were_made(account, sandbox, a_draft):
    desk = make(with_map(account, Keeper(account).install(WANTED, dry_run=False)))

    desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")

    (row,) = of_table(sandbox, "incident")
    assert (row["u_baton_packet_id"], row["u_baton_tier"], row["u_baton_tags"]) == ("pkt_1", "standard", "baton,orders")


def test_a_second_run_changes_nothing(account, sandbox):
    Keeper(account).install(WANTED, dry_run=False)
    again = Keeper(account).install(WANTED, dry_run=False)

    assert {change.action for change in again.changes} == {"keep"}
    assert len(of_table(sandbox, "sys_script")) == 1


def test_a_dry_run_says_the_same_and_writes_nothing(account, sandbox):
    told = Keeper(account).install(WANTED, dry_run=True)
    writes = [c for c in sandbox.state.calls() if c["method"] != "GET" and c["path"] != "/oauth_token.do"]
    done = Keeper(account).install(WANTED, dry_run=False)

    assert told.changes == done.changes
    assert not writes


def test_a_rule_somebody_changed_is_mended_and_one_switched_off_switched_on(account, sandbox):
    Keeper(account).install(WANTED, dry_run=False)
    of_table(sandbox, "sys_script")[0].update(script="// baton.status_url", active="false")

    again = Keeper(account).install(WANTED, dry_run=False)

    assert [change.name for change in again.changes if change.action == "update"] == [rule.NAME]
    assert of_table(sandbox, "sys_script")[0]["script"] == rule.SCRIPT


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("*sys_dictionary*", "may not make columns"),
        ("*sys_script*", "docs/servicenow.md"),
        ("*sys_properties*", "docs"),
    ],
)
def test_what_our_user_may_not_write_is_told_for_an_administrator(path, told, account, sandbox):
    sandbox.faults.add("403", method="POST", path=path, times=None)

    by_hand = Keeper(account).install(WANTED, dry_run=False).by_hand

    assert any(told in text for text in by_hand)
    assert "the-webhook-token" not in " ".join(by_hand)


def test_a_table_our_user_may_not_even_read_is_told_too(account, sandbox):
    sandbox.faults.add("403", method="GET", path="*sys_properties*", times=None)

    by_hand = Keeper(account).install(WANTED, dry_run=False).by_hand

    assert any("business rule" in text for text in by_hand)


def test_without_a_token_or_an_address_no_rule_is_made(account, sandbox):
    for wanted in (replace(WANTED, webhook_token=None), replace(WANTED, status_url=None)):
        assert any("No business rule" in text for text in Keeper(account).install(wanted, dry_run=False).by_hand)

    assert not of_table(sandbox, "sys_script")


def test_an_instance_set_up_is_fine(account):
    installed = Keeper(account).install(WANTED, dry_run=False)

    findings = Keeper(with_map(account, installed)).examine(replace(WANTED, routes=("orders",)))

    assert {finding.level for finding in findings} == {"ok"}


def test_everything_wrong_is_told_at_once(account):
    field_map = FieldMap({"tier": "u_gone"}, {"orders": "1" * 32}, {"caller_id": "2" * 32})

    findings = Keeper(replace(account, field_map=field_map)).examine(WANTED)

    broken = [finding for finding in findings if finding.level == "broken"]
    assert [any(word in finding.what for word in ("u_gone", "1" * 32, "guest")) for finding in broken] == [True] * 3
    assert all(finding.remedy for finding in broken)


def test_an_instance_with_its_own_priority_rules_is_told(account, sandbox):
    ours = ("2", "1")
    row = next(r for r in of_table(sandbox, "dl_u_priority") if (r["impact"], r["urgency"]) == ours)
    row["priority"] = "4"

    findings = Keeper(account).examine(Wanted())

    assert any(Priority.HIGH in f.what and "becomes 4" in f.what for f in findings if f.level == "warning")


@pytest.mark.parametrize(
    ("name", "value"), [("baton.status_url", "http://127.0.0.1:9/x"), ("baton.webhook_token", "x")]
)
def test_a_rule_that_calls_elsewhere_or_with_another_token_is_told(name, value, account, sandbox):
    Keeper(account).install(WANTED, dry_run=False)
    next(row for row in of_table(sandbox, "sys_properties") if row["name"] == name)["value"] = value

    findings = Keeper(account).examine(WANTED)

    told = [finding for finding in findings if name in finding.what]
    assert [finding.level for finding in told] in (["broken"], ["warning"])
    assert "the-webhook-token" not in repr(findings)


@pytest.mark.parametrize("table", ["sys_journal_field", "sys_dictionary", "sys_user_group", "sys_user", "sys_script"])
def test_a_table_nobody_lets_us_read_hides_no_other_finding(table, account, sandbox):
    sandbox.faults.add("403", path=f"*/{table}", times=None)

    findings = Keeper(account).examine(WANTED)

    assert any(finding.level != "ok" for finding in findings)
    assert len(findings) >= 6


def test_a_hibernating_instance_is_told_how_to_wake(account, sandbox):
    sandbox.faults.add("html_200", times=None)

    (finding,) = Keeper(replace(account, credentials={"user": "baton", "password": "x"})).examine(WANTED)

    assert finding.level == "broken"
    assert "sign in to its site to wake it" in finding.remedy


def test_a_wrong_secret_is_one_finding_that_does_not_show_it(account):
    credentials = {"client_id": CREDENTIALS.client_id, "client_secret": "not-the-secret"}

    (finding,) = Keeper(replace(account, credentials=credentials)).examine(WANTED)

    assert finding.level == "broken"
    assert "not-the-secret" not in repr(finding)


def test_a_time_out_shorter_than_the_instances_own_is_told(account):
    findings = Keeper(replace(account, timeout=timedelta(seconds=30))).examine(Wanted())

    assert any("65s" in finding.remedy for finding in findings if finding.level == "warning")
