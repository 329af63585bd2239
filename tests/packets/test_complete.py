from dataclasses import replace

import pytest

from packets.complete import WEIGHTS, assess, completed, is_empty
from packets.decision import Evidence
from packets.event import Customer
from packets.handoff import Reason
from packets.transcript import Transcript


def test_the_weights_are_a_whole():
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


def test_a_packet_with_everything_is_whole(a_packet, a_decision):
    packet = a_packet(decision=a_decision("refund-dispute", Evidence("0.41", 1)))

    assert packet.completeness == 1.0
    assert assess(packet).lacks == ()


@pytest.mark.parametrize(
    ("lost", "part", "lack"),
    [
        ({"transcript": Transcript((), "none")}, "transcript", "the transcript"),
        ({"customer_name": None, "facts": ()}, "who", "who the customer is"),
        ({"customer_email": None}, "reach", "an e-mail address or phone number to reach the customer"),
        ({"missing": ("order", "email")}, "facts", "order and email"),
        ({"reason": Reason("", (), "r")}, "reason", "why it was handed to people"),
    ],
)
def test_each_thing_lost_costs_its_weight_and_is_named(a_packet, a_decision, lost, part, lack):
    whole = a_packet(decision=a_decision("refund-dispute", Evidence("0.41", 1)))

    less = assess(replace(whole, **lost))

    assert less.score <= round(1 - WEIGHTS[part], 2)
    assert lack in less.lacks


def test_part_of_the_transcript_and_part_of_the_facts_count_in_part(a_packet, a_decision):
    whole = a_packet(decision=a_decision("refund-dispute", Evidence("0.41", 1)))

    half = replace(whole, transcript=replace(whole.transcript, completeness="partial"), missing=("order",))

    lost = WEIGHTS["transcript"] / 2 + WEIGHTS["facts"] / 2
    assert assess(half).score == pytest.approx(1 - lost, abs=0.006)


def test_the_weightiest_lack_is_named_first(a_packet):
    packet = replace(a_packet(), transcript=Transcript((), "none"), customer_email=None)

    assert assess(packet).lacks[:2] == (
        "the transcript",
        "an e-mail address or phone number to reach the customer",
    )


def test_an_empty_packet_says_so_and_says_where_to_look(a_packet, said, a_decision):
    packet = a_packet(events=[said()], decision=a_decision(), wants=("order",))

    assert is_empty(packet)
    assert packet.subject == "Incomplete: Refund dispute – web chat customer"
    assert packet.recommended.action == (
        "This packet is incomplete. First look up c-1 at the vendor, then ask the customer for their problem and order."
    )
    assert "the transcript" in packet.extra["incomplete"]
    assert packet.completeness < 0.4


def test_marking_twice_changes_nothing(a_packet, said):
    packet = a_packet(events=[said()])

    assert completed(packet) == packet


@pytest.mark.parametrize("kind", ["words", "facts", "evidence"])
def test_anything_a_person_can_use_makes_a_packet_not_empty(a_packet, said, a_decision, kind):
    events = [
        said("customer: hello?")
        if kind == "words"
        else said(customer=Customer(name="Ana") if kind == "facts" else None)
    ]
    decision = a_decision("r", Evidence("0.41")) if kind == "evidence" else a_decision()

    assert not is_empty(a_packet(events=events, decision=decision))
