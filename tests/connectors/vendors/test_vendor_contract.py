"""
What every vendor adapter promises, proved on its own recorded calls. A new case is two files and no Python:
`<vendor>/fixtures/<case>.http` (comments on top may be `# options: {...}` and `# secrets: [...]`) and
`<case>.expected.json`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount
from connectors.recorded import read_recorded
from connectors.registry import VENDORS, vendor
from packets.codec import from_json, to_json
from packets.conversation import fold_all
from packets.event import Event, Role, Visibility

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
CASES = sorted(HERE.glob("*/fixtures/*.http"))
SECRETS = {"canonical": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")}
NOTHING = {"decision": {"action": "continue", "rules": []}, "duplicate": False}
GOOD_ENDINGS = (MalformedWebhook, UnsupportedEvent)


def name_of(path):
    return path.parent.parent.name


def account_of(path, *secrets):
    found = re.match(rb"# options: (\{.*\})", path.read_bytes())
    options = json.loads(found[1]) if found else {}
    return VendorAccount("shop", name_of(path), secrets or secrets_of(path), options)


def secrets_of(path):
    """What this vendor's secrets look like; a vendor with special ones puts `secrets.json` beside its fixtures."""
    own = path.parent / "secrets.json"
    if found := re.search(rb"^# secrets: (\[.*\])$", path.read_bytes(), re.M):
        return tuple(json.loads(found[1]))
    return (
        tuple(json.loads(own.read_text())) if own.exists() else SECRETS.get(name_of(path), ("secret-one", "secret-two"))
    )


def calls_of(path):
    """The recorded calls of one case, signed now as the vendor would."""
    adapter, account = vendor(name_of(path)), account_of(path)
    return [adapter.sign(call.webhook(NOW), account) for call in read_recorded(path.read_bytes())]


def outcome(path):
    """What became of a case, in the form of its .expected.json."""
    adapter, account = vendor(name_of(path)), account_of(path)
    found = []
    for webhook in calls_of(path):
        try:
            events = adapter.parse(webhook, account)
            found.append({"events": [json.loads(to_json(event)) for event in events]})
        except UnsupportedEvent as error:
            found.append({"unsupported": error.kind})
        except MalformedWebhook:
            found.append({"malformed": True})
    return found


cases = pytest.mark.parametrize("path", CASES, ids=lambda p: f"{name_of(p)}-{p.stem}")
vendors = pytest.mark.parametrize("name", sorted(VENDORS))


@vendors
def test_every_vendor_has_recorded_calls_with_their_provenance(name):
    folder = HERE / name / "fixtures"

    assert len(list(folder.glob("*.http"))) >= 3
    source = (folder / "SOURCE.md").read_text("utf-8")
    assert [p.name for p in folder.glob("*.http") if p.name not in source] == []


@cases
def test_a_recorded_call_means_what_is_written_beside_it(path, update_golden):
    expected = path.with_suffix(".expected.json")
    if update_golden:
        expected.write_text(json.dumps(outcome(path), indent=1, ensure_ascii=False) + "\n", "utf-8")

    assert json.loads(json.dumps(outcome(path))) == json.loads(expected.read_text("utf-8"))


@cases
def test_a_call_as_the_vendor_signs_it_is_taken_and_either_secret_is_good(path):
    adapter, account = vendor(name_of(path)), account_of(path)
    first, second = secrets_of(path)[:2]
    rotated = account_of(path, second)

    for call in read_recorded(path.read_bytes()):
        by_new = adapter.sign(call.webhook(NOW), account_of(path, first))
        by_old = adapter.sign(call.webhook(NOW), rotated)

        assert adapter.verify(by_new, account).key_number == 0
        assert adapter.verify(by_old, account).key_number == 1


@cases
def test_an_unsigned_or_foreign_call_is_rejected_and_nothing_else_is_raised(path):
    adapter, account = vendor(name_of(path)), account_of(path)
    for webhook in calls_of(path):
        bare = next(c for c in read_recorded(path.read_bytes())).webhook(NOW)
        for hostile in ("", "x", "ä\udcff", "=,;v1,v=,d=", "sha256=", "Bearer ", "A" * 9000, "t=1,v0=zz"):
            added = webhook.headers.keys() - bare.headers.keys()
            headers = dict(webhook.headers) | dict.fromkeys(added, hostile)
            with pytest.raises(SignatureRejected):
                adapter.verify(replace(webhook, headers=headers), account)
        with pytest.raises(SignatureRejected):
            adapter.verify(webhook, account_of(path, *[s[:-3] + "abc" for s in secrets_of(path)]))


@cases
def test_the_same_call_has_the_same_key_and_gives_the_same_events(path):
    adapter, account = vendor(name_of(path)), account_of(path)
    for webhook in calls_of(path):
        again = replace(webhook, received_at=NOW + timedelta(seconds=20))
        assert adapter.verify(webhook, account).dedupe_key == adapter.verify(again, account).dedupe_key
        assert 0 < len(adapter.verify(webhook, account).dedupe_key) <= 255
        ids = [_ids(adapter, call, account) for call in (webhook, again)]
        assert ids[0] == ids[1]


def _ids(adapter, webhook, account):
    try:
        return [event.event_id for event in adapter.parse(webhook, account)]
    except GOOD_ENDINGS as error:
        return str(type(error))


@cases
def test_events_survive_being_stored_and_fold(path):
    adapter, account = vendor(name_of(path)), account_of(path)
    for webhook in calls_of(path):
        try:
            events = adapter.parse(webhook, account)
        except GOOD_ENDINGS:
            continue
        assert [from_json(Event, to_json(event)) for event in events] == list(events)
        assert len({event.event_id for event in events}) == len(events)
        for event in events:
            assert event.source == "shop"
            state = fold_all("shop", event.conversation.vendor_conversation_id, [event])
            assert all(t.visibility is Visibility.INTERNAL or t.role is not Role.SYSTEM for t in state.recent)


@cases
def test_every_answer_can_be_written_for_every_decision(path):
    adapter, account = vendor(name_of(path)), account_of(path)
    handed_off = {
        "event_id": "e",
        "conversation_id": "cnv_1",
        "duplicate": False,
        "decision": {
            "action": "escalate", "rules": ["explicit-request"], "handoff_id": "hof_1", "transfer": "warm",
            "route": "general", "tier": "short", "respond_by": "2026-11-21T11:00:00Z",
            "customer_message": "A colleague takes over <now> & \"soon\" – é",
        },
    }  # fmt: skip
    for webhook, told in product(calls_of(path), (NOTHING, handed_off, {**NOTHING, "ignored": "unknown"})):
        answer = adapter.answer(webhook, account, told)

        assert 200 <= answer.status < 300
        if answer.content_type.startswith("application/json"):
            json.loads(answer.body)


@cases
def test_damaged_variants_of_a_call_end_in_a_named_way(path):
    """Truncated, mistyped and null-ridden: each is parsed, malformed or unsupported, and never an exception."""
    adapter, account = vendor(name_of(path)), account_of(path)
    for webhook in calls_of(path):
        for body in damaged(webhook.body):
            _ends_well(adapter, replace(webhook, body=body), account)


def _ends_well(adapter, webhook, account):
    adapter.stored(webhook)
    try:
        events = adapter.parse(webhook, account)
    except GOOD_ENDINGS:
        return
    for event in events:
        to_json(event)
        fold_all("shop", event.conversation.vendor_conversation_id, [event])


def damaged(body):
    yield from (body[: len(body) * part // 7] for part in range(7))
    yield from (
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"a=b&a=c&=&%ff",
    )
    try:
        tree = json.loads(body)
    except ValueError:
        yield from (re.sub(rb"=[^&]*", b"=" + wrong, body) for wrong in (b"", b"%00", b"%ff", b"9" * 400, b"%7B"))
        return
    for place in list(places(tree))[:400]:
        for wrong in (None, "", 7, True, [], {}, "x" * 300, [None], {"a": None}, 1e308, -1, "\x00\ud800"):
            yield json.dumps(changed(tree, place, wrong)).encode()


def places(tree, here=()):
    yield here
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree[:3]) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*here, key))


def changed(tree, place, value):
    if not place:
        return value
    copy = dict(tree) if isinstance(tree, Mapping) else list(tree)
    copy[place[0]] = changed(tree[place[0]], place[1:], value)
    return copy
