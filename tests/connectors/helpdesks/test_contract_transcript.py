"""A conversation of 400 turns full of what breaks things, from events to the agent's screen: whole and harmless."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from packets.assemble import assemble
from packets.conversation import fold_all
from packets.decision import Action, Decision, Evidence, Mode, RuleTrace, TraceNode
from packets.draft import Priority
from packets.event import Channel, ConversationInfo, Customer, Event, EventKind, Role, Turn
from packets.redact import STANDARD
from packets.redact.packet import redact_packet
from packets.render.ticket import ticket_draft
from packets.transcript import transcript

START = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)
TURNS = 400
FAMILY, FLAG = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea"
# What customers have written, one kind to a turn, and what of it a person must still be able to read.
KINDS = (
    (f"{FAMILY} {FLAG} 🙏🏽 thanks", f"{FAMILY} {FLAG} 🙏🏽 thanks"),
    ("הזמנה שלי לא הגיעה אמש", "הזמנה שלי לא הגיעה אמש"),
    ("أين طلبي رقم ألف", "أين طلبي رقم ألف"),
    ("\u202egnp.eciovni\u202c \u2066isolated\u2069 words", "gnp.eciovni"),
    ("<script>alert(1)</script><img src=x onerror=alert(2)> & <b>bold</b>", "alert(1)"),
    ("[code]<a href='javascript:alert(3)'>click</a>[/code] and [CODE]x[/CODE]", "click"),
    ("{{ticket.requester.email}} {% assign x = 1 %} {{{{dc.secret}}}}", "ticket.requester.email"),
    ("nul\x00 bell\x07 escape\x1b[31m delete\x7f c1\x9b end", "bell"),
    ("zalgo e\u0301\u0302\u0303 and tabs\tand \u2028 separators", "zalgo"),
    ("lone \ud83d half \udc00 pairs", "half"),
    ("quotes \" and \\ and '; DROP TABLE tickets; -- ^ORstate=1", "DROP TABLE tickets"),
    ("line one\r\nline two\rline three", "line two"),
)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LIVE = re.compile(r"\{\{|\{%|\[/?code\]", re.IGNORECASE)
TAGS = re.compile(r"<(script|img|a|iframe|svg|style)\b|\bon\w+\s*=\s*[\"']?alert", re.IGNORECASE)


def the_turns():
    """(role, text, what must still be read); each has a number of its own, so that no turn stands for another."""
    for number in range(TURNS):
        text, readable = KINDS[number % len(KINDS)]
        role = Role.CUSTOMER if number % 2 == 0 else Role.BOT
        yield role, f"turn-{number:03}-begins {text} turn-{number:03}-ends", readable


def the_draft():
    """Made as the gateway makes it: events, conversation, packet, redaction, draft."""
    events = [
        Event(
            f"e-{number}", EventKind.MESSAGE_CREATED, "webshop-bot",
            ConversationInfo("c-1", channel=Channel.WEB_CHAT, language="en"),
            START + timedelta(seconds=number), START + timedelta(seconds=number),
            turns=(Turn(role, text, message_id=f"m-{number}"),),
            customer=Customer(name="Ana Ruiz", email="ana@example.com"),
        )
        for number, (role, text, _) in enumerate(the_turns())
    ]  # fmt: skip
    last = KINDS[6][0]
    node = TraceNode("customer asked for a person", True, (Evidence(f"“{last}”", TURNS, last, None, "phrase.test"),))
    trace = RuleTrace("asked", True, False, "asked.yml:2", "Somebody asked.", Action.ESCALATE, node)
    decision = Decision(
        Action.ESCALATE, START, "3f9c2a1", Mode.WARM, ("asked",), "orders", "standard", "order-lookup", rules=(trace,)
    )
    packet = assemble(
        packet_id="pkt_1",
        handoff_id="hof_1",
        conversation_id="cnv_1",
        conversation=fold_all("webshop-bot", "c-1", events),
        transcript=transcript(events),
        decision=decision,
        wants=("order",),
        respond_by=START + timedelta(minutes=35),
        now=START + timedelta(minutes=5),
    )
    return ticket_draft(redact_packet(packet, STANDARD), priority=Priority.HIGH)


@pytest.fixture(scope="module")
def draft():
    return the_draft()


def deliver_whole(helpdesk, draft):
    ref = helpdesk.open_ticket(helpdesk.prepare(draft, key="pkt_1"), key="pkt_1")
    helpdesk.complete_ticket(ref, draft, key="pkt_1")
    return ref


def readable(ticket):
    """Everything an agent can read of the conversation, in one piece, as the letters it is made of."""
    parts = [*ticket["private_notes"], *(file["content"] for file in ticket["attachments"])]
    return unicodedata.normalize("NFC", html.unescape("\n".join(parts)))


def test_four_hundred_turns_arrive_whole(connect, sandbox, draft):
    deliver_whole(connect(), draft)

    (ticket,) = sandbox.tickets()
    told = readable(ticket)
    missing = [
        number
        for number, (_, _, words) in enumerate(the_turns())
        if not re.search(
            rf"turn-{number:03}-begins.{{0,200}}?{re.escape(unicodedata.normalize('NFC', words))}"
            rf".{{0,200}}?turn-{number:03}-ends",
            told,
            re.DOTALL,
        )
    ]
    assert missing == []
    order = [int(n) for n in re.findall(r"turn-(\d{3})-begins", told)]
    whole = [order[i : i + TURNS] for i in range(len(order)) if order[i] == 0]
    assert list(range(TURNS)) in whole  # every one of them, in the order they were said


def test_four_hundred_turns_do_nothing(connect, sandbox, draft):
    deliver_whole(connect(), draft)

    (ticket,) = sandbox.tickets()
    shown = [ticket["subject"], *ticket["private_notes"], *ticket["public_texts"], *ticket["fields"].values()]
    shown += [file["content"] for file in ticket["attachments"]]
    assert [CONTROL.findall(part)[:3] for part in shown if CONTROL.search(part)] == []
    assert [LIVE.findall(part)[:3] for part in shown if LIVE.search(part)] == []
    assert [TAGS.findall(entry["html"])[:3] for entry in ticket["entries"] if TAGS.search(entry["html"])] == []


def test_nothing_of_four_hundred_turns_reaches_the_customer(connect, sandbox, draft):
    deliver_whole(connect(), draft)

    (ticket,) = sandbox.tickets()
    assert not any("turn-" in text for text in ticket["public_texts"])


def test_four_hundred_turns_sent_twice_are_there_once(connect, sandbox, draft):
    helpdesk = connect()
    ref = deliver_whole(helpdesk, draft)
    before = sandbox.tickets()

    helpdesk.complete_ticket(ref, draft, key="pkt_1")

    assert sandbox.tickets() == before
