from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.conversation import Fact, Provenance
from packets.decision import Evidence, TraceNode
from packets.event import Author, Entity, Nlu, Role, Turn
from packets.handoff import Attempt
from packets.redact import STANDARD, STRICT, Profile, redact_decision, redact_evidence, redact_packet, redact_text
from packets.schemas.packet import canonical_json
from packets.transcript import Transcript

CARD = "4242 4242 4242 4242"


def with_card_everywhere(packet):
    nlu = Nlu(entities=(Entity("card", CARD),))
    turn = Turn(Role.CUSTOMER, f"my card {CARD} was charged", 1, nlu=nlu, author=Author(name=CARD))
    quoted = Evidence(f"“my card {CARD}”", 1, f"my card {CARD}", (0, 27))
    rule = replace(packet.reason.rules[0], evidence=(quoted,))
    return replace(
        packet,
        subject=f"Refund – {CARD}",
        transcript=Transcript((turn,), summary=f"Card {CARD}"),
        facts=(Fact("note", CARD, Provenance.CUSTOMER_SAID, 1), Fact("pin", "7402", Provenance.CUSTOMER_SAID, 1)),
        tried=(Attempt("charge", False, f"refused {CARD}"),),
        reason=replace(packet.reason, rules=(rule,)),
        extra={"agent_note": [{"deep": CARD}], "number": 4242424242424242},
    )


def test_a_card_leaves_by_no_door(a_packet):
    clean = redact_packet(with_card_everywhere(a_packet()), STANDARD)

    stored = canonical_json(clean).decode()
    assert CARD not in stored
    assert "4242424242424242" not in stored
    assert "7402" not in stored


def test_what_was_removed_is_counted_by_kind(a_packet):
    packet = a_packet(f"customer: {CARD} and my password is hunter2", "customer: DE89370400440532013000")

    assert redact_packet(packet, STANDARD).redacted == {"card": 1, "iban": 1, "secret": 1}


def test_redacting_a_packet_twice_changes_nothing(a_packet):
    once = redact_packet(with_card_everywhere(a_packet()), STANDARD)

    assert redact_packet(once, STANDARD) == once


def test_the_strict_profile_keeps_the_requester_reachable_and_nobody_elses_address(a_packet):
    clean = redact_packet(a_packet("customer: ask bob@example.com"), STRICT)

    assert clean.customer_email == "ana@example.com"
    assert clean.transcript.turns[0].text == "ask [e-mail removed]"
    assert next(f.value for f in clean.facts if f.name == "email") == "[e-mail removed]"


def test_without_contact_even_the_requester_has_no_address(a_packet):
    clean = redact_packet(a_packet(), replace(STRICT, contact=False))

    assert (clean.customer_email, clean.customer_phone) == (None, None)


def test_evidence_keeps_its_span_where_its_turn_did_not_change(a_packet, a_decision):
    decision = a_decision("asked", Evidence("“a human”", 1, "a human", (5, 12)))
    packet = a_packet("customer: give a human", decision=decision)

    assert redact_packet(packet, STANDARD).reason.rules[0].evidence[0].span == (5, 12)


def test_the_span_moves_with_words_behind_something_removed(a_packet, a_decision):
    text = f"{CARD} is my card, give me a human"
    start = text.index("a human")
    decision = a_decision("asked", Evidence("“a human”", 1, "a human", (start, start + 7)))

    (rule,) = redact_packet(a_packet(f"customer: {text}", decision=decision), STANDARD).reason.rules

    (found,) = rule.evidence
    clean = "[card ••••4242] is my card, give me a human"
    assert clean[found.span[0] : found.span[1]] == found.text == "a human"


def test_half_a_card_number_quoted_as_evidence_goes_as_a_whole():
    turn = Turn(Role.CUSTOMER, f"pay {CARD}", 3)
    half = Evidence("“4242 4242”", 3, "4242 4242", (4, 13))

    clean = redact_evidence(half, STANDARD, [turn])

    assert "4242" not in clean.said
    assert clean.text == "[removed]"
    assert clean.span is None


def test_a_stored_decision_holds_no_card_in_its_trace_or_facts(a_decision):
    inner = TraceNode("topic", True, (Evidence(f"“{CARD}”", 1, CARD, (0, 19)),))
    decision = a_decision(facts={"last_words": f"use {CARD}", "confidence": 0.41, "nested": [{"x": CARD}]})
    trace = replace(decision.rules[0], trace=TraceNode("all", True, children=(inner,)))

    clean = redact_decision(replace(decision, rules=(trace,), customer_message=CARD), STANDARD)

    assert CARD not in repr(clean)
    assert clean.facts["confidence"] == 0.41
    assert clean.rules[0].trace.children[0].evidence[0].span is None


@pytest.mark.parametrize(
    "profile", [STANDARD, STRICT, Profile("local", False, False, False, "US")], ids=lambda p: p.name
)
@given(text=st.text(max_size=120) | st.text(st.sampled_from("4242 -+@.aX:=is password[card••••1]{}"), max_size=60))
def test_redacting_any_text_twice_changes_nothing(profile, text):
    once = redact_text(text, profile).text

    assert redact_text(once, profile).text == once
    assert redact_text(once, profile).counts == {}
