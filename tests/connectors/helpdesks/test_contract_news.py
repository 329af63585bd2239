"""
What goes on with a ticket after it was opened, the same for every helpdesk: late news as a private note that comes
once, opening again, another group, which tickets changed, a new ticket that follows an old one.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Refused, Unsure
from packets.draft import Priority, TicketRef, TicketStatus, TicketUpdate

NEWS = "The customer went on: is it coming today?"
HOSTILE = "[code]<img src=x>[/code] {{ticket.requester.email}} \u202eevil\u202c <script>alert(1)</script> 😀"
# Where the write that carries the note goes, as a fault pattern.
NOTE = {
    "zendesk": {"method": "PUT", "path": "/api/v2/tickets/*"},
    "freshdesk": {"method": "POST", "path": "/api/v2/tickets/*/notes"},
    "servicenow": {"method": "PATCH", "path": "/api/now/*table/incident/*"},
}


@pytest.fixture
def desk(connect):
    return connect()


@pytest.fixture
def ticket(desk, a_draft, deliver):
    return deliver(desk, a_draft(), "pkt_1")


@pytest.fixture
def notes(sandbox):
    return lambda: sandbox.tickets()[0]["private_notes"]


def test_late_news_is_a_private_note_that_comes_once(desk, ticket, notes):
    before = len(notes())
    update = TicketUpdate(note=NEWS, note_key="pkt_1-2")

    desk.update_ticket(ticket, update)
    desk.update_ticket(ticket, update)

    assert len(notes()) == before + 1
    assert NEWS in notes()[-1]


def test_news_with_another_key_is_another_note(desk, ticket, notes):
    before = len(notes())

    desk.update_ticket(ticket, TicketUpdate(note=NEWS, note_key="pkt_1-2"))
    desk.update_ticket(ticket, TicketUpdate(note=NEWS, note_key="pkt_1-22"))
    desk.update_ticket(ticket, TicketUpdate(note=NEWS, note_key="pkt_1-2"))

    assert len(notes()) == before + 2


def test_news_is_never_seen_by_the_customer(desk, ticket, sandbox):
    desk.update_ticket(ticket, TicketUpdate(note=NEWS, note_key="pkt_1-2"))

    assert not any(NEWS in words for words in sandbox.tickets()[0]["public_texts"])


@pytest.mark.parametrize("fault", ["cut_after", "500_after", "hang_after"])
def test_news_whose_outcome_was_unknown_comes_once_when_tried_again(fault, kind, connect, ticket, sandbox, notes):
    desk = connect(timeout=1.0)
    before = len(notes())
    sandbox.faults.add(fault, seconds=2.0, **NOTE[kind])

    with pytest.raises(Unsure):
        desk.update_ticket(ticket, TicketUpdate(note=NEWS, note_key="pkt_1-2"))
    desk.update_ticket(ticket, TicketUpdate(note=NEWS, note_key="pkt_1-2"))

    assert len(notes()) == before + 1


def test_an_update_that_was_done_leaves_what_people_changed_since(desk, ticket, act, sandbox):
    update = TicketUpdate(note=NEWS, note_key="pkt_1-2", priority=Priority.CRITICAL, reopen=True)
    desk.update_ticket(ticket, update)
    act(ticket, "priority", "low")
    act(ticket, "status", "solved")

    desk.update_ticket(ticket, update)

    state = desk.read_ticket(ticket.ticket_id)
    assert (state.priority, state.status) == (Priority.LOW, TicketStatus.SOLVED)


def test_news_too_long_for_a_note_travels_whole_as_a_file(desk, ticket, sandbox, notes):
    words = "".join(f"Customer: {n} & <b>more</b>\n" for n in range(6_000))

    desk.update_ticket(ticket, TicketUpdate(note=words, note_key="pkt_1-2"))
    desk.update_ticket(ticket, TicketUpdate(note=words, note_key="pkt_1-2"))

    (file,) = [f for f in sandbox.tickets()[0]["attachments"] if f["name"] == "update-pkt_1-2.txt"]
    assert file["content"] == words
    assert "update-pkt_1-2.txt" in notes()[-1]
    assert len(notes()[-1]) <= desk.capabilities.note_limit


def test_hostile_news_does_nothing(desk, ticket, sandbox):
    desk.update_ticket(ticket, TicketUpdate(note=HOSTILE, note_key="pkt_1-2"))

    entry = sandbox.tickets()[0]["entries"][-1]
    assert "😀" in entry["text"]
    assert not any(bad in entry["html"] for bad in ("<script", "<img", "{{", "[code]", "\u202e"))


def test_a_solved_ticket_is_opened_again_with_the_news(desk, ticket, act, notes):
    act(ticket, "status", "solved")

    desk.update_ticket(ticket, TicketUpdate(reopen=True, note=NEWS, note_key="pkt_1-2"))

    assert desk.read_ticket(ticket.ticket_id).status is TicketStatus.OPEN
    assert NEWS in notes()[-1]


def test_a_ticket_that_waits_is_not_touched_by_opening_again(desk, ticket, act):
    act(ticket, "status", "pending")

    desk.update_ticket(ticket, TicketUpdate(reopen=True))

    assert desk.read_ticket(ticket.ticket_id).status is TicketStatus.WAITING_ON_CUSTOMER


def test_a_closed_ticket_is_opened_again_only_where_that_can_be(desk, ticket, act):
    act(ticket, "status", "closed")

    if desk.capabilities.reopens_closed:
        desk.update_ticket(ticket, TicketUpdate(reopen=True))
        assert desk.read_ticket(ticket.ticket_id).status is TicketStatus.OPEN
    else:
        with pytest.raises(Refused, match="open a new one that follows it"):
            desk.update_ticket(ticket, TicketUpdate(reopen=True))


def test_another_group_is_set_and_a_route_nobody_mapped_changes_nothing(desk, ticket, sandbox):
    desk.update_ticket(ticket, TicketUpdate(group="billing"))
    desk.update_ticket(ticket, TicketUpdate(group="no-such-route"))

    assert sandbox.tickets()[0]["group"] == "billing"


def test_a_note_without_a_key_is_refused_before_anything_is_sent():
    with pytest.raises(ValueError, match="could come twice"):
        TicketUpdate(note=NEWS)


# Which tickets changed


def caught_up(sandbox):
    """What a search index would show some minutes later."""
    sandbox.state.settings.search_lag_seconds = 0


def test_tickets_of_ours_changed_since_a_time_are_told_oldest_change_first(desk, a_draft, deliver, act, sandbox):
    caught_up(sandbox)
    first, second = (deliver(desk, a_draft(), key) for key in ("pkt_1", "pkt_2"))
    sandbox.state.clock.advance(timedelta(hours=2))
    act(first, "status", "solved")

    changed = desk.changed_since(datetime.now(UTC) - timedelta(minutes=5))

    assert [(state.packet_id, state.status) for state in changed][-1] == ("pkt_1", TicketStatus.SOLVED)
    assert changed[-1].ref == first
    assert {state.ref.ticket_id for state in changed} == {first.ticket_id, second.ticket_id}
    assert [state.updated_at for state in changed] == sorted(state.updated_at for state in changed)


def test_what_did_not_change_since_is_left_out(desk, a_draft, deliver, act, sandbox):
    caught_up(sandbox)
    first = deliver(desk, a_draft(), "pkt_1")
    deliver(desk, a_draft(), "pkt_2")
    sandbox.state.clock.advance(timedelta(hours=2))
    act(first, "assign", "Dana Agent")

    (state,) = desk.changed_since(datetime.now(UTC) + timedelta(hours=1))

    assert state.packet_id == "pkt_1"
    assert state.assignee


# A ticket that follows another


def test_the_note_of_a_ticket_that_follows_another_names_it(desk, ticket, a_draft, deliver, act, sandbox):
    act(ticket, "status", "closed")

    following = deliver(desk, a_draft(follows=ticket), "pkt_2")
    desk.complete_ticket(following, a_draft(follows=ticket), key="pkt_2")

    later = sandbox.tickets()[-1]
    named = ticket.number or ticket.ticket_id
    assert any(f"Follows ticket {named}: {ticket.url}" in note for note in later["private_notes"])


def test_the_draft_that_follows_a_ticket_nobody_has_any_more_is_opened_all_the_same(desk, a_draft, deliver, kind):
    gone = TicketRef("f" * 32 if kind == "servicenow" else "999999", "https://acme.example/1")

    ref = deliver(desk, a_draft(follows=gone), "pkt_2")

    assert desk.read_ticket(ref.ticket_id).packet_id == "pkt_2"


def test_the_body_of_a_draft_that_follows_is_the_same_each_time(desk, ticket, a_draft, act):
    act(ticket, "status", "closed")

    one, other = (desk.prepare(a_draft(follows=ticket), key="pkt_2") for _ in range(2))

    assert one == other
    assert json.loads(one)
