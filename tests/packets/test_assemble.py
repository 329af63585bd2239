from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from packets.assemble import assemble
from packets.conversation import fold_all, handed_off
from packets.decision import Evidence, Mode, Seniority, TraceNode
from packets.event import BotOutcome, Context, Customer, EventKind, HandoffAsked, Intent, Nlu, Role, ToolCall, Turn
from packets.handoff import Attempt
from packets.schemas.packet import content_hash
from packets.transcript import Transcript, transcript

PERSON = "customer asked for a human"


def asked_about_refunds(a_decision, *turns):
    """A rule that fires because of the topic and because the customer asked for a person."""
    topic = TraceNode("topic is refunds", True, (Evidence("“refund”", 1, "refund", (3, 9)),))
    trace = TraceNode("all of", True, children=(topic, TraceNode(PERSON, True, tuple(asked(*turns)))))
    decision = a_decision("refund-dispute")
    return replace(decision, rules=(replace(decision.rules[0], trace=trace),))


def asked(*turns):
    return [Evidence("“a person”", turn, "a person", (0, 8)) for turn in turns]


def test_the_subject_tells_what_who_which_and_what_went_wrong(a_packet, a_decision):
    packet = a_packet(decision=asked_about_refunds(a_decision, 3, 5))

    assert packet.subject == "Refund dispute – Ana Lopez – order A-1001 (asked twice for a person)"


def test_the_headline_holds_nothing_of_the_customer(a_packet, a_decision):
    packet = a_packet(decision=asked_about_refunds(a_decision, 3))

    assert packet.reason.headline == "Refund dispute: asked for a person"


def test_the_customers_concern_leads_before_the_rule_that_fired(a_packet, a_decision, said):
    nlu = Nlu(intent=Intent("order_status"))
    events = [said(turns=(Turn(Role.CUSTOMER, "where is it", nlu=nlu),), customer=Customer(name="Ana Lopez"))]

    packet = a_packet(events=events, decision=a_decision("same-task-failed"))

    assert packet.subject == "Order status – Ana Lopez (same task failed)"


def test_a_locked_rule_leads_before_everything(a_packet, a_decision, said):
    nlu = Nlu(intent=Intent("order_status"))
    events = [said(turns=(Turn(Role.CUSTOMER, "it burned the carpet", nlu=nlu),))]

    packet = a_packet(events=events, decision=a_decision("product-safety", locked=True))

    assert packet.subject == "Product safety – web chat customer (order status)"


def test_where_nothing_else_is_known_the_subject_quotes_the_problem(a_packet, a_decision, said):
    events = [said("customer: Hi there, my heating makes a terrible noise every night since the engineer was here")]

    packet = a_packet(events=events, decision=a_decision("asked-for-a-person", *asked(1), condition=PERSON))

    assert packet.subject == (
        "Asked for a person – web chat customer – “my heating makes a terrible noise every night since the…”"
    )
    assert packet.reason.headline == "Asked for a person, on web chat"


def test_failed_tasks_show_in_the_subject(a_packet, a_decision, said):
    call = ToolCall("lookup", False, task="order_lookup", error="timeout")
    events = [said("customer: order 31", context=Context(tool_calls=(call, call)))]

    packet = a_packet(events=events, decision=a_decision("same-task-failed"))

    assert packet.subject == "Same task failed – web chat customer (order lookup failed twice)"


def test_a_vendors_own_request_is_named_where_no_rule_fired(a_packet, a_decision, said):
    asked = HandoffAsked("bot_failure", reason_text="two dead ends", agent_note="be kind")
    events = [said("customer: hi", kind=EventKind.HANDOFF_REQUESTED, handoff=asked)]

    packet = a_packet(events=events, decision=a_decision(because=(), rules=()))

    assert packet.subject == "The bot asked for a person (bot failure) – web chat customer"
    assert packet.extra["vendor_reason"] == "two dead ends"
    assert packet.extra["agent_note"] == "be kind"


def test_nobodys_name_or_number_is_too_long_for_a_subject(a_packet, said):
    packet = a_packet(events=[said("customer: hi", customer=Customer(name="x" * 300, external_id="y" * 300))])

    assert packet.subject == "Refund dispute – web chat customer"


def test_only_conditions_that_held_give_evidence(a_packet, a_decision):
    yes, no = Evidence("0.41", 3), Evidence("0.92", 2)
    decision = a_decision("unsure", yes)
    held = TraceNode("any", True, children=(TraceNode("a", True, (yes,)), TraceNode("b", False, (no,))))
    decision = replace(decision, rules=(replace(decision.rules[0], trace=held),))

    (rule,) = a_packet(decision=decision).reason.rules

    assert rule.evidence == (yes,)
    assert rule.why == "A disputed refund needs somebody who may move money."


def test_attempts_are_one_line_per_task_and_ending(a_packet, said):
    failed = ToolCall("get_order", False, task="order_lookup", error="no match")
    worked = ToolCall("get_invoice", True, result={"total": 12})
    missed = Turn(Role.CUSTOMER, "gnarf", nlu=Nlu(is_fallback=True))
    events = [said(turns=(missed,), context=Context(tool_calls=(failed, worked, failed)))]

    packet = a_packet(events=events)

    assert packet.tried == (
        Attempt("order lookup", False, "no match", 2),
        Attempt("get invoice", True, '{"total": 12}', 1),
        Attempt("understand the customer", False, "the bot matched nothing it knows", 1),
    )


@pytest.mark.parametrize(
    ("wants", "missing"),
    [
        (("order", "email"), ()),
        (("order_number",), ()),
        (("iban", "email", "invoice"), ("iban", "invoice")),
        (("contact",), ()),
        ((), ()),
    ],
)
def test_what_the_route_wants_and_nobody_gave_is_missing_in_order_of_need(a_packet, wants, missing):
    assert a_packet(wants=wants).missing == missing


def test_what_the_bot_guessed_is_not_confirmed_and_what_the_customer_said_is(a_packet):
    guessed, said = a_packet("customer: I want my money back"), a_packet("customer: A-1001 never came")

    assert "order_id" in [fact.name for fact in guessed.facts]
    assert set(guessed.confirmed) == {"name", "email"}
    assert set(said.confirmed) == {"name", "email", "order_id"}


def test_the_policys_recommendation_is_taken_as_it_is(a_packet, a_decision):
    packet = a_packet(decision=a_decision(recommended="Call her.", identity_check=True))

    assert packet.recommended.action == "Call her."
    assert packet.recommended.identity_check is True
    assert packet.recommended.playbook == "refund-check"


def test_without_one_the_first_step_follows_from_what_is_missing_and_what_failed(a_packet, a_decision, said):
    call = ToolCall("lookup", False, task="refund_lookup")
    events = [said("customer: hi", context=Context(tool_calls=(call, call)))]

    packet = a_packet(events=events, wants=("order", "email"), decision=a_decision(identity_check=True))

    assert packet.recommended.action == (
        "Check the customer's identity, then ask for order and email, "
        "then do by hand what the bot could not: refund lookup (failed twice)."
    )


def test_the_summary_quotes_the_problem_what_was_tried_and_the_newest_line(a_packet):
    packet = a_packet("customer: Hi there!", "customer: My refund is late", "bot: hm", "customer: a person please")

    assert packet.transcript.summary == ("Customer (turn 2): “My refund is late”\nNewest (turn 4): “a person please”")


def test_the_vendors_summary_is_kept(a_packet, said):
    events = [said("customer: my refund is late", bot_outcome=BotOutcome(summary="Refund is late."))]

    assert a_packet(events=events).transcript.summary == "Refund is late."


def test_a_long_line_in_the_summary_is_cut_between_words_and_never_in_a_number(a_packet):
    packet = a_packet(f"customer: {'word ' * 56}4242 4242 4242 4242 and so on")

    assert packet.transcript.summary.endswith("word…”")


def test_without_the_log_the_turns_still_known_are_better_than_none(said, a_decision):
    event = said("customer: where is my order")
    now = event.occurred_at

    packet = assemble(
        packet_id="p",
        handoff_id="h",
        conversation_id="c",
        conversation=fold_all("webshop-bot", "c-1", [event]),
        transcript=Transcript((), "none"),
        decision=a_decision(),
        wants=(),
        respond_by=now,
        now=now,
    )

    assert [t.text for t in packet.transcript.turns] == ["where is my order"]
    assert packet.transcript.completeness == "partial"


def test_times_are_utc_whatever_zone_they_come_in(said, a_decision):
    berlin = datetime(2026, 3, 6, 17, 0, tzinfo=timezone(timedelta(hours=1)))

    packet = assemble(
        packet_id="p",
        handoff_id="h",
        conversation_id="c",
        conversation=fold_all("webshop-bot", "c-1", [said("customer: hi")]),
        transcript=transcript([said("customer: hi")]),
        decision=a_decision(mode=None),
        wants=(),
        respond_by=berlin,
        now=berlin,
    )

    assert packet.respond_by.isoformat() == "2026-03-06T16:00:00+00:00"
    assert packet.mode is Mode.WARM


def test_the_same_input_gives_the_same_packet(a_packet):
    assert content_hash(a_packet()) == content_hash(a_packet())


def test_a_conversation_already_handed_off_assembles_too(said, a_packet):
    state = handed_off(fold_all("webshop-bot", "c-1", [said("customer: hi")]))

    assert state.holder.value == "pending_human"
    assert a_packet("customer: hi").subject


def test_the_subject_quotes_the_words_that_made_the_rule_fire_not_small_talk_before_them(a_packet, a_decision, said):
    decision = a_decision(
        "payment-fraud", Evidence("“fraud”", 3, "fraud", (12, 17)), condition="topic is fraud", locked=True
    )
    lines = ("customer: I would like to book a table", "bot: Sure.", "customer: oh no, file a fraud report please")

    packet = a_packet(decision=decision, events=[said(*lines, at=1)])

    assert packet.subject == "Payment fraud – web chat customer – “oh no, file a fraud report please”"


def test_who_is_wanted_and_what_the_bot_asks_meanwhile_go_with_the_packet(a_packet, a_decision):
    wanted = a_packet(decision=a_decision(seniority=Seniority.LEAD, collect=("phone",)))

    assert (wanted.extra["seniority"], wanted.extra["asked_for"]) == ("lead", ["phone"])
    assert not {"seniority", "asked_for"} & a_packet().extra.keys()
