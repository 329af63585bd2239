"""Zendesk's keeper against a sandbox: what it finds wrong, what it makes, and that it makes nothing twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Unauthorized
from connectors.helpdesks.zendesk import needs
from connectors.helpdesks.zendesk.keeper import Keeper
from connectors.ports import FieldMap, HelpdeskAccount, Wanted
from connectors.registry import make_keeper
from connectors.sandbox import accounts
from connectors.sandbox.accounts import CREDENTIALS, NEUTRAL_FIELDS, ROUTES
from connectors.sandbox.server import running_sandbox
from connectors.sandbox.zendesk import subscriptions
from connectors.sandbox.zendesk.refusals import invalid_field

OAUTH = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
URL = "http://127.0.0.1:9/v1/status/desk"
WANTED = Wanted(status_url=URL, routes=("orders", "support"))
FULL_MAP = FieldMap(
    fields={name: str(number) for name, number in accounts.zendesk_field_ids(NEUTRAL_FIELDS).items()},
    groups={route: str(number) for route, number in accounts.ZENDESK_GROUP_IDS.items()},
)


@pytest.fixture
def bare():
    with running_sandbox("zendesk", bare=True) as running:
        yield running


@pytest.fixture
def full():
    with running_sandbox("zendesk") as running:
        yield running


def keeper(sandbox, credentials=OAUTH, now=None, **account):
    standard = {"timeout": timedelta(seconds=5), "field_map": FieldMap(), **account}
    made = HelpdeskAccount("desk", "zendesk", sandbox.url, credentials, **standard)
    return Keeper(made, **({"now": now} if now else {}))


def learned(installed):
    return FieldMap(fields=installed.fields, groups=installed.groups)


def writes(sandbox):
    return [c for c in sandbox.state.calls() if c["method"] != "GET" and c["path"] != "/oauth/tokens"]


def told(findings, level="broken"):
    return "\n".join(finding.what for finding in findings if finding.level == level)


def ready(sandbox, **changes):
    """An account after setup: a keeper that knows what was learned, and what is wanted of it."""
    installed = keeper(sandbox).install(replace(WANTED, **changes), dry_run=False)
    known = replace(WANTED, webhook_secrets=(installed.webhook_secret,), **changes)
    return keeper(sandbox, field_map=learned(installed)), known


def webhook_of(sandbox):
    desk = sandbox.state.desk
    (found,) = desk._subscriptions._webhooks.values()
    return found


def test_the_registry_knows_it(bare):
    account = HelpdeskAccount("desk", "zendesk", bare.url, OAUTH)

    assert make_keeper(account).name == "zendesk"


def test_our_fields_are_those_of_a_packet():
    assert set(needs.FIELDS) == set(NEUTRAL_FIELDS)


def test_a_bare_account_gets_all_it_needs(bare):
    installed = keeper(bare).install(WANTED, dry_run=False)

    assert set(installed.fields) == set(needs.FIELDS)
    assert installed.groups == {
        "support": str(accounts.ZENDESK_GROUP_IDS["support"]),
        "default": installed.groups["support"],
    }
    assert installed.own_users == (str(accounts.zendesk_user_id(accounts.SERVICE_USER)),)
    assert "orders" in installed.by_hand[0]
    assert webhook_of(bare)["subscriptions"] == list(needs.SUBSCRIPTIONS)
    assert installed.webhook_secret not in repr(installed)


def test_a_second_run_changes_nothing(bare):
    first = keeper(bare).install(WANTED, dry_run=False)
    done = len(writes(bare))

    second = keeper(bare, field_map=learned(first)).install(WANTED, dry_run=False)
    unlearned = keeper(bare).install(WANTED, dry_run=False)  # the field map was lost: found again by title

    assert len(writes(bare)) == done
    assert {change.action for change in (*second.changes, *unlearned.changes)} == {"keep"}
    assert (second.fields, second.webhook_secret) == (unlearned.fields, unlearned.webhook_secret)


def test_a_dry_run_tells_the_same_and_writes_nothing(bare):
    dry = keeper(bare).install(replace(WANTED, by_trigger=True), dry_run=True)

    assert writes(bare) == []
    real = keeper(bare).install(replace(WANTED, by_trigger=True), dry_run=False)
    assert dry.changes == real.changes
    assert dry.webhook_secret is None


@pytest.mark.parametrize("nth", range(1, 13))
def test_a_setup_that_was_cut_anywhere_goes_on_without_making_anything_twice(bare, nth):
    bare.faults.add("cut_after", method="POST", path="/api/v2/*", nth=nth)
    wanted = replace(WANTED, by_trigger=True)
    with pytest.raises(Exception, match="lost before the answer"):
        keeper(bare).install(wanted, dry_run=False)

    installed = keeper(bare).install(wanted, dry_run=False)

    made = [call["path"].removesuffix(".json") for call in writes(bare)]
    assert made.count("/api/v2/ticket_fields") == len(needs.FIELDS)
    assert (made.count("/api/v2/webhooks"), made.count("/api/v2/triggers")) == (1, 1)
    assert set(installed.fields) == set(needs.FIELDS)


def test_a_field_of_the_wrong_kind_with_our_title_is_left_alone(bare):
    mine = bare.state.desk.account
    mine.add_field({"id": 77, "title": "Baton tier", "type": "checkbox", "active": True})

    installed = keeper(bare).install(WANTED, dry_run=False)

    assert installed.fields["tier"] != "77"
    assert mine.field_shapes[77]["type"] == "checkbox"


def test_a_webhook_that_was_switched_off_and_cut_down_is_mended(bare):
    known, wanted = ready(bare)
    webhook_of(bare).update(
        status="inactive", subscriptions=["zen:event-type:ticket.status_changed", "zen:event-type:x.y"]
    )

    installed = known.install(wanted, dry_run=False)

    assert [c.action for c in installed.changes if c.kind == "webhook"] == ["update"]
    assert webhook_of(bare)["status"] == "active"
    assert set(webhook_of(bare)["subscriptions"]) >= {*needs.SUBSCRIPTIONS, "zen:event-type:x.y"} - {needs.UNCERTAIN}


def test_an_account_that_refuses_the_uncertain_event_gets_a_webhook_without_it(bare, monkeypatch):
    checked = subscriptions._checked_subscriptions

    def stricter(events):
        if needs.UNCERTAIN in events:
            raise invalid_field("subscriptions", "Subscriptions: is invalid")
        return checked(events)

    monkeypatch.setattr(subscriptions, "_checked_subscriptions", stricter)

    keeper(bare).install(WANTED, dry_run=False)

    assert set(webhook_of(bare)["subscriptions"]) == {*needs.SUBSCRIPTIONS} - {needs.UNCERTAIN}


def test_a_webhook_nobody_allows_us_to_make_is_not_tried_otherwise(bare):
    bare.faults.add("403", method="POST", path="/api/v2/webhooks")

    with pytest.raises(Unauthorized):
        keeper(bare).install(WANTED, dry_run=False)

    assert bare.state.desk._subscriptions._webhooks == {}


def test_after_setup_nothing_is_wrong(bare):
    known, wanted = ready(bare)

    findings = known.examine(wanted)

    assert (told(findings), told(findings, "warning")) == ("", "")


def test_by_trigger_a_trigger_calls_the_webhook_and_nothing_is_wrong(bare):
    known, wanted = ready(bare, by_trigger=True)

    findings = known.examine(wanted)

    assert told(findings) == ""
    assert webhook_of(bare)["subscriptions"] == ["conditional_ticket_events"]


def test_a_trigger_somebody_has_edited_is_told_and_mended(bare):
    known, wanted = ready(bare, by_trigger=True)
    (trigger,) = bare.state.desk._triggers._triggers.values()
    trigger.update(
        title="Tell Baton (do not touch)",
        actions=[{"field": "notification_webhook", "value": [webhook_of(bare)["id"], "{{ticket.title}}"]}],
    )

    ill = told(known.examine(wanted))
    known.install(wanted, dry_run=False)

    assert "not the JSON it was" in ill
    assert trigger["title"] == "Tell Baton (do not touch)"
    assert told(known.examine(wanted)) == ""


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"client_id": "sandbox", "client_secret": "wrong"}, "no access token"),
        ({"email": CREDENTIALS.email, "api_token": "wrong"}, "check the credential"),
        ({"email": "nobody@example.com", "api_token": CREDENTIALS.api_token}, "check the credential"),
    ],
)
def test_a_wrong_credential_is_told_alone_and_without_itself(full, credentials, words):
    (finding,) = keeper(full, credentials).examine(WANTED)

    assert finding.level == "broken"
    assert words in finding.what
    assert "baton.yml" in finding.remedy
    assert "wrong" not in finding.what + finding.remedy


def test_an_api_token_works_and_is_told_to_end(full):
    findings = keeper(
        full, {"email": CREDENTIALS.email, "api_token": CREDENTIALS.api_token}, field_map=FULL_MAP
    ).examine(Wanted())

    assert "30 April 2027" in told(findings, "warning")
    assert told(findings) == ""


def test_a_token_without_write_is_told(full):
    client = keeper(full, field_map=FULL_MAP)
    grant = full.state.desk._access
    original = grant._new_pair
    grant._new_pair = lambda sent, scope: original(sent, "read")

    assert "lacks the scope write" in told(client.examine(Wanted()))


@pytest.mark.parametrize(("seconds", "level"), [(10, "ok"), (-100, "warning"), (400, "broken")])
def test_clocks_that_differ_are_told(full, seconds, level):
    now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: E731

    findings = keeper(full, field_map=FULL_MAP, now=now).examine(Wanted())

    assert "clock" in told(findings, level)


def test_fields_that_are_gone_off_or_of_another_type_are_told_each(full):
    account = full.state.desk.account
    for number, changes in ((900_004, {"type": "tagger"}), (900_005, {"active": False})):
        shape = {"id": number, "title": "x", "type": "text", "active": True, **changes}
        account.field_shapes[number] = shape
    field_map = replace(FULL_MAP, fields={**FULL_MAP.fields, "reason": "12345"})

    ill = told(keeper(full, field_map=field_map).examine(Wanted()))

    assert "field reason: the account has no ticket field 12345" in ill
    assert "field tier: ticket field 900004 is of type tagger" in ill
    assert "field respond_by: ticket field 900005 is switched off" in ill


def test_a_group_that_is_not_there_is_told(full):
    field_map = replace(FULL_MAP, groups={"orders": "1"})

    findings = keeper(full, field_map=field_map).examine(Wanted(routes=ROUTES))

    assert "group orders: the account has no group 1" in told(findings)
    assert "routes without a group" in told(findings, "warning")


def test_a_webhook_signed_with_another_secret_is_told(bare):
    known, wanted = ready(bare)

    ill = told(known.examine(replace(wanted, webhook_secrets=("another",))))

    assert "a secret the gateway does not know" in ill
    assert wanted.webhook_secrets[0] not in ill


@pytest.mark.parametrize(
    ("status", "words"), [(401, "was answered 401"), (404, "was answered 404"), (None, "got no answer"), (200, "")]
)
def test_a_webhook_whose_newest_delivery_failed_is_told(bare, status, words):
    known, wanted = ready(bare)
    there = bare.state.desk._subscriptions
    there.recorder(webhook_of(bare)["id"], "INVOCATION", lambda: datetime.now(UTC))(status)

    assert words in told(known.examine(wanted))


def test_a_helpdesk_that_is_ill_is_told_and_nothing_raises(full):
    for kind in ("html_200", "503", "429", "cut_before"):
        full.faults.clear()
        full.faults.add(kind, method="GET", path="/api/v2/ticket_fields*", times=None)

        findings = keeper(full, field_map=FULL_MAP).examine(Wanted())

        assert "ticket fields could not be looked at" in "\n".join(f.what for f in findings)


def test_without_an_address_no_webhook_is_made_and_that_is_said(bare):
    installed = keeper(bare).install(Wanted(), dry_run=False)

    assert installed.webhook_secret is None
    assert "public_url" in installed.by_hand[-1]
    assert bare.state.desk._subscriptions._webhooks == {}
