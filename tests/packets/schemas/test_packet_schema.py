import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from packets.decision import Evidence
from packets.event import Attachment, Author, Entity, Intent, Nlu, Role, Sentiment, Turn
from packets.redact import STANDARD, redact_packet
from packets.schemas.export import packet_schema
from packets.schemas.fields import pointers
from packets.schemas.packet import canonical_json, content_hash, dump_packet, load_packet
from packets.transcript import Transcript

FULL_TURN = Turn(
    Role.CUSTOMER,
    "hi\nthere",
    1,
    "m1",
    datetime(2026, 3, 6, 15, 50, 0, 123456, tzinfo=UTC),
    nlu=Nlu(Intent("order", "i1", 0.4), (Entity("order", {"id": [1, None]}, 0.9),), True, 2, False),
    sentiment=Sentiment("negative", -0.5, 0.2),
    author=Author("u1", "Ana", "ana@example.com"),
    attachments=(Attachment("https://x.example/a.png", "a.png", "image/png", 12),),
    offset_ms=1200,
    interrupted=True,
)


@pytest.fixture
def full(a_packet, a_decision):
    decision = a_decision("refund-dispute", Evidence("“hi”", 1, "hi", (0, 2), "phrase"), Evidence("0.41"))
    packet = a_packet(decision=decision, transcript=Transcript((FULL_TURN,), "partial", "Summary"))
    return replace(packet, extra={"mood": "negative", "nested": {"list": [1, 2.5, None, True]}}, redacted={"card": 2})


def test_a_packet_survives_being_written_and_read(full):
    assert load_packet(json.loads(canonical_json(full))) == full


def test_real_conversations_survive_it_too_and_fit_the_published_schema(dialogue, a_packet):
    _, events = dialogue
    packet = redact_packet(a_packet(events=events), STANDARD)

    written = json.loads(canonical_json(packet))

    assert load_packet(written) == packet
    assert list(Draft202012Validator(packet_schema()).iter_errors(written)) == []


def test_the_full_packet_fits_the_published_schema_and_a_damaged_one_does_not(full):
    validator = Draft202012Validator(packet_schema())
    good = dump_packet(full)

    assert validator.is_valid(json.loads(json.dumps(good)))
    assert not validator.is_valid({**good, "mode": "lukewarm"})
    assert not validator.is_valid({key: good[key] for key in good if key != "reason"})


@pytest.mark.parametrize(
    ("spoil", "pointer"),
    [
        (lambda p: p.update(colour="red"), "/colour"),
        (lambda p: p.pop("subject"), "/subject"),
        (lambda p: p.update(mode="lukewarm"), "/mode"),
        (lambda p: p.update(completeness=1.5), "/completeness"),
        (lambda p: p.update(version="2"), "/version"),
        (lambda p: p["transcript"]["turns"][0].update(mood="bad"), "/transcript/turns/0/mood"),
        (lambda p: p["transcript"]["turns"][0].update(role="wizard"), "/transcript/turns/0/role"),
        (lambda p: p["reason"]["rules"][0]["evidence"][0].update(span=[1]), "/reason/rules/0/evidence/0/span"),
        (lambda p: p["facts"][0].update(turn="one"), "/facts/0/turn"),
        (lambda p: p.update(redacted={"card": -1}), "/redacted/card/value"),
    ],
)
def test_what_is_wrong_with_a_packet_is_named_with_its_place(full, spoil, pointer):
    value = json.loads(canonical_json(full))
    spoil(value)

    with pytest.raises(ValidationError) as caught:
        load_packet(value)

    assert [place for place, _ in pointers(caught.value)] == [pointer]


def test_the_hash_is_of_the_content_and_not_of_how_it_is_ordered(full):
    reordered = replace(full, extra=dict(reversed(full.extra.items())), redacted=dict(full.redacted))

    assert content_hash(reordered) == content_hash(full)
    assert content_hash(replace(full, subject=full.subject + ".")) != content_hash(full)
    assert len(content_hash(full)) == 64


def test_the_canonical_bytes_are_sorted_utf_8_without_blanks(a_packet):
    written = canonical_json(a_packet("customer: Grüße 👋"))

    assert "Grüße 👋".encode() in written
    assert (
        json.dumps(json.loads(written), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == written
    )


@given(text=st.text(st.characters(codec=None), max_size=30))
def test_any_text_at_all_can_be_written_and_hashed(text):
    turn = replace(FULL_TURN, text=text)
    packet = replace(SKELETON, transcript=Transcript((turn,)))

    assert canonical_json(packet).decode("utf-8")
    assert content_hash(packet) == content_hash(packet)


def test_a_number_that_json_cannot_hold_is_refused(full):
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(replace(full, extra={"x": float("nan")}))


def _skeleton():
    from packets.decision import Mode
    from packets.handoff import Packet, Reason, Recommended

    now = datetime(2026, 3, 6, tzinfo=UTC)
    return Packet(
        "p", "h", "c", "s", "v", "web_chat", now, Mode.WARM, "r", "t", now, "subject", Transcript(()),
        (), (), (), (), Reason("why", (), "rev"), Recommended("do"),
    )  # fmt: skip


SKELETON = _skeleton()
