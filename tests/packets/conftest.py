import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from packets.assemble import assemble
from packets.conversation import fold_all
from packets.decision import Action, Decision, Evidence, Mode, RuleTrace, TraceNode
from packets.event import Channel, Context, ConversationInfo, Customer, Event, EventKind, Role, Turn
from packets.schemas.canonical import parse_event
from packets.transcript import transcript

FIXTURES = Path(__file__).parent / "fixtures"
START = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)


def pytest_addoption(parser):
    with contextlib.suppress(ValueError):  # another folder may have added it first
        parser.addoption("--update-golden", action="store_true", help="write golden files anew; review them like code")


@pytest.fixture
def golden(request):
    """Compare a text with a file under fixtures/golden, or write it with --update-golden."""

    def check(name, text):
        path = FIXTURES / "golden" / name
        if request.config.getoption("--update-golden", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture
def said():
    """An event that brings turns: said("customer: hi", "bot: hello", at=20)."""

    def make(*lines, at=0, message_ids=True, **more):
        turns = []
        for number, line in enumerate(lines):
            role, _, text = line.partition(": ")
            message_id = f"m{at}-{number}" if message_ids else None
            turns.append(Turn(Role(role), text, message_id=message_id))
        when = START + timedelta(seconds=at)
        info = ConversationInfo("c-1", channel=Channel.WEB_CHAT, language="en")
        kind = more.pop("kind", EventKind.MESSAGE_CREATED)
        turns = more.pop("turns", tuple(turns))
        return Event(f"e-{at}-{kind}", kind, "webshop-bot", info, when, when, turns=turns, **more)

    return make


@pytest.fixture
def a_decision():
    """An escalation by one rule, with the evidence given."""

    def make(rule="refund-dispute", *evidence, locked=False, condition="topic is refunds", **more):
        why = "A disputed refund needs somebody who may move money."
        node = TraceNode(condition, True, evidence)
        trace = RuleTrace(rule, True, locked, f"{rule}.yml:2", why, Action.ESCALATE, node)
        base = Decision(
            Action.ESCALATE, START, "3f9c2a1", Mode.WARM, (rule,), "payments", "gold", "refund-check", rules=(trace,)
        )
        return replace(base, **more)

    return make


@pytest.fixture
def a_packet(said, a_decision):
    """A packet of a short conversation about order A-1001; `lines`, `decision`, `wants` and fields may be given."""

    def make(*lines, decision=None, wants=("order", "email"), events=None, **changes):
        lines = lines or ("customer: My refund for order A-1001 has not arrived", "bot: I could not find it.")
        customer = Customer(name="Ana Lopez", email="ana@example.com", authenticated=True)
        context = Context(slots={"order_id": "A-1001"})
        events = events or [said(*lines, customer=customer, context=context)]
        packet = assemble(
            packet_id="pkt_7Q2",
            handoff_id="hof_1",
            conversation_id="cnv_1",
            conversation=fold_all("webshop-bot", "c-1", events),
            transcript=transcript(events),
            decision=decision or a_decision(),
            wants=wants,
            respond_by=START + timedelta(minutes=35),
            now=START + timedelta(minutes=5),
        )
        return replace(packet, **changes)

    return make


def the_dialogues():
    lines = (FIXTURES / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@pytest.fixture(params=sorted(the_dialogues()))
def dialogue(request):
    """Each real-shaped conversation: its name, and its events as the canonical vendor would have posted them."""
    row = the_dialogues()[request.param]
    bodies = [_body(row, number, turn) for number, turn in enumerate(row["turns"], start=1)]
    received = START + timedelta(days=1)
    return request.param, [
        parse_event(body, source="webshop-bot", event_id=f"e{number}", received_at=received)
        for number, body in enumerate(bodies)
    ]


def _body(row, number, turn):
    data = {
        "conversation": {"id": row["id"], "channel": "web_chat", "language": row["lang"]},
        "message": {"id": f"m{number}", "role": turn["role"], "text": turn["text"]},
    }
    if turn["role"] == "customer" and turn.get("intent"):
        data["nlu"] = {"intent": {"name": turn["intent"]}}
    if turn.get("task"):
        ok = turn.get("outcome") != "failed"
        data["context"] = {"tool_calls": [{"name": turn["task"], "task": turn["task"], "ok": ok, "error": "no match"}]}
    at = START + timedelta(seconds=turn.get("t") or 0)
    return {"type": "message.created", "timestamp": at.isoformat(), "data": data}


@pytest.fixture
def evidence():
    def make(words, turn=1, text=None, span=None):
        return Evidence(f"“{words}”", turn, text or words, span, "phrase.test")

    return make
