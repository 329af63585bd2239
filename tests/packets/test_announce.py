"""The one line for whoever takes a handoff: who, about what, what counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.announce import LONGEST, announcement_of, spoken
from packets.conversation import Conversation, Fact, Provenance
from packets.decision import Action, Decision, Evidence, RuleTrace, TraceNode
from packets.event import Channel, Customer, HandoffAsked
from packets.redact.packet import redact_packet
from packets.redact.profile import PROFILES
from packets.schemas.packet import dump_packet, load_packet

NOW = None


def decided(rule="explicit-request", asked=0):
    """A decision of one rule; asked: on how many turns the customer asked for a person."""
    evidence = tuple(Evidence("“a person”", turn=turn) for turn in range(asked))
    node = TraceNode("customer_asked_for", held=bool(asked), evidence=evidence)
    trace = RuleTrace(rule, True, True, "x.yml:1", "Why.", Action.ESCALATE, node)
    return Decision(Action.ESCALATE, NOW, "rev", because=(rule,), rules=(trace,))


def talk(name=None, *, facts=(), failed=None, channel=Channel.VOICE, reason=None):
    return Conversation(
        "shop",
        "c-1",
        channel=channel,
        customer=Customer(name=name),
        facts=tuple(Fact(n, v, Provenance.CUSTOMER_SAID) for n, v in facts),
        failed_tasks=failed or {},
        handoff_asked=HandoffAsked(reason_text=reason) if reason else None,
    )


@pytest.mark.parametrize(
    ("conversation", "decision", "problem", "expected"),
    [
        (
            talk("John Doe", facts=[("topic", "enterprise_pricing")]), decided(asked=2), None,
            "John Doe, about enterprise pricing, asked twice for a person",
        ),
        (
            talk("Ana Lopez", facts=[("order_id", "A-1001")], failed={"order_lookup": 3}), decided("same-task-failed"),
            None, "Ana Lopez, about order A-1001, order lookup failed 3 times",
        ),
        (talk(facts=[("topic", "refunds"), ("order_id", "7")]), decided("fraud"), None,
         "A customer on the phone, about refunds (order 7), fraud"),
        (talk(), decided(asked=1), "my parcel never arrived",
         "A customer on the phone, about “my parcel never arrived”, asked for a person"),
        (talk(channel=Channel.WHATSAPP), decided("low-confidence"), None, "A customer on whatsapp, low confidence"),
        (talk(reason="wants a discount"), decided("bot-asked"), None,
         "A customer on the phone, about “wants a discount”, bot asked"),
    ],
)  # fmt: skip
def test_it_says_who_about_what_and_what_counts(conversation, decision, problem, expected):
    assert announcement_of(conversation, decision, problem) == expected


def test_a_long_problem_is_quoted_short_and_the_count_stays():
    told = announcement_of(talk("Ana"), decided(asked=3), "I have been waiting for weeks and nobody at all has told me")

    assert told == "Ana, about “I have been waiting for weeks and…”, asked 3 times for a person"


@given(st.text(max_size=400))
def test_whatever_somebody_wrote_it_is_one_short_line_of_words_and_plain_signs(text):
    told = spoken(text)

    assert len(told) <= LONGEST
    assert not set(told) & set("<>{}[]|\\^`~*\n\r\t\x00")
    assert spoken(told) == told


@pytest.mark.parametrize("hostile", ["<Dial>+1900</Dial>", "{{ticket.id}}", "a\u202eb", "[code]x[/code]", "x\ny"])
def test_what_could_do_something_does_nothing(hostile):
    told = announcement_of(talk(hostile), decided())

    assert not set(told) & set("<>{}[]\u202e\n")


def test_it_is_redacted_with_the_packet_and_survives_being_stored(a_packet, said):
    packet = a_packet(events=[said("customer: my card 4111 1111 1111 1111 was charged twice")])

    kept = redact_packet(packet, PROFILES["standard"])

    assert "4111 1111" not in kept.announcement
    assert load_packet(dump_packet(kept)) == kept


def test_a_packet_of_the_version_before_is_read_without_one(a_packet, said):
    stored = dump_packet(a_packet(events=[said("customer: hello")]))
    stored["version"] = "1"
    del stored["announcement"]

    assert load_packet(stored).announcement == ""
