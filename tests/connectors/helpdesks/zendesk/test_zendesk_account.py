"""The client against a whole account: what its rules mean for us, and what its people do meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from connectors.errors import Throttled, Unavailable
from connectors.helpdesks.zendesk import INBOUND, make
from connectors.helpdesks.zendesk.keeper import Keeper
from connectors.oauth import MemoryTokens
from connectors.ports import FieldMap, HelpdeskAccount, Wanted, Webhook
from connectors.sandbox import accounts
from connectors.sandbox.accounts import CREDENTIALS, DEFAULT_AGENT, NEUTRAL_FIELDS
from connectors.sandbox.desk import Deed
from connectors.sandbox.server import running_sandbox
from packets.draft import ChangeKind, Priority, Requester, TicketUpdate

STATUS_URL = "http://127.0.0.1:9/v1/status/desk"
URGENT = TicketUpdate(Priority.CRITICAL, tags=("gold",), fields={"tier": "gold"})


@pytest.fixture
def zendesk():
    with running_sandbox("zendesk") as running:
        yield running


@pytest.fixture
def account(zendesk):
    return HelpdeskAccount(
        "desk",
        "zendesk",
        zendesk.url,
        {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret},
        FieldMap(fields={n: str(i) for n, i in accounts.zendesk_field_ids(NEUTRAL_FIELDS).items()}),
        timeout=timedelta(seconds=5),
        tokens=MemoryTokens(),
    )


@pytest.fixture
def desk(account):
    return make(account)


def opened(desk, draft, key="pkt_1"):
    return desk.open_ticket(desk.prepare(draft, key=key), key=key)


def act(zendesk, ref, kind, value):
    zendesk.state.act(ref.ticket_id, Deed(kind, value, DEFAULT_AGENT))


def test_a_suspended_customer_gets_a_ticket_under_an_address_nobody_has(zendesk, desk, a_draft):
    opened(desk, a_draft(requester=Requester("Suspended Customer", "Suspended@example.com")))

    (ticket,) = zendesk.tickets()
    assert ticket["requester"]["email"] == "pkt_1@customer.invalid"
    assert ticket["requester"]["name"] == "Suspended Customer"


def test_whoever_may_not_search_for_users_still_opens_tickets(zendesk, desk, a_draft):
    zendesk.faults.add("403", method="GET", path="/api/v2/users/search*")

    opened(desk, a_draft())

    assert zendesk.tickets()[0]["requester"]["email"] == "ana@example.com"


def test_a_search_for_users_that_fails_is_no_answer(zendesk, desk, a_draft):
    zendesk.faults.add("503", method="GET", path="/api/v2/users/search*", times=None)

    with pytest.raises(Unavailable):
        desk.prepare(a_draft(), key="pkt_1")


def test_a_priority_a_person_has_set_is_left_alone_and_the_rest_is_set(zendesk, desk, a_draft):
    ref = opened(desk, a_draft(priority=Priority.NORMAL))
    act(zendesk, ref, "priority", "low")

    desk.update_ticket(ref, URGENT)

    (ticket,) = zendesk.tickets()
    assert ticket["priority"] == "low"
    assert ticket["fields"]["tier"] == "gold"
    assert "gold" in ticket["tags"]


def test_a_priority_only_we_have_set_is_raised(zendesk, desk, a_draft):
    ref = opened(desk, a_draft(priority=Priority.NORMAL))
    desk.update_ticket(ref, TicketUpdate(Priority.HIGH))

    desk.update_ticket(ref, URGENT)

    assert zendesk.tickets()[0]["priority"] == "urgent"


def test_what_a_person_writes_between_our_look_and_our_write_is_not_lost(zendesk, desk, a_draft, monkeypatch):
    ref = opened(desk, a_draft(priority=Priority.NORMAL))
    zendesk.state.clock.advance(timedelta(seconds=2))  # Zendesk's lock counts in seconds
    theirs = desk._priority_is_theirs

    def and_then_somebody_is_quicker(ticket_id):
        found = theirs(ticket_id)
        act(zendesk, ref, "priority", "low")
        return found

    monkeypatch.setattr(desk, "_priority_is_theirs", and_then_somebody_is_quicker)
    with pytest.raises(Unavailable):  # the 409 of the optimistic lock: look again
        desk.update_ticket(ref, URGENT)
    monkeypatch.undo()
    desk.update_ticket(ref, URGENT)

    (ticket,) = zendesk.tickets()
    assert (ticket["priority"], ticket["fields"]["tier"]) == ("low", "gold")


def test_an_update_done_again_and_again_is_one_audit(zendesk, desk, a_draft):
    ref = opened(desk, a_draft())
    desk.update_ticket(ref, URGENT)
    audits = len(zendesk.state.desk.account.tickets[1].audits)

    for _ in range(3):
        desk.update_ticket(ref, URGENT)

    assert len(zendesk.state.desk.account.tickets[1].audits) == audits


def test_one_ticket_that_has_had_its_updates_does_not_stop_the_account(zendesk, desk, a_draft):
    first, second = opened(desk, a_draft()), opened(desk, a_draft(), key="pkt_2")
    zendesk.state.settings.limits["per-ticket-updates"] = 2
    for tier in ("a", "b"):
        desk.update_ticket(first, TicketUpdate(fields={"tier": tier}))

    with pytest.raises(Throttled) as raised:
        desk.update_ticket(first, TicketUpdate(fields={"tier": "c"}))
    desk.update_ticket(second, TicketUpdate(fields={"tier": "a"}))

    assert raised.value.whole_account is False
    assert 0 < raised.value.retry_after <= 600


@pytest.mark.parametrize("body", ["json", "text"])
def test_an_account_that_is_used_up_waits_as_a_whole_in_both_forms_of_the_answer(zendesk, desk, a_draft, body):
    draft = desk.prepare(a_draft(), key="pkt_1")
    zendesk.state.settings.limits["account"] = 1
    zendesk.state.settings.limit_body = body

    with pytest.raises(Throttled) as raised:
        desk.open_ticket(draft, key="pkt_1")

    assert raised.value.whole_account is True
    assert 0 < raised.value.retry_after <= 60


# Tokens


def granted(zendesk):
    return sum(call["path"] == "/oauth/tokens" for call in zendesk.state.calls())


def test_clients_that_share_a_store_share_a_token_and_rotate_it(zendesk, account, a_draft):
    one, other = make(account), make(account)
    opened(one, a_draft())
    opened(other, a_draft(), key="pkt_2")
    first = granted(zendesk)

    zendesk.state.desk._access._pairs.clear()  # the account has ended every token
    opened(other, a_draft(), key="pkt_3")
    opened(one, a_draft(), key="pkt_4")

    assert first == 1
    assert granted(zendesk) == 1 + 2  # the refresh that was refused, and the new grant
    assert len(zendesk.tickets()) == 4


def test_an_access_token_that_ended_is_renewed_by_its_refresh_token(zendesk, account, a_draft):
    desk = make(account)
    opened(desk, a_draft())
    (old,) = zendesk.state.desk._access._pairs

    zendesk.state.clock.advance(timedelta(hours=3))
    opened(desk, a_draft(), key="pkt_2")

    (new,) = zendesk.state.desk._access._pairs  # the old pair is deleted by the refresh
    assert new != old


# Webhooks as the keeper installs them


def installed(account, by_trigger):
    return Keeper(account).install(Wanted(status_url=STATUS_URL, by_trigger=by_trigger), dry_run=False)


def sent(zendesk, secret):
    """Every call so far as it would reach the gateway: signed, with the time of the attempt."""
    state = zendesk.state
    return [
        Webhook(
            {k.lower(): v for k, v in {**d.call.headers, **state.desk.attempt_headers(d.call, secret)}.items()},
            d.call.body,
            datetime.now(UTC),
        )
        for d in state.webhooks._deliveries
    ]


@pytest.mark.parametrize("by_trigger", [False, True])
def test_what_people_do_is_told_in_both_forms_and_our_own_doing_in_neither(zendesk, account, desk, a_draft, by_trigger):
    zendesk.state.settings.echo_own_changes = True
    known = installed(account, by_trigger)
    ref = opened(desk, a_draft())
    desk.update_ticket(ref, URGENT)
    own = frozenset(known.own_users)
    echoes = [c for w in sent(zendesk, known.webhook_secret) for c in INBOUND.parse(w, own)]
    before = len(sent(zendesk, known.webhook_secret))

    for kind, value in (("assign", DEFAULT_AGENT), ("reply", "Hello."), ("priority", "low"), ("status", "pending")):
        act(zendesk, ref, kind, value)

    told = sent(zendesk, known.webhook_secret)[before:]
    for webhook in told:
        INBOUND.verify(webhook, [known.webhook_secret])
    changes = [change for webhook in told for change in INBOUND.parse(webhook, own)]
    assert echoes == []
    assert {(c.ticket_id, c.packet_id) for c in changes} == {(ref.ticket_id, "pkt_1")}
    if by_trigger:
        assert [c.kind for c in changes] == [ChangeKind.HINT] * 4
    else:
        assert {c.kind for c in changes} == {
            ChangeKind.ASSIGNED, ChangeKind.HUMAN_REPLIED, ChangeKind.PRIORITY_CHANGED, ChangeKind.STATUS_CHANGED
        }  # fmt: skip


def test_a_ticket_that_is_not_ours_calls_no_trigger(zendesk, account):
    known = installed(account, by_trigger=True)
    agent = (f"{CREDENTIALS.email}/token", CREDENTIALS.api_token)
    ticket = {"ticket": {"comment": {"body": "help"}}}
    made = requests.post(f"{zendesk.url}/api/v2/tickets.json", json=ticket, auth=agent, timeout=5).json()["ticket"]

    zendesk.state.act(str(made["id"]), Deed("reply", "Hello.", DEFAULT_AGENT))

    assert sent(zendesk, known.webhook_secret) == []
