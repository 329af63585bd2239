"""The ServiceNow client against the sandbox instance, which shares no code with it: the whole way, and the bad days."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Refused, Throttled, Unauthorized, Unsure
from connectors.helpdesks.servicenow import INBOUND, make
from connectors.ports import FieldMap, HelpdeskAccount, Webhook
from connectors.sandbox.accounts import CREDENTIALS, SERVICENOW_COLUMNS, SERVICENOW_GROUP_IDS, SERVICENOW_GUEST_ID
from connectors.sandbox.desk import Deed
from connectors.sandbox.server import running_sandbox
from packets.draft import ChangeKind, Priority, Requester, TicketStatus, TicketUpdate

OAUTH = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
PASSWORD = {"user": CREDENTIALS.user, "password": CREDENTIALS.password}
SINCE = datetime(2026, 3, 6, tzinfo=UTC)


@pytest.fixture
def sandbox():
    with running_sandbox("servicenow") as running:
        yield running


@pytest.fixture
def account(sandbox):
    def build(**changes):
        field_map = FieldMap(SERVICENOW_COLUMNS, SERVICENOW_GROUP_IDS, {"caller_id": SERVICENOW_GUEST_ID})
        standard = {"name": "itsm", "kind": "servicenow", "base_url": sandbox.url, "credentials": OAUTH}
        standard |= {"field_map": field_map, "timeout": timedelta(seconds=5)}
        return HelpdeskAccount(**{**standard, **changes})

    return build


@pytest.fixture
def desk(account):
    return make(account())


def open_one(desk, draft, key="pkt_1"):
    return desk.open_ticket(desk.prepare(draft, key=key), key=key)


@pytest.mark.parametrize("credentials", [OAUTH, PASSWORD])
def test_a_handoff_becomes_one_incident_that_tells_the_agent_everything(credentials, sandbox, account, a_draft, caplog):
    desk = make(account(credentials=credentials))
    draft = a_draft()

    ref = open_one(desk, draft)
    desk.complete_ticket(ref, draft, key="pkt_1")

    (ticket,) = sandbox.tickets()
    assert (ticket["id"], ticket["number"], ticket["key"]) == (ref.ticket_id, ref.number, "pkt_1")
    assert ticket["subject"] == draft.subject
    assert ticket["priority"] == "2 - High"
    assert ticket["requester"]["name"] == "Ana Ruiz"
    assert ticket["group"] == "orders"
    assert ticket["fields"]["packet_id"] == "pkt_1"
    assert ticket["fields"]["tier"] == "standard"
    assert len(ticket["private_notes"]) == 1
    assert "two failed look-ups" in ticket["private_notes"][0]
    assert ticket["public_texts"] == [draft.public_text]
    assert "servicenow_" not in caplog.text  # nothing was dropped, rated otherwise or unreadable


def test_a_customer_nobody_knows_is_named_in_the_guests_incident(sandbox, desk, a_draft):
    open_one(desk, a_draft(requester=Requester("Bo Li", "bo@example.org", "+4930123456")))

    (ticket,) = sandbox.tickets()
    assert ticket["requester"]["name"] == "Guest"
    assert "Customer: Bo Li\nE-mail: bo@example.org\nPhone: +4930123456" in ticket["public_texts"][0]


def test_completing_twice_adds_nothing(sandbox, desk, a_draft):
    draft = a_draft(note_text="x" * 40_000)
    ref = open_one(desk, draft)

    for _ in range(2):
        desk.complete_ticket(ref, draft, key="pkt_1")

    (ticket,) = sandbox.tickets()
    assert len(ticket["private_notes"]) == 1
    assert [(file["name"], file["content"]) for file in ticket["attachments"]] == [
        ("transcript.txt", "Customer: where is it?\n")
    ]


@pytest.mark.parametrize("fault", ["cut_after", "500_after", "cancelled_after", "html_200", "cut_before", "503"])
def test_after_a_create_call_nobody_answered_the_look_up_tells_what_happened(fault, sandbox, desk, a_draft):
    open_one(desk, a_draft(), key="pkt_0")
    sandbox.faults.add(fault, method="POST", path="/api/now/table/incident")

    with pytest.raises(Unsure):
        open_one(desk, a_draft())
    found = desk.find_tickets(a_draft(), key="pkt_1", since=SINCE)

    assert [ref.ticket_id for ref in found] == [t["id"] for t in sandbox.tickets() if t["key"] == "pkt_1"]
    assert len(found) == (1 if fault.endswith("_after") else 0)


def test_two_incidents_of_one_packet_are_both_found_oldest_first(sandbox, desk, a_draft):
    body = desk.prepare(a_draft(), key="pkt_1")
    for _ in range(2):
        desk.open_ticket(body, key="pkt_1")

    found = desk.find_tickets(a_draft(), key="pkt_1", since=SINCE)

    assert len(found) == 2
    assert {ref.ticket_id for ref in found} == {ticket["id"] for ticket in sandbox.tickets()}


def test_a_limit_without_a_word_on_how_long_waits_a_minute(sandbox, desk, a_draft):
    sandbox.faults.add("429", method="POST", path="/api/now/*", retry_after=None, body="text")

    with pytest.raises(Throttled) as caught:
        open_one(desk, a_draft())

    assert caught.value.retry_after == 60


def test_a_token_that_ended_early_is_renewed_unnoticed(sandbox, desk, a_draft):
    desk.find_tickets(a_draft(), key="pkt_1", since=SINCE)
    sandbox.faults.add("401", path="/api/now/*")

    open_one(desk, a_draft())

    assert len(sandbox.tickets()) == 1


@pytest.mark.parametrize("wrong", [{"client_id": "x", "client_secret": "y"}, {"user": "x", "password": "y"}])
def test_a_wrong_credential_stops_the_account(wrong, account, a_draft):
    with pytest.raises(Unauthorized):
        make(account(credentials=wrong)).find_tickets(a_draft(), key="pkt_1", since=SINCE)


def test_a_closed_incident_refuses_one_change_and_not_the_account(sandbox, desk, a_draft):
    ref = open_one(desk, a_draft())
    sandbox.state.act(ref.ticket_id, Deed("status", "Closed", "Dana Agent"))

    with pytest.raises(Refused, match="access rule") as caught:
        desk.update_ticket(ref, TicketUpdate(Priority.CRITICAL))

    assert not isinstance(caught.value, Unauthorized)


def test_an_update_moves_the_priority_by_impact_and_urgency(sandbox, desk, a_draft):
    ref = open_one(desk, a_draft())
    update = TicketUpdate(Priority.CRITICAL, tags=("left-out",), fields={"tier": "gold"})

    desk.update_ticket(ref, update)
    desk.update_ticket(ref, update)

    (ticket,) = sandbox.tickets()
    assert ticket["priority"] == "1 - Critical"
    assert ticket["fields"]["tier"] == "gold"
    assert [call["method"] for call in sandbox.state.calls()].count("PATCH") == 1


def test_what_people_do_is_read_from_the_incident(sandbox, desk, a_draft):
    ref = open_one(desk, a_draft())
    desk.complete_ticket(ref, a_draft(), key="pkt_1")
    before = desk.read_ticket(ref.ticket_id)

    sandbox.state.act(ref.ticket_id, Deed("reply", "We found it.", "Dana Agent"))
    sandbox.state.act(ref.ticket_id, Deed("status", "Resolved", "Dana Agent"))
    after = desk.read_ticket(ref.ticket_id)

    assert (before.status, before.priority) == (TicketStatus.NEW, Priority.HIGH)
    assert (before.first_human_reply_at, before.solved_at) == (None, None)
    assert after.status is TicketStatus.SOLVED
    assert after.first_human_reply_at is not None
    assert after.solved_at is not None


@pytest.mark.parametrize(
    ("deed", "kind", "status"),
    [
        (Deed("reply", "We found it.", "Dana Agent"), ChangeKind.HUMAN_REPLIED, TicketStatus.NEW),
        (Deed("status", "Resolved", "Dana Agent"), ChangeKind.STATUS_CHANGED, TicketStatus.SOLVED),
        (Deed("priority", "Low", "Dana Agent"), ChangeKind.PRIORITY_CHANGED, TicketStatus.NEW),
    ],
)
def test_a_business_rules_call_tells_what_people_did(deed, kind, status, sandbox, desk, a_draft):
    ref = open_one(desk, a_draft())
    inside = sandbox.sandbox.desk

    with sandbox.sandbox.lock:
        inside.act(ref.ticket_id, deed)
        (call,) = inside.take_calls()
    headers = {**call.headers, **inside.attempt_headers(call, "the-token")}
    webhook = Webhook({name.lower(): value for name, value in headers.items()}, call.body, datetime.now(UTC))

    assert INBOUND.verify(webhook, ["the-token"]).dedupe_key
    (change,) = INBOUND.parse(webhook, frozenset({CREDENTIALS.user}))
    assert (change.kind, change.status) == (kind, status)
    assert (change.ticket_id, change.packet_id) == (ref.ticket_id, "pkt_1")
