"""Who may speak: taken by any word of a person, given back by control.returned, in whatever order it is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.codec import from_json, to_json
from packets.conversation import Conversation, Holder, fold, fold_all, handed_back, handed_off, taken_over
from packets.event import ConversationInfo, Event, EventKind, Role, Turn, Visibility
from packets.lease import holder_of, lease_of

START = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)


def folded(*events):
    return fold_all("webshop-bot", "c-1", events)


def after(seconds):
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("lines", "holder"),
    [
        ([("customer: hi", {})], Holder.BOT),
        ([("agent: hello, Dana here", {})], Holder.HUMAN),
        ([("", {"kind": EventKind.AGENT_ASSIGNED})], Holder.HUMAN),
        ([("", {"kind": EventKind.CALL_TRANSFERRED})], Holder.HUMAN),
        ([("", {"kind": EventKind.CALL_TRANSFER_STARTED})], Holder.BOT),
        ([("", {"kind": EventKind.HANDOFF_REQUESTED})], Holder.BOT),
        ([("agent: hello", {}), ("", {"kind": EventKind.CONTROL_RETURNED})], Holder.BOT),
        ([("agent: hello", {}), ("agent: bye", {"kind": EventKind.CONTROL_RETURNED})], Holder.BOT),
        ([("agent: hello", {}), ("", {"kind": EventKind.CONTROL_RETURNED}), ("agent: wait", {})], Holder.HUMAN),
        ([("agent: hello", {}), ("bot: may I help?", {})], Holder.HUMAN),
        ([("agent: hello", {}), ("", {"kind": EventKind.CONVERSATION_ENDED})], Holder.CLOSED),
        ([("agent: hello", {}), ("", {"kind": EventKind.CONVERSATION_ENDED}), ("customer: hi", {})], Holder.BOT),
    ],
)
def test_each_path_of_the_lease(said, lines, holder):
    events = [said(*filter(None, [line]), at=n, **more) for n, (line, more) in enumerate(lines)]

    assert folded(*events).holder is holder


def test_a_note_among_colleagues_takes_nothing(said):
    note = Turn(Role.AGENT, "looks angry", visibility=Visibility.INTERNAL)

    assert folded(said("customer: hi"), said(at=1, turns=(note,))).holder is Holder.BOT


def test_what_is_told_after_the_fact_takes_nothing_back(said):
    old = Turn(Role.AGENT, "hello", message_id="a1")
    history = (said("agent: hello", at=1), said(at=2, kind=EventKind.CONTROL_RETURNED))

    analysed = folded(*history, said(at=9, turns=(old,), kind=EventKind.CONVERSATION_ANALYZED))
    pulled = folded(*history, said(at=9, turns=(replace(old, occurred_at=after(1)),)))

    assert (analysed.holder, pulled.holder) == (Holder.BOT, Holder.BOT)


def test_a_clock_that_is_ahead_does_not_hold_the_lease_into_the_future(said):
    ahead = replace(said("agent: hello", at=1), occurred_at=after(3600), received_at=after(1))

    assert folded(ahead, said(at=5, kind=EventKind.CONTROL_RETURNED)).holder is Holder.BOT


def test_a_handoff_waits_for_a_person_and_their_word_on_the_ticket_takes_it(said):
    waiting = handed_off(folded(said("customer: hi")))
    spoken = taken_over(waiting, after(60))

    assert (waiting.holder, spoken.holder, handed_back(spoken).holder) == (
        Holder.PENDING_HUMAN,
        Holder.HUMAN,
        Holder.BOT,
    )


def test_a_handoff_of_a_conversation_that_has_ended_waits_for_a_person(said):
    ended = folded(said("customer: hi"), said(at=1, kind=EventKind.CONVERSATION_ENDED))

    assert handed_off(ended).holder is Holder.PENDING_HUMAN


def test_people_who_take_a_solved_ticket_up_again_have_it(said):
    solved = handed_back(taken_over(handed_off(folded(said("customer: hi", at=50))), after(60)))

    assert taken_over(solved, after(55)).holder is Holder.BOT  # an old word, told late
    assert taken_over(solved, after(55), again=True).holder is Holder.HUMAN


def test_a_person_who_spoke_at_the_vendor_before_the_handoff_was_made_still_has_it(said):
    waiting = handed_off(folded(said("customer: hi", at=0), said("customer: a human!", at=10)))

    assert fold(waiting, said("agent: hello", at=5)).holder is Holder.HUMAN


def test_a_bot_counts_its_failures_anew_when_the_vendors_people_give_back(said):
    failed = replace(folded(said("agent: hello", at=1)), unmatched_in_a_row=3, failed_tasks={"order": 2})

    state = fold(failed, said(at=2, kind=EventKind.CONTROL_RETURNED))

    assert (state.unmatched_in_a_row, state.failed_tasks) == (0, {})


def test_a_bot_that_talks_over_a_person_is_counted_with_its_turns(said):
    state = folded(
        said("customer: hi", at=0),
        said("bot: hello", at=1),
        said("agent: Dana here", at=5),
        said("bot: Can I help?", at=6),
        said("bot: Anything else?", at=7),
    )

    assert (state.talked_over.count, state.talked_over.turns) == (2, (4, 5))
    assert state.talked_over.last_at == after(7)


def test_words_that_crossed_or_come_in_a_late_transcript_talk_over_nobody(said):
    crossed = folded(said("agent: Dana here", at=5), said("bot: Can I help?", at=4), said("bot: now?", at=5))
    told_later = folded(said("agent: Dana here", at=5), said("bot: hi", at=9, kind=EventKind.CONVERSATION_ANALYZED))
    waiting = fold(handed_off(folded(said("customer: hi", at=0))), said("bot: One moment", at=3))
    returned = folded(said("agent: bye", at=5), said(at=6, kind=EventKind.CONTROL_RETURNED), said("bot: hi", at=7))

    assert [s.talked_over.count for s in (crossed, told_later, waiting, returned)] == [0, 0, 0, 0]


def test_the_lease_is_kept_with_the_state(said):
    state = folded(said("agent: hello", at=1), said("bot: hi", at=2))

    assert from_json(Conversation, to_json(state)) == state


@pytest.mark.parametrize("holder", Holder)
def test_a_state_kept_before_there_were_leases_goes_on_with_its_holder(said, holder):
    old = replace(folded(said("customer: hi", at=0)), holder=holder, lease=None)

    assert fold(old, said(at=5, kind=EventKind.CONVERSATION_UPDATED)).holder is holder
    assert holder_of(lease_of(holder, after(0))) is holder


_EVENTS = st.builds(
    lambda kind, at, received, turns: Event(
        f"{kind}-{at}-{turns}", kind, "shop", ConversationInfo("c-1"), after(at), after(at + received), turns=turns
    ),
    st.sampled_from(EventKind),
    st.integers(0, 6),
    st.integers(-2, 9),
    st.lists(
        st.builds(
            Turn,
            role=st.sampled_from(Role),
            text=st.just("x"),
            occurred_at=st.none() | st.integers(0, 6).map(after),
            visibility=st.sampled_from(Visibility),
        ),
        max_size=2,
    ).map(tuple),
)


@given(st.lists(_EVENTS, max_size=7).flatmap(lambda log: st.tuples(st.just(log), st.permutations(log))))
def test_the_same_events_end_with_the_same_holder_in_any_order(orders):
    told, shuffled = orders

    assert folded(*told).holder is folded(*shuffled).holder


@given(st.lists(_EVENTS, max_size=5), st.permutations(range(5)), st.sampled_from(["off", "back", "over"]))
def test_what_we_do_comes_after_all_that_is_known_and_later_events_may_come_in_any_order(log, order, deed):
    do = {"off": handed_off, "back": handed_back, "over": lambda state: taken_over(state, after(3), again=True)}[deed]
    state = do(folded(said_at_first()))
    shuffled = [log[i] for i in order if i < len(log)]

    def end(events):
        now = state
        for event in events:
            now = fold(now, event)
        return now.holder

    assert end(log) is end(shuffled)


def said_at_first():
    turn = Turn(Role.CUSTOMER, "hi", message_id="m0")
    return Event("e0", EventKind.MESSAGE_CREATED, "shop", ConversationInfo("c-1"), after(3), after(3), turns=(turn,))
