"""
Damaged calls of every vendor: whatever is sent, nothing breaks and nothing is half stored. Seeds are fixed, so that a
failure can be looked at again.
"""

import copy
import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount
from connectors.recorded import read_recorded
from connectors.registry import VENDORS, vendor
from gateway.app import create_app
from gateway.db.tables import decisions, events, webhooks
from gateway.settings import SourceSettings
from gateway.wiring import Env
from packets.codec import to_json

PURE = 20_000  # damaged calls over all adapters
STORED = 400  # of them through the whole intake
FIXTURES = Path(__file__).resolve().parents[2] / "connectors" / "vendors"
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
CANONICAL = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
ODD = [
    None, True, False, 0, -1, 1e308, 2**70, "", " ", "\x00", "\ud83d\ude00" * 50, "agent", "2026-13-45T99:99:99Z",
    "9" * 40, [], {}, [None], [[]], {"": None}, {"id": {}}, [{}] * 20, "x" * 3000,
]  # fmt: skip
NAMES = sorted(name for name in VENDORS if list((FIXTURES / name / "fixtures").glob("*.http")))
CONTINUE = {"duplicate": False, "decision": {"action": "continue", "rules": []}}
ESCALATE = {
    "duplicate": False, "event_id": "e", "conversation_id": "c",
    "decision": {"action": "escalate", "rules": ["r"], "handoff_id": "hof_1", "transfer": "warm", "route": "support",
                 "tier": "short", "customer_message": "A person is coming.", "respond_by": "2026-03-06T10:00:00Z"},
}  # fmt: skip


def calls_of(name):
    """(account, call) of everything recorded of a vendor."""
    found = []
    for path in sorted((FIXTURES / name / "fixtures").glob("*.http")):
        raw = path.read_bytes()
        told = re.match(rb"# options: (\{.*\})", raw)
        own = path.parent / "secrets.json"
        secrets = json.loads(own.read_text()) if own.exists() else CANONICAL if name == "canonical" else ["secret-one"]
        account = VendorAccount(name, name, tuple(secrets), json.loads(told[1]) if told else {})
        found += [(account, call.webhook(NOW, "http://localhost")) for call in read_recorded(raw)]
    return found


def damaged(body, rng):
    """The body with one or some things wrong with it: in its shape, if it is JSON, else in its bytes."""
    try:
        value = json.loads(body)
    except ValueError:
        return _bytes_damaged(body, rng)
    if rng.random() < 0.15:
        return _bytes_damaged(body, rng)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        value = _shape_damaged(value, rng)
    return json.dumps(value).encode()


def _odd(rng):
    return copy.deepcopy(rng.choice(ODD))


def _shape_damaged(value, rng):
    places = list(_places(value))
    if not places:
        return _odd(rng)
    parent, key = rng.choice(places)
    what = rng.randrange(5)
    if what == 0:
        del parent[key]
    elif what == 1 and isinstance(parent, list):
        parent.insert(rng.randrange(len(parent) + 1), _odd(rng))
    elif what == 2:
        other, name = rng.choice(places)
        parent[key] = json.loads(json.dumps(other[name])) if _has(other, name) else None
    else:
        parent[key] = _odd(rng)
    return json.loads(json.dumps(value))


def _has(parent, key):
    return key in parent if isinstance(parent, dict) else key < len(parent)


def _places(value):
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _bytes_damaged(body, rng):
    if not body:
        return b"\x00"
    at = rng.randrange(len(body))
    return rng.choice(
        [
            body[:at],
            body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :],
            body[:at] + body[at : at + 40] * 3 + body[at + 40 :],
            body[:at] + b"\xff\xfe" + body[at:],
            b"[" * 2000 + body,
        ]
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_damaged_call_raises_anything_but_what_has_a_name(name):
    adapter, calls, rng = vendor(name), calls_of(name), random.Random(name)

    for number in range(PURE // len(NAMES) + 1):
        account, whole = rng.choice(calls)
        webhook = replace(whole, body=damaged(whole.body, rng))
        try:
            found = adapter.parse(webhook, account)
        except (MalformedWebhook, UnsupportedEvent):
            continue
        for event in found:
            assert event.event_id
            assert event.occurred_at.tzinfo is not None
            to_json(event).encode()
        answer = adapter.answer(webhook, account, ESCALATE if number % 2 else CONTINUE)
        assert answer.status < 500
        assert isinstance(adapter.stored(webhook), bytes)


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def sources(bench):
    """Every vendor, and every set of options one was recorded with, as a source of its own: (account, call), …"""
    found, accounts = [], {}
    for name in NAMES:
        for account, call in calls_of(name):
            known = accounts.setdefault((name, json.dumps(dict(account.options), sort_keys=True)), account)
            named = replace(known, name=f"bot-{list(accounts.values()).index(known)}")
            found.append((named, call))
    configured = {account.name: SourceSettings(account, "desk") for account, _ in found}
    settings = replace(bench.env.settings, sources=configured)
    bench.env.close()
    bench.env = Env(settings, redis_url=bench.env.redis_url, clock=bench.clock, policy=bench.env.policy.current)
    bench.client = create_app(bench.env).test_client()
    return found


def test_whatever_comes_in_is_answered_and_stored_whole_or_not_at_all(bench, sources):
    rng = random.Random(6)
    taken = 0

    for _ in range(STORED):
        account, whole = rng.choice(sources)
        url = f"http://localhost/v1/in/{account.name}" + whole.url.removeprefix("http://localhost").partition("?")[1]
        webhook = replace(whole, body=damaged(whole.body, rng), received_at=bench.clock.now, url=url)
        signed = signed_or_not(account, webhook)
        before = rows(bench)
        answer = bench.client.post(url, data=signed.body, headers=dict(signed.headers))
        assert answer.status_code < 500, (account.vendor, answer.status_code, webhook.body)
        if answer.status_code >= 300:
            assert rows(bench) == before, (account.vendor, answer.status_code)
        else:
            taken += 1

    assert taken > STORED // 10
    whole_or_not(bench)


def signed_or_not(account, webhook):
    """As its vendor would sign it; a vendor that signs what it reads in the body may not be able to."""
    try:
        return vendor(account.vendor).sign(webhook, account)
    except (MalformedWebhook, SignatureRejected, ValueError):
        return webhook


def rows(bench):
    return [bench.count(table) for table in (webhooks, events, decisions)]


def whole_or_not(bench):
    """Every event belongs to a stored call and was judged; every call that says it made an event made it."""
    with bench.env.reading() as tx:
        stored = {row.id: json.loads(row.answer) for row in tx.connection.execute(select(webhooks))}
        logged = list(tx.connection.execute(select(events.c.id, events.c.webhook_id, events.c.event_id)))
        judged = set(tx.connection.execute(select(decisions.c.id)).scalars())
    assert {row.webhook_id for row in logged} <= stored.keys()
    assert {row.id for row in logged} <= judged
    told = {answer["event_id"] for answer in stored.values() if "event_id" in answer}
    assert told <= {row.event_id for row in logged}
