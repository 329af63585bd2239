"""What every helpdesk must do, against its sandbox: one ticket, the whole packet, nothing for the customer's eyes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Refused
from packets.draft import DraftAttachment, Priority, Requester, TicketStatus, TicketUpdate

SINCE = datetime.now(UTC) - timedelta(minutes=5)


def opened(helpdesk, draft, key="pkt_1"):
    """Open a ticket and complete it, as the delivery does."""
    ref = helpdesk.open_ticket(helpdesk.prepare(draft, key=key), key=key)
    helpdesk.complete_ticket(ref, draft, key=key)
    return ref


def the_ticket(sandbox):
    [ticket] = sandbox.tickets()
    return ticket


def words(text):
    return " ".join(text.split())


def writes(sandbox):
    """Calls that could have changed something, tokens left out."""
    return [c for c in sandbox.state.calls() if c["method"] != "GET" and "oauth" not in c["path"]]


def tags_of(ticket):
    return set(ticket["tags"]) | set(filter(None, re.split(r"[,\s]+", ticket["fields"].get("tags", ""))))


def test_a_ticket_is_opened_and_found_by_its_key(sandbox, connect, a_draft):
    helpdesk = connect()

    ref = opened(helpdesk, a_draft())

    assert helpdesk.find_tickets(a_draft(), key="pkt_1", since=SINCE) == (ref,)
    assert ref.url.startswith(sandbox.url)
    assert the_ticket(sandbox)["key"] == "pkt_1"


def test_a_key_nobody_used_is_not_found(connect, a_draft):
    helpdesk = connect()
    opened(helpdesk, a_draft())

    assert helpdesk.find_tickets(a_draft(), key="pkt_2", since=SINCE) == ()


def test_a_prepared_body_is_sent_unchanged_by_another_client(connect, sandbox, a_draft):
    body = connect().prepare(a_draft(), key="pkt_1")

    connect().open_ticket(body, key="pkt_1")

    assert the_ticket(sandbox)["subject"] == "Order A-17 not found"


def test_preparing_twice_gives_the_same_bytes(connect, a_draft):
    helpdesk = connect()

    assert helpdesk.prepare(a_draft(), key="pkt_1") == helpdesk.prepare(a_draft(), key="pkt_1")


def test_preparing_and_looking_change_nothing(connect, sandbox, a_draft):
    helpdesk = connect()

    helpdesk.prepare(a_draft(), key="pkt_1")
    helpdesk.find_tickets(a_draft(), key="pkt_1", since=SINCE)

    assert writes(sandbox) == []


def test_subject_fields_and_group_are_on_the_ticket(connect, sandbox, a_draft):
    opened(connect(), a_draft())

    ticket = the_ticket(sandbox)
    assert ticket["subject"] == "Order A-17 not found"
    assert ticket["group"] == "orders"
    fields = {name: ticket["fields"].get(name) for name in ("packet_id", "tier", "reason", "channel")}
    assert fields == {"packet_id": "pkt_1", "tier": "standard", "reason": "same-task-failed", "channel": "web_chat"}
    assert {"baton", "baton_orders"} <= tags_of(ticket)


def test_the_whole_note_is_private_and_nothing_of_it_public(connect, sandbox, a_draft):
    said = [f"turn {number}: my order is late" for number in range(40)]

    opened(connect(), a_draft(said))

    ticket = the_ticket(sandbox)
    private, public = words(" ".join(ticket["private_notes"])), words(" ".join(ticket["public_texts"]))
    assert all(f"Customer: {turn}" in private for turn in said)
    assert "same-task-failed" not in public
    assert "my order is late" not in public


def test_a_note_that_fits_brings_no_attachment(connect, sandbox, a_draft):
    opened(connect(), a_draft())

    assert the_ticket(sandbox)["attachments"] == []


def test_a_long_transcript_is_attached_whole_and_the_note_says_so(connect, sandbox, a_draft):
    helpdesk = connect()
    line = "This goes on and on. Größe, 王, \U0001f600. "
    said = [f"{number}: {line * 4}" for number in range(helpdesk.capabilities.note_limit // 100)]
    draft = a_draft(said)
    assert len(draft.note_html) > len(draft.note_text) > helpdesk.capabilities.note_limit

    opened(helpdesk, draft)

    ticket = the_ticket(sandbox)
    [attachment] = [file for file in ticket["attachments"] if file["name"] == "transcript.txt"]
    assert attachment["content"] == draft.transcript_attachment.content
    assert "The transcript is attached as transcript.txt" in words(" ".join(ticket["private_notes"]))
    assert not any("goes on and on" in text for text in ticket["public_texts"])


@pytest.mark.parametrize("size", ["short", "long"])
def test_completing_twice_changes_nothing(connect, sandbox, a_draft, size):
    helpdesk = connect()
    draft = a_draft(["x" * 100] * (2 if size == "short" else helpdesk.capabilities.note_limit // 50))
    ref = opened(helpdesk, draft)
    before, written = sandbox.tickets(), len(writes(sandbox))

    helpdesk.complete_ticket(ref, draft, key="pkt_1")
    connect().complete_ticket(ref, draft, key="pkt_1")

    assert sandbox.tickets() == before
    assert len(writes(sandbox)) == written


@pytest.mark.parametrize("priority", list(Priority))
def test_every_priority_comes_back_as_it_was_sent(connect, a_draft, priority):
    helpdesk = connect()

    ref = opened(helpdesk, a_draft(priority=priority))

    assert helpdesk.read_ticket(ref.ticket_id).priority is priority


@pytest.mark.parametrize("priority", list(Priority))
def test_every_priority_can_be_set_later(connect, a_draft, priority):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft(priority=Priority.LOW if priority is not Priority.LOW else Priority.CRITICAL))

    helpdesk.update_ticket(ref, TicketUpdate(priority=priority))

    assert helpdesk.read_ticket(ref.ticket_id).priority is priority


def test_an_update_adds_tags_sets_fields_and_leaves_the_rest(connect, sandbox, a_draft):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft())
    before = the_ticket(sandbox)

    helpdesk.update_ticket(ref, TicketUpdate(tags=("baton_gold",), fields={"tier": "gold"}))

    after = the_ticket(sandbox)
    assert tags_of(after) == tags_of(before) | {"baton_gold"}
    assert after["fields"]["tier"] == "gold"
    assert after["fields"]["reason"] == before["fields"]["reason"]
    same = ("subject", "priority", "status", "group", "assignee", "private_notes", "public_texts", "requester")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_an_update_done_twice_is_done_once(connect, sandbox, a_draft):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft())
    update = TicketUpdate(Priority.CRITICAL, tags=("baton_gold",), fields={"tier": "gold"})
    helpdesk.update_ticket(ref, update)
    before = sandbox.tickets()

    helpdesk.update_ticket(ref, update)

    assert sandbox.tickets() == before


def test_an_empty_update_writes_nothing(connect, sandbox, a_draft):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft())
    written = len(writes(sandbox))

    helpdesk.update_ticket(ref, TicketUpdate())

    assert len(writes(sandbox)) == written


def test_what_people_do_is_read_from_the_ticket(connect, sandbox, act, a_draft):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft())
    untouched = helpdesk.read_ticket(ref.ticket_id)

    act(ref, "assign", "Dana Agent")
    act(ref, "reply", "I am looking for it.")
    answered = helpdesk.read_ticket(ref.ticket_id)
    act(ref, "status", "solved")
    solved = helpdesk.read_ticket(ref.ticket_id)

    assert (untouched.first_human_reply_at, untouched.solved_at, untouched.assignee) == (None, None, None)
    assert answered.first_human_reply_at is not None
    assert answered.assignee
    assert (solved.status, solved.first_human_reply_at) == (TicketStatus.SOLVED, answered.first_human_reply_at)
    assert solved.solved_at is not None
    assert solved.ref == ref


def test_a_private_note_of_a_colleague_is_no_reply(connect, act, a_draft):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft())

    act(ref, "note", "Do we know this one?")

    assert helpdesk.read_ticket(ref.ticket_id).first_human_reply_at is None


def test_a_ticket_that_is_not_there_is_refused(connect, sandbox, a_draft):
    helpdesk = connect()
    ref = opened(helpdesk, a_draft())
    nobody = ref.ticket_id[:-1] + ("1" if ref.ticket_id[-1] != "1" else "2")

    with pytest.raises(Refused):
        helpdesk.read_ticket(nobody)


@pytest.mark.parametrize("ticket_id", ["", "../users/me", "1?x=1", "1;2", "javascript:1", "٣"])
def test_an_id_that_cannot_be_one_is_refused_and_never_sent(connect, sandbox, ticket_id):
    with pytest.raises(Refused):
        connect().read_ticket(ticket_id)

    assert [c for c in sandbox.state.calls() if "oauth" not in c["path"]] == []


@pytest.mark.parametrize("email", [None, "", "no address", "a@b", "x@y.z, q@r.s", "ana@example.com\r\nBcc: x@y.de"])
def test_a_customer_without_a_usable_address_still_gets_a_ticket_and_never_as_us(connect, sandbox, a_draft, email):
    draft = a_draft(requester=Requester("Ana Ruiz", email=email))
    helpdesk = connect()

    opened(helpdesk, draft)

    requester = the_ticket(sandbox)["requester"]
    assert requester["name"] != "Baton"
    assert requester["email"] != "baton@sandbox.example"
    assert len(helpdesk.find_tickets(draft, key="pkt_1", since=SINCE)) == 1


@pytest.mark.parametrize("name", ["A", "", "王", "x" * 500, 'O\'Neil, "Bo"; <b>'])
def test_no_name_stops_a_ticket(connect, sandbox, a_draft, name):
    opened(connect(), a_draft(requester=Requester(name or "?")))

    assert the_ticket(sandbox)["key"] == "pkt_1"


def test_a_route_without_a_group_still_gets_a_ticket(connect, sandbox, a_draft):
    opened(connect(), a_draft(group="a-route-nobody-mapped"))

    assert the_ticket(sandbox)["key"] == "pkt_1"


HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "{{ticket.requester.email}} {% assign x = 1 %} {{dc.secret}}",
    "[code]<b>bold</b>[/code] [CODE]<i>x</i>[/CODE]",
    "nul\x00 bell\x07 escape\x1b[31m delete\x7f c1\x9b",
    "bidi \u202egnp.exe\u202c \u2066isolate\u2069",
    "lone \ud83d surrogate \udc00 here",
    "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 flag \U0001f1e9\U0001f1ea zalgo e\u0301\u0302\u0303",
    "]]> --> '; DROP TABLE tickets; -- ^ORstate=1 javascript:alert(1)",
    "line\r\nbreaks\rof\u2028every\u2029kind",
]
NOBODYS = r"[\x00-\x08\x0e-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
# What a helpdesk would fill in or render if a customer wrote it.
ACTIVE = {
    "zendesk": re.compile(rf"\{{\{{|\{{%|{NOBODYS}"),
    "freshdesk": re.compile(rf"\{{\{{|\{{%|{NOBODYS}"),
    "servicenow": re.compile(rf"\[/?code\]|{NOBODYS}", re.IGNORECASE),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_gets_there_and_does_nothing(connect, sandbox, kind, a_draft, text):
    helpdesk = connect()
    draft = a_draft(
        [text],
        subject=text,
        requester=Requester(text, email="ana@example.com", phone=text, external_id=text),
        group=text,
        tags=("baton", text),
        fields={"tier": text, "reason": text},
    )

    opened(helpdesk, draft)
    helpdesk.update_ticket(
        helpdesk.find_tickets(draft, key="pkt_1", since=SINCE)[0], TicketUpdate(tags=(text,), fields={"channel": text})
    )

    ticket = the_ticket(sandbox)
    shown = [ticket["subject"], *ticket["private_notes"], *ticket["public_texts"], *ticket["tags"]]
    shown += [*ticket["fields"].values(), *filter(None, ticket["requester"].values())]
    assert [part for part in shown if ACTIVE[kind].search(part)] == []
    assert not any("<script" in entry["html"] or "<img" in entry["html"] for entry in ticket["entries"])
    assert ticket["key"] == "pkt_1"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_an_attachment_gets_there(connect, sandbox, a_draft, text):
    helpdesk = connect()
    content = f"{text}\n" * (2 * helpdesk.capabilities.note_limit // len(text))

    opened(helpdesk, a_draft([content], transcript_attachment=DraftAttachment("transcript.txt", content)))

    [file] = the_ticket(sandbox)["attachments"]
    assert file["size"] == len(content.encode("utf-8", "replace"))


def test_a_very_long_everything_is_still_one_ticket(connect, sandbox, a_draft):
    long = "word " * 5_000
    draft = a_draft(
        [long],
        subject=long,
        public_text=long,
        requester=Requester(long),
        tags=(long, "baton"),
        fields={"packet_id": "pkt_1", "tier": long, "reason": long},
    )

    opened(connect(), draft)

    ticket = the_ticket(sandbox)
    assert ticket["key"] == "pkt_1"
    assert len(ticket["subject"]) < 300


def test_a_short_note_that_is_itself_too_long_loses_nothing(connect, sandbox, a_draft):
    helpdesk = connect()
    facts = "\n".join(f"Fact {number}: known since the first turn" for number in range(5_000))
    draft = a_draft(note_text=facts, note_html=facts, note_short_text=facts, note_short_html=facts)

    opened(helpdesk, draft)

    ticket = the_ticket(sandbox)
    everywhere = " ".join([*ticket["private_notes"], *(file["content"] for file in ticket["attachments"])])
    assert "Fact 0:" in everywhere
    assert "Fact 4999:" in everywhere
    assert not any("Fact" in text for text in ticket["public_texts"])


def test_two_clients_of_one_account_do_not_disturb_each_other(connect, sandbox, a_draft):
    first, second = connect(), connect()

    one = opened(first, a_draft(), key="pkt_1")
    two = opened(second, a_draft(), key="pkt_2")

    assert first.find_tickets(a_draft(), key="pkt_2", since=SINCE) == (two,)
    assert second.find_tickets(a_draft(), key="pkt_1", since=SINCE) == (one,)
