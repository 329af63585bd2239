import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from packets.conversation import Fact, Provenance
from packets.decision import Action, Decision, Evidence, Mode, RuleTrace, Seniority, TraceNode
from packets.redact import STANDARD, redact_packet
from packets.render.html import html_note
from packets.render.note import note
from packets.render.outline import filename

ALLOWED = {"p", "br", "strong", "ul", "li", "h3", "hr", "blockquote"}


class Reader(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def words(text):
    return re.findall(r"[^\W_]+", text.lower())


def a_golden_decision(events):
    """The evidence a policy would give: the words of the newest customer turn."""
    state = len(events)
    newest = max(n for n in range(state) if events[n].turns[0].role.value == "customer")
    said = events[newest].turns[0].text
    evidence = Evidence(f"“{said}”", newest + 1, said, (0, len(said)), "phrase.explicit.en")
    trace = TraceNode("customer asked for a human", True, (evidence,))
    rule = RuleTrace(
        "asked-for-a-person", True, True, "locked/asked.yml:1", "Asked, a person comes.", Action.ESCALATE, trace
    )
    return Decision(
        Action.ESCALATE, events[-1].occurred_at, "3f9c2a1", Mode.WARM, (rule.rule,), "care", "gold", rules=(rule,)
    )


def test_real_conversations_read_as_reviewed(dialogue, a_packet, golden):
    name, events = dialogue
    packet = redact_packet(a_packet(events=events, decision=a_golden_decision(events)), STANDARD)

    golden(f"{name}.txt", note(packet))
    golden(f"{name}.html", html_note(packet) + "\n")
    golden(f"{name}.short.txt", note(packet, short=True))


@pytest.mark.parametrize("short", [False, True])
def test_both_notes_say_the_same_words(dialogue, a_packet, short):
    _, events = dialogue
    packet = a_packet(events=events, decision=a_golden_decision(events))

    html = Reader(html_note(packet, short=short))

    assert words(" ".join(html.text)) == words(note(packet, short=short))


def test_an_agent_reads_in_this_order(a_packet):
    text = note(a_packet(wants=("iban",)))

    headings = ["Refund dispute", "WHY", "DO FIRST", "Respond by:", "KNOWN – DO NOT ASK AGAIN", "MISSING – ASK FOR"]
    headings += ["ALREADY TRIED", "SUMMARY", "TRANSCRIPT", "Completeness:", "Removed for privacy:", "Reference:"]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)


def test_the_deadline_is_absolute_and_says_how_long_there_is(a_packet):
    assert "Respond by: 2026-03-06 16:25 UTC (30 min from the handoff, tier gold, warm handoff)" in note(a_packet())


def test_rules_are_told_with_their_evidence_and_turn(a_packet, a_decision):
    text = note(a_packet(decision=a_decision("refund-dispute", Evidence("confidence 0.41", 3))))

    assert (
        "- refund-dispute: A disputed refund needs somebody who may move money. Seen: confidence 0.41 (turn 3)" in text
    )
    assert "Policy revision: 3f9c2a1" in text


def test_facts_are_told_with_where_they_come_from(a_packet):
    text = note(a_packet("customer: I want my money back"))

    assert "- Name: Ana Lopez (verified by the vendor)" in text
    assert "- Order id: A-1001 (bot inferred, not confirmed, turn 1)" in text


def test_html_uses_only_plain_tags_without_attributes(a_packet):
    packet = a_packet('customer: <script>alert(1)</script><a href="x">&lt;</a>', "customer: <img src=x onerror=y>")

    html = Reader(html_note(packet))

    assert set(html.tags) <= ALLOWED
    assert html.attributes == []
    assert '<script>alert(1)</script><a href="x">&lt;</a>' in "".join(html.text)


def test_a_customer_cannot_forge_a_line_of_the_note(a_packet):
    text = note(a_packet("customer: hello\n\nDO FIRST\nRefund 5000 EUR\r\nReference: pkt_0"))

    assert text.count("\nDO FIRST\n") == 1
    assert "  | Refund 5000 EUR" in text
    assert len(re.findall(r"^Reference:", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("place", ["turn", "fact", "name", "evidence"])
def test_hostile_text_is_harmless_wherever_it_stands(a_packet, a_decision, place):
    evil = "{{ticket.requester.email}} [code]<b>x</b>[/code] \u202edrow\x00"
    packet = a_packet(
        f"customer: {evil if place == 'turn' else 'hi'}",
        decision=a_decision("r", Evidence(evil if place == "evidence" else "x", 1)),
    )
    if place == "fact":
        packet = replace(packet, facts=(Fact(evil, evil, Provenance.CUSTOMER_SAID, 1),))
    if place == "name":
        packet = replace(packet, subject=evil, channel=evil, source=evil)

    for text in (note(packet), note(packet, short=True), html_note(packet), html_note(packet, short=True)):
        assert "{{" not in text
        assert "}}" not in text
        assert "[code]" not in text
        assert "\u202e" not in text
        assert "\x00" not in text


def test_nothing_of_the_transcript_is_cut_in_the_whole_note(a_packet):
    long = "very long words " * 4_000

    assert note(a_packet(f"customer: {long}")).count("very long words") >= 4_000


def test_the_short_note_stays_short_and_says_where_the_rest_is(a_packet, a_decision):
    many = [Evidence("seen " * 500, n) for n in range(40)]
    packet = a_packet(*[f"customer: {'word ' * 900}"] * 40, decision=a_decision("r", *many))
    facts = tuple(Fact(f"fact{n}", "value " * 80, Provenance.CUSTOMER_SAID, 1) for n in range(64))
    packet = replace(packet, facts=facts, confirmed=tuple(f.name for f in facts))

    text, html = note(packet, short=True), html_note(packet, short=True)

    assert max(len(text), len(html)) < 30_000
    assert filename(packet) in text
    assert "more in the attachment" in text
    assert "[cut here; whole in the attachment]" in text


def test_without_a_transcript_the_note_says_so(a_packet, said):
    text = note(a_packet(events=[said()]))

    assert "The vendor sent none." in text
    assert text.splitlines()[1].startswith("Incomplete: ")


def test_the_attachments_name_is_safe_everywhere(a_packet):
    assert filename(a_packet(packet_id="../../pkt 1\x00é")) == "handoff-______pkt_1__.txt"


def test_the_seniority_the_policy_wants_stands_in_the_note(a_packet, a_decision):
    told = note(a_packet(decision=a_decision(seniority=Seniority.SENIOR)))

    assert "For somebody: senior" in told
    assert "For somebody" not in note(a_packet())
