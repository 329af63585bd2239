import re
from dataclasses import replace

import pytest

from packets.conversation import Fact, Provenance
from packets.draft import Priority
from packets.event import Customer
from packets.redact import STANDARD, redact_packet
from packets.render.fields import neutral_fields, web_address
from packets.render.ticket import LONGEST_SUBJECT, public_text, requester, tags, ticket_draft


def test_the_neutral_fields_have_exactly_these_names(a_packet):
    fields = neutral_fields(a_packet(url="https://bots.example/c/1"))

    assert fields == {
        "packet_id": "pkt_7Q2",
        "reason": "Refund dispute, on web chat",
        "channel": "web_chat",
        "tier": "gold",
        "respond_by": "2026-03-06T16:25:00Z",
        "rules": "refund-dispute",
        "source": "webshop-bot",
        "conversation_url": "https://bots.example/c/1",
        "completeness": "0.90",
        "language": "en",
    }


def test_what_is_not_known_is_an_empty_field(a_packet):
    fields = neutral_fields(a_packet(url=None, language=None))

    assert (fields["conversation_url"], fields["language"]) == ("", "")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//x", "http://", "https://[", "https://a b", None]
)
def test_only_a_web_address_is_a_link_an_agent_may_click(url):
    assert web_address(url) == ""


def test_the_draft_carries_the_packet(a_packet):
    packet = redact_packet(a_packet(), STANDARD)

    draft = ticket_draft(packet, priority=Priority.HIGH)

    assert draft.subject == packet.subject
    assert draft.group == "payments"
    assert draft.priority is Priority.HIGH
    assert draft.tags == ("baton", "baton_payments", "baton_tier_gold", "baton_rule_refund-dispute")
    assert draft.requester.name == "Ana Lopez"
    assert "TRANSCRIPT" in draft.note_text
    assert "<h3>Transcript" in draft.note_html
    assert draft.transcript_attachment.filename == "handoff-pkt_7Q2.txt"
    assert draft.transcript_attachment.filename in draft.note_short_text
    assert draft.transcript_attachment.content == draft.note_text


@pytest.mark.parametrize(
    ("language", "begins"),
    [("de-AT", "Ihr"), ("es", "Su"), ("fr-CA", "Votre"), ("en", "Your"), ("ja", "Your"), (None, "Your")],
)
def test_the_customer_reads_one_line_in_their_language(language, begins):
    assert public_text(language).startswith(begins)


def test_the_public_line_holds_nothing_of_the_case(a_packet):
    one = ticket_draft(a_packet("customer: my secret problem"), priority=Priority.LOW)
    other = ticket_draft(a_packet("customer: something else", customer_name="Bob"), priority=Priority.CRITICAL)

    assert one.public_text == other.public_text


def test_a_long_subject_is_cut_where_no_helpdesk_would_do_it_silently(a_packet):
    draft = ticket_draft(a_packet(subject="word " * 100), priority=Priority.LOW)

    assert len(draft.subject) <= LONGEST_SUBJECT
    assert draft.subject.endswith("…")


def test_tags_hold_only_what_every_helpdesk_takes(a_packet):
    found = tags(a_packet(route="Über Spezial/7", tier="gold plus"))

    assert all(re.fullmatch(r"[a-z0-9_-]+", tag) for tag in found)
    assert "baton_tier_gold_plus" in found


@pytest.mark.parametrize("email", ["not an address", "a@b", "x@y.com\nBcc: z@y.com", "<a@b.com>", ""])
def test_what_is_no_address_is_not_written_to(a_packet, email):
    assert requester(a_packet(customer_email=email)).email is None


def test_a_customer_without_a_name_is_still_somebody(a_packet):
    assert requester(a_packet(customer_name=None)).name == "Customer of webshop-bot (web_chat)"


@pytest.mark.parametrize(
    ("provenance", "account"), [(Provenance.VENDOR_VERIFIED, "u-77"), (Provenance.BOT_INFERRED, None)]
)
def test_only_a_verified_account_joins_the_helpdesks_user(a_packet, provenance, account):
    packet = replace(a_packet(), facts=(Fact("account", "u-77", provenance),))

    assert requester(packet).external_id == account


def test_a_customers_name_cannot_break_out_of_its_field(a_packet, said):
    packet = a_packet(events=[said("customer: hi", customer=Customer(name="Ana\r\n{{x}}"))])

    assert requester(packet).name == "Ana {\u200b{x}\u200b}"
