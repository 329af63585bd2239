from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.conversation import (
    KEPT_FACTS,
    KEPT_TOOL_CALLS,
    KEPT_VALUE,
    RECENT_TEXT,
    RECENT_TURNS,
    Conversation,
    Fact,
    Holder,
    Provenance,
    fold,
    fold_all,
    handed_off,
)
from packets.event import (
    CallbackAsked,
    Context,
    ConversationInfo,
    Customer,
    Entity,
    Event,
    EventKind,
    HandoffAsked,
    Intent,
    Nlu,
    Role,
    ToolCall,
    Turn,
    Visibility,
)

START = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)


def folded(*events):
    return fold_all("webshop-bot", "c-1", events)


def test_turns_are_counted_and_placed_in_the_order_they_came(said):
    state = folded(said("customer: hi", at=1), said("bot: hello", "customer: where is it", at=2))

    assert (state.turns, state.customer_turns, state.bot_turns) == (3, 2, 1)
    assert [(t.position, t.text) for t in state.recent] == [(1, "hi"), (2, "hello"), (3, "where is it")]
    assert [t.text for t in state.new_turns] == ["hello", "where is it"]


def test_a_message_that_comes_again_counts_once(said):
    event = said("customer: hi", at=1)

    once, twice = folded(event), folded(event, event)

    assert twice.turns == once.turns == 1
    assert twice.new_turns == ()


def test_a_message_id_twice_in_one_event_counts_once(said):
    turn = Turn(Role.CUSTOMER, "hi", message_id="m1")

    state = folded(said(turns=(turn, turn)))

    assert state.turns == 1


def test_a_whole_transcript_after_its_turns_counts_nothing_again(said):
    one_by_one = [said(f"customer: turn {n}", at=n) for n in range(30)]
    whole = said(at=40, turns=tuple(t for event in one_by_one for t in event.turns), kind=EventKind.HANDOFF_REQUESTED)

    state = folded(*one_by_one, whole)

    assert state.turns == 30
    assert state.new_turns == ()
    assert state.recent[-1].text == "turn 29"


def test_turns_without_an_id_are_each_their_own(said):
    state = folded(said("customer: yes", at=1, message_ids=False), said("customer: yes", at=2, message_ids=False))

    assert state.customer_turns == 2


def test_an_internal_note_is_kept_but_is_nothing_the_customer_said(said):
    note = Turn(Role.CUSTOMER, "internal", visibility=Visibility.INTERNAL)

    state = folded(said(turns=(note,)))

    assert (state.turns, state.customer_turns) == (1, 0)


def test_an_edited_message_changes_its_words_and_no_count(said):
    edited = Turn(Role.CUSTOMER, "goodbye", message_id="m1-0")

    state = folded(said("customer: hello", at=1), said(at=2, turns=(edited,), kind=EventKind.MESSAGE_UPDATED))

    assert state.turns == 1
    assert state.recent[0].text == "goodbye"


def test_runs_of_turns_the_bot_did_not_understand_end_with_one_it_did(said):
    missed = Turn(Role.CUSTOMER, "gnarf", nlu=Nlu(is_fallback=True))
    understood = Turn(Role.CUSTOMER, "order", nlu=Nlu(intent=Intent("order", confidence=0.9)))

    after_two = folded(said(at=1, turns=(missed, missed)))
    after_three = fold(after_two, said(at=2, turns=(understood,)))

    assert (after_two.unmatched_in_a_row, after_three.unmatched_in_a_row) == (2, 0)
    assert after_three.confidences == (None, None, 0.9)


def test_what_ends_a_long_message_is_there_for_the_decision_and_not_kept_in_the_state(said):
    letter = "It began in March. " * 400 + "Now I want a human."

    state = folded(said(f"customer: {letter}"))

    assert state.new_turns[0].text == letter
    assert state.recent[0].text == letter[:RECENT_TEXT]


def test_the_confidence_of_an_intent_left_over_from_an_earlier_turn_is_none_of_this_turn(said):
    left_over = Turn(Role.CUSTOMER, "friday", nlu=Nlu(Intent("refund", confidence=0.4), intent_is_current=False))
    of_its_own = Turn(Role.CUSTOMER, "a refund", nlu=Nlu(Intent("refund", confidence=0.4)))

    state = folded(said(at=1, turns=(of_its_own, left_over)))

    assert state.confidences == (0.4, None)


def test_a_guess_never_replaces_what_was_verified(said):
    verified = said(at=1, customer=Customer(name="Ana Lopez", authenticated=True))
    guessed = said(at=2, context=Context(slots={"name": "Anna"}))

    state = folded(verified, guessed)

    assert state.fact("name").value == "Ana Lopez"
    assert state.fact("name").provenance is Provenance.VENDOR_VERIFIED


def test_an_entity_in_the_customers_own_words_was_said_and_another_inferred(said):
    entities = (Entity("order", "A-1001"), Entity("city", "Berlin"))
    turn = Turn(Role.CUSTOMER, "my order a-1001", nlu=Nlu(entities=entities))

    state = folded(said(turns=(turn,)))

    assert state.fact("order").provenance is Provenance.CUSTOMER_SAID
    assert state.fact("city").provenance is Provenance.BOT_INFERRED
    assert state.fact("order").turn == 1


def test_failures_of_one_task_add_up_until_it_works(said):
    failed, worked = ToolCall("lookup", False, task="order"), ToolCall("lookup", True, task="order")

    after_two = folded(said(at=1, context=Context(tool_calls=(failed, failed))))
    after_three = fold(after_two, said(at=2, context=Context(tool_calls=(worked,))))

    assert after_two.failed_tasks == {"order": 2}
    assert after_three.failed_tasks == {}


def test_a_transcript_told_as_it_grows_is_talk_and_what_stands_before_a_known_turn_is_not(said):
    asked, answered, before = (
        Turn(role, text, message_id=text, occurred_at=START)
        for role, text in ((Role.CUSTOMER, "where is it"), (Role.BOT, "one moment"), (Role.CUSTOMER, "hello"))
    )

    grown = folded(*(said(at=at, turns=turns, kind=EventKind.CONVERSATION_UPDATED)
                     for at, turns in ((1, (asked,)), (2, (asked, answered)))))  # fmt: skip
    fetched = folded(said(at=1, turns=(asked, answered)),
                     said(at=2, turns=(before, asked, answered), kind=EventKind.CONVERSATION_UPDATED))  # fmt: skip

    assert (grown.course.turns, grown.course.last_speaker, grown.confidences) == (2, Role.BOT, (None,))
    assert (fetched.course.turns, fetched.turns, fetched.confidences) == (2, 3, (None,))


def test_a_transcript_with_more_calls_than_are_kept_told_again_counts_no_failure_twice(said):
    lost = ToolCall("lookup", False, id="t0", task="order")
    others = tuple(ToolCall("weather", True, id=f"t{n}") for n in range(1, KEPT_TOOL_CALLS + 3))
    retried = (lost, *others, ToolCall("lookup", False, id="t-last", task="order"))

    once = folded(said(at=1, context=Context(tool_calls=(lost, *others))))
    again = fold(once, said(at=2, context=Context(tool_calls=(lost, *others))))
    grown = fold(again, said(at=3, context=Context(tool_calls=retried)))

    assert (once.failed_tasks, again.failed_tasks, grown.failed_tasks) == ({"order": 1}, {"order": 1}, {"order": 2})
    assert again.tool_calls == once.tool_calls


@pytest.mark.parametrize(
    ("kind", "holder"),
    [
        (EventKind.AGENT_ASSIGNED, Holder.HUMAN),
        (EventKind.CONTROL_RETURNED, Holder.BOT),
        (EventKind.CONVERSATION_ENDED, Holder.CLOSED),
        (EventKind.CONVERSATION_UPDATED, Holder.PENDING_HUMAN),
    ],
)
def test_events_say_who_may_speak(said, kind, holder):
    waiting = handed_off(folded(said("customer: hi")))

    assert fold(waiting, said(at=5, kind=kind)).holder is holder


def test_a_customer_who_comes_back_after_the_end_talks_to_the_bot(said):
    ended = folded(said("customer: hi"), said(at=1, kind=EventKind.CONVERSATION_ENDED))

    assert fold(ended, said("customer: one more thing", at=2)).holder is Holder.BOT


def test_a_vendors_request_stands_until_it_is_answered_or_cancelled(said):
    asked = HandoffAsked("bot_failure")
    waiting = folded(said(kind=EventKind.HANDOFF_REQUESTED, handoff=asked))

    assert waiting.handoff_asked == asked
    assert handed_off(waiting).handoff_asked is None
    assert fold(waiting, said(at=1, kind=EventKind.HANDOFF_CANCELLED)).handoff_asked is None


def test_what_an_event_leaves_out_stays_known(said):
    state = folded(
        said(at=1, customer=Customer(name="Ana", email="ana@example.com", authenticated=True)),
        said(at=2, customer=Customer(phone="+4930901820")),
    )

    assert (state.customer.name, state.customer.email, state.customer.phone) == (
        "Ana",
        "ana@example.com",
        "+4930901820",
    )
    assert state.customer.authenticated is True


words = st.text(max_size=20)
times = st.integers(0, 3600).map(lambda seconds: START + timedelta(seconds=seconds))
turns = st.builds(
    Turn,
    role=st.sampled_from(Role),
    text=words,
    message_id=st.none() | st.integers(0, 30).map(str),
    visibility=st.sampled_from(Visibility),
    nlu=st.none()
    | st.builds(
        Nlu,
        intent=st.none() | st.builds(Intent, name=words, confidence=st.none() | st.floats(0, 1)),
        entities=st.lists(st.builds(Entity, name=words, value=words), max_size=2).map(tuple),
        is_fallback=st.booleans(),
    ),
)
contexts = st.builds(
    Context,
    slots=st.dictionaries(words, words, max_size=3),
    tool_calls=st.lists(st.builds(ToolCall, name=words, ok=st.booleans(), task=words), max_size=3).map(tuple),
)


@st.composite
def events(draw):
    when = draw(times)
    return Event(
        event_id=draw(words),
        kind=draw(st.sampled_from(EventKind)),
        source="webshop-bot",
        conversation=ConversationInfo("c-1"),
        occurred_at=when,
        received_at=when,
        turns=tuple(draw(st.lists(turns, max_size=3))),
        customer=draw(
            st.none() | st.builds(Customer, name=words, attributes=st.dictionaries(words, words, max_size=3))
        ),
        context=draw(st.none() | contexts),
        warnings=tuple(draw(st.lists(words, max_size=2))),
    )


@given(st.lists(events(), max_size=12))
def test_folding_is_deterministic(log):
    assert folded(*log) == folded(*log)


@given(st.lists(events(), max_size=12), st.integers(0, 12))
def test_folding_in_two_parts_is_folding_at_once(log, cut):
    state = folded(*log[:cut])
    for event in log[cut:]:
        state = fold(state, event)

    assert state == folded(*log)


@given(st.lists(events(), max_size=8))
def test_the_counts_never_shrink_and_no_message_of_the_window_stands_in_it_twice(log):
    state = Conversation("webshop-bot", "c-1")
    for event in log:
        after = fold(state, event)
        assert after.turns >= state.turns
        state = after

    ids = [t.message_id for t in state.recent if t.message_id]
    assert len(ids) == len(set(ids))


@given(events(), st.integers(1, 40))
def test_the_state_stays_small_for_any_number_of_turns(event, rounds):
    state = Conversation("webshop-bot", "c-1")
    for number in range(rounds):
        fresh = tuple(replace(t, message_id=f"{number}-{i}", text=t.text * 900) for i, t in enumerate(event.turns))
        facts = {
            f"{name}{number}": value * 100 for name, value in (event.context.slots if event.context else {}).items()
        }
        context = replace(event.context, slots=facts) if event.context else None
        state = fold(state, replace(event, turns=fresh, context=context, warnings=(f"w{number}",)))

    assert len(state.recent) <= RECENT_TURNS
    assert len(state.confidences) <= RECENT_TURNS
    assert all(len(t.text) <= RECENT_TEXT for t in state.recent)
    assert len(state.facts) <= KEPT_FACTS
    assert all(len(f.value) <= KEPT_VALUE for f in state.facts)
    assert len(state.tool_calls) <= KEPT_TOOL_CALLS
    assert len(state.failed_tasks) <= KEPT_FACTS
    assert len(state.warnings) <= KEPT_FACTS
    assert len(state.customer.attributes) <= KEPT_FACTS


def test_a_slot_whose_value_the_customer_said_is_theirs_and_names_the_turn(said):
    first = said("customer: where is order 99812", at=1)
    lookup = said("bot: Not found.", at=2, context=Context(slots={"order": "99812", "short": "99", "part": "9981"}))

    state = folded(first, lookup)

    assert state.fact("order") == Fact("order", "99812", Provenance.CUSTOMER_SAID, 1)
    assert state.fact("short").provenance is Provenance.BOT_INFERRED
    assert state.fact("part").provenance is Provenance.BOT_INFERRED


def test_a_wish_to_be_called_is_the_customers_request_for_a_person_until_it_is_answered(said):
    wanted = CallbackAsked(START, "Europe/Berlin")
    state = folded(said(kind=EventKind.CALLBACK_REQUESTED, callback=wanted))

    assert (state.handoff_asked.callback, state.handoff_asked.requested_by) == (True, "customer")
    assert state.fact("callback_wanted") == Fact("callback_wanted", "2026-03-06 15:50 UTC", Provenance.CUSTOMER_SAID)
    assert state.fact("timezone").value == "Europe/Berlin"
    assert handed_off(state).handoff_asked is None
