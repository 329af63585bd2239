"""The Freshdesk client against the sandbox account, which shares no code with it: the whole way, and the bad days."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Refused, Throttled, Unauthorized, Unsure
from connectors.helpdesks.freshdesk import INBOUND, make
from connectors.ports import FieldMap, HelpdeskAccount, Webhook
from connectors.sandbox.accounts import CREDENTIALS, FRESHDESK_FIELD_NAMES, FRESHDESK_GROUP_IDS
from connectors.sandbox.desk import Deed, Settings
from connectors.sandbox.server import running_sandbox
from packets.draft import ChangeKind, Priority, Requester, TicketStatus, TicketUpdate


@pytest.fixture
def sandbox():
    with running_sandbox("freshdesk", settings=Settings(unknown_contact_is_400=True)) as running:
        yield running


@pytest.fixture
def account(sandbox):
    def build(**changes):
        groups = {route: str(number) for route, number in FRESHDESK_GROUP_IDS.items()}
        standard = {
            "name": "desk",
            "kind": "freshdesk",
            "base_url": sandbox.url,
            "credentials": {"api_key": CREDENTIALS.api_key},
            "field_map": FieldMap(fields=FRESHDESK_FIELD_NAMES, groups=groups),
            "timeout": timedelta(seconds=5),
        }
        return HelpdeskAccount(**{**standard, **changes})

    return build


@pytest.fixture
def desk(account):
    return make(account())


def a_minute_ago():
    return datetime.now(UTC) - timedelta(minutes=1)


def test_a_handoff_becomes_one_ticket_that_tells_the_agent_everything_and_the_customer_nothing(sandbox, desk, a_draft):
    draft = a_draft()

    ref = desk.open_ticket(desk.prepare(draft, key="pkt_1"), key="pkt_1")
    desk.complete_ticket(ref, draft, key="pkt_1")

    (ticket,) = sandbox.tickets()
    assert (ticket["id"], ticket["key"]) == (ref.ticket_id, "pkt_1")
    assert ticket["subject"] == draft.subject
    assert ticket["priority"] == "High"
    assert ticket["requester"]["email"] == "ana@example.com"
    assert ticket["group"] == "orders"
    assert ticket["tags"] == ["baton", "orders"]
    assert ticket["fields"]["tier"] == "standard"
    assert "two failed look-ups" in ticket["private_notes"][0]
    assert ticket["public_texts"] == [draft.public_text]


def test_completing_twice_adds_nothing(sandbox, desk, a_draft):
    ref = desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")

    for _ in range(2):
        desk.complete_ticket(ref, a_draft(note_html="x" * 70_000), key="pkt_1")

    (ticket,) = sandbox.tickets()
    assert len(ticket["private_notes"]) == 1
    assert [(file["name"], file["content"]) for file in ticket["attachments"]] == [
        ("transcript.txt", "Customer: where is it?\n")
    ]


@pytest.mark.parametrize(
    "requester",
    [Requester("Ana", "ana@example.com"), Requester("Ana", phone="+34600000000"), Requester("Ana", external_id="c-9")],
)
@pytest.mark.parametrize("fault", ["cut_after", "500_after", "html_200", "cut_before", "503"])
def test_after_a_create_call_nobody_answered_the_look_up_tells_what_happened(fault, requester, sandbox, desk, a_draft):
    draft = a_draft(requester=requester)
    sandbox.faults.add(fault, method="POST", path="/api/v2/tickets")

    with pytest.raises(Unsure):
        desk.open_ticket(desk.prepare(draft, key="pkt_1"), key="pkt_1")
    found = desk.find_tickets(draft, key="pkt_1", since=a_minute_ago())

    assert [ref.ticket_id for ref in found] == [ticket["id"] for ticket in sandbox.tickets()]
    assert len(found) == (1 if fault.endswith("_after") else 0)


def test_a_ticket_is_found_among_many_of_the_same_customer(sandbox, desk, a_draft):
    for number in range(120):
        key = f"pkt_{number}"
        desk.open_ticket(desk.prepare(a_draft(), key=key), key=key)

    (found,) = desk.find_tickets(a_draft(), key="pkt_119", since=a_minute_ago())

    assert found.ticket_id == sandbox.tickets()[-1]["id"]


def test_a_note_lost_after_it_was_written_is_not_written_twice(sandbox, desk, a_draft):
    ref = desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")
    sandbox.faults.add("cut_after", method="POST", path="*/notes")

    with pytest.raises(Unsure):
        desk.complete_ticket(ref, a_draft(), key="pkt_1")
    desk.complete_ticket(ref, a_draft(), key="pkt_1")

    assert len(sandbox.tickets()[0]["private_notes"]) == 1


@pytest.mark.parametrize("body", ["json", "text"])
def test_a_limit_tells_how_long_to_wait(body, sandbox, desk, a_draft):
    sandbox.faults.add("429", method="POST", retry_after=9, body=body)

    with pytest.raises(Throttled) as caught:
        desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")

    assert caught.value.retry_after == 9
    assert sandbox.tickets() == []


def test_a_field_the_account_does_not_have_is_named(account, a_draft, sandbox):
    desk = make(account(field_map=FieldMap(fields={"packet_id": "cf_elsewhere"})))

    with pytest.raises(Refused) as caught:
        desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")

    assert any("cf_elsewhere" in error for error in caught.value.field_errors)
    assert sandbox.tickets() == []


def test_a_wrong_key_stops_the_account(account, a_draft):
    desk = make(account(credentials={"api_key": "wrong"}))

    with pytest.raises(Unauthorized):
        desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")


def test_an_update_adds_to_what_agents_did(sandbox, desk, a_draft):
    ref = desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")
    update = TicketUpdate(Priority.CRITICAL, tags=("tier-gold",), fields={"tier": "gold"})

    desk.update_ticket(ref, update)
    before = [call["method"] for call in sandbox.state.calls()].count("PUT")
    desk.update_ticket(ref, update)

    (ticket,) = sandbox.tickets()
    assert ticket["priority"] == "Urgent"
    assert ticket["tags"] == ["baton", "orders", "tier-gold"]
    assert ticket["fields"]["tier"] == "gold"
    assert [call["method"] for call in sandbox.state.calls()].count("PUT") == before


def test_what_people_do_is_read_from_the_ticket(sandbox, desk, a_draft):
    ref = desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")
    desk.complete_ticket(ref, a_draft(), key="pkt_1")
    before = desk.read_ticket(ref.ticket_id)

    sandbox.state.act(ref.ticket_id, Deed("reply", "We found it.", "Dana Agent"))
    sandbox.state.act(ref.ticket_id, Deed("status", "Resolved", "Dana Agent"))
    after = desk.read_ticket(ref.ticket_id)

    assert (before.status, before.first_human_reply_at, before.solved_at) == (TicketStatus.OPEN, None, None)
    assert after.status is TicketStatus.SOLVED
    assert after.first_human_reply_at is not None
    assert after.solved_at is not None


def test_an_automations_webhook_opens_the_door_and_names_the_ticket(sandbox, desk, a_draft):
    ref = desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")
    inside = sandbox.sandbox.desk

    with sandbox.sandbox.lock:
        inside.act(ref.ticket_id, Deed("status", "Pending", "Dana Agent"))
        (call,) = inside.take_calls()
    headers = {**call.headers, **inside.attempt_headers(call, "the-token")}
    webhook = Webhook({name.lower(): value for name, value in headers.items()}, call.body, datetime.now(UTC))

    assert INBOUND.verify(webhook, ["the-token"]).dedupe_key
    (change,) = INBOUND.parse(webhook)
    assert (change.kind, change.ticket_id) == (ChangeKind.HINT, ref.ticket_id)
