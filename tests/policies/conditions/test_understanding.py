import pytest

from packets.conversation import Conversation
from packets.event import Context, EventKind, HandoffAsked, Role, ToolCall, Turn, Visibility
from policies.conditions import CONDITIONS


def test_every_condition_has_a_reference_page_that_shows_its_use():
    for name, condition in CONDITIONS.items():
        assert f"{name}:" in condition.doc, name


def test_a_request_for_a_person_shows_the_exact_words_and_where_they_stand(judged):
    node = judged("{customer_asked_for: human}", "Hi. Get me AN AGENT!")

    (evidence,) = node.evidence
    assert node.held
    assert evidence.text == "AN AGENT"
    assert "Hi. Get me AN AGENT!"[slice(*evidence.span)] == "AN AGENT"
    assert (evidence.turn, evidence.detector) == (1, "ask")


def test_words_that_do_not_count_are_shown_with_the_reason(judged):
    node = judged("{customer_asked_for: human}", "I do not want an agent")

    assert not node.held
    assert node.evidence[0].said == "“an agent”, but negated"


@pytest.mark.parametrize("asked", [HandoffAsked(reason_code="customer_request"), HandoffAsked(requested_by="customer")])
def test_a_vendor_that_says_the_customer_asked_is_believed(judged, asked):
    node = judged("{customer_asked_for: human}", "ok", kind=EventKind.HANDOFF_REQUESTED, handoff=asked)

    assert node.held


def test_only_what_the_newest_event_brought_is_judged(judged):
    assert judged("{topic: legal}", "my lawyer").held
    assert not judged("{topic: legal}", "my lawyer", "never mind").held


def test_every_customer_turn_of_a_whole_transcript_is_judged(judged):
    turns = (Turn(Role.CUSTOMER, "my lawyer"), Turn(Role.BOT, "Oh."), Turn(Role.CUSTOMER, "bye"))

    node = judged("{topic: legal}", "x", turns=turns)

    assert node.evidence[0].turn == 1


@pytest.mark.parametrize(
    "turn",
    [
        Turn(Role.BOT, "my lawyer"),
        Turn(Role.AGENT, "my lawyer"),
        Turn(Role.CUSTOMER, "my lawyer", visibility=Visibility.INTERNAL),
    ],
)
def test_words_that_are_not_the_customers_own_never_count(judged, turn):
    assert not judged("{topic: legal}", "x", turns=(turn,)).held


def test_a_vendors_intent_raises_a_topic_without_words(judged, nlu):
    node = judged("{topic: fraud}", (Role.CUSTOMER, "カード", nlu("Report-Fraud", 0.91)))

    assert node.held
    assert node.evidence[0].said == "intent Report-Fraud (0.91)"


def test_a_vendors_other_intent_does_not_lower_a_topic(judged, nlu):
    assert judged("{topic: legal}", (Role.CUSTOMER, "my lawyer", nlu("order_status", 0.99))).held


def test_an_intent_left_from_an_earlier_turn_says_nothing(judged, nlu):
    assert not judged("{topic: fraud}", (Role.CUSTOMER, "hm", nlu("report_fraud", intent_is_current=False))).held


def test_misunderstandings_count_in_a_row(judged, nlu):
    lost = (Role.CUSTOMER, "blah", nlu(is_fallback=True))

    assert judged("{unmatched: {times: 2}}", lost, lost).held
    assert not judged("{unmatched: {times: 2}}", lost).held
    assert not judged("{unmatched: {times: 2}}", lost, "order", lost).held


@pytest.mark.parametrize(
    ("told", "held", "said"),
    [
        ([0.9, 0.5, 0.4], True, "0.50, 0.40"),
        ([0.5, 0.9], False, "0.50, 0.90"),
        ([0.4, None], False, "0.40, unknown"),
        ([None, None], False, "unknown, unknown"),
        ([0.4], False, "0.40"),
        ([0.55, 0.1], False, "0.55, 0.10"),
        ([], False, "unknown"),
    ],
)
def test_low_confidence_must_be_known_and_last(judged, told, held, said):
    node = judged(
        "{bot_confidence: {below: 0.55, for: 2 turns}}", state=Conversation("s", "c", confidences=tuple(told))
    )

    assert (node.held, node.evidence[0].said) == (held, said)
    assert node.condition == "bot_confidence below 0.55 for 2 turns"


def test_failures_of_one_task_count_and_a_success_clears_them(judged):
    def tried(*outcomes):
        return Context(tool_calls=tuple(ToolCall("look_up", ok) for ok in outcomes))

    assert judged("{task_failed: {times: 2}}", "where is it", context=tried(False, False)).held
    assert not judged("{task_failed: {times: 2}}", "where is it", context=tried(False, True, False)).held


def test_failures_of_several_tasks_add_up_only_when_asked(judged):
    state = Conversation("s", "c", failed_tasks={"look_up": 1, "refund": 1})

    assert not judged("{task_failed: {times: 2, same_task: true}}", state=state).held
    assert judged("{task_failed: {times: 2, same_task: false}}", state=state).held


def test_the_vendors_own_request_holds_until_it_is_answered(judged):
    asked = HandoffAsked(reason_code="policy")

    node = judged("{bot_asked_for: handoff}", state=Conversation("s", "c", handoff_asked=asked))

    assert (node.held, node.evidence[0].said) == (True, "reason policy")
    assert not judged("{bot_asked_for: handoff}", state=Conversation("s", "c")).held


@pytest.mark.parametrize(
    ("requested_by", "hard"), [(None, True), ("rule", True), ("human", True), ("customer", True), ("bot", False)]
)
def test_only_the_bots_own_wish_is_a_recommendation(judged, requested_by, hard):
    state = Conversation("s", "c", handoff_asked=HandoffAsked(requested_by=requested_by))

    assert judged("{bot_asked_for: hard_handoff}", state=state).held is hard
    assert judged("{bot_asked_for: recommended_handoff}", state=state).held is not hard
    assert judged("{bot_asked_for: handoff}", state=state).held


def test_a_wish_to_be_called_is_told_apart_from_one_to_speak_now(judged):
    state = Conversation(
        "s", "c", handoff_asked=HandoffAsked("customer_request", requested_by="customer", callback=True)
    )

    assert judged("{customer_asked_for: callback}", state=state).held
    assert judged("{bot_asked_for: hard_handoff}", state=state).held
    assert not judged("{customer_asked_for: human}", state=state).held
    assert not judged("{customer_asked_for: callback}", "I want a human").held


def test_all_any_and_not_join_conditions_and_judge_every_branch(judged):
    node = judged("{all: [{any: [{topic: legal}, {topic: fraud}]}, {not: {unmatched: {times: 1}}}]}", "my lawyer")

    either, neither = node.children
    assert node.held
    assert [child.held for child in either.children] == [True, False]
    assert neither.held
    assert not neither.children[0].held
