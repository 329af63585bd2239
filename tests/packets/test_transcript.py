from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from packets.event import BotOutcome, ConversationInfo, Event, EventKind, Role, Turn
from packets.transcript import transcript


def test_turns_stand_in_the_order_they_were_said_whatever_order_they_came_in(said):
    first, second = said("customer: first", at=10), said("bot: second", at=20)

    late = transcript([second, first])

    assert [(t.position, t.text) for t in late.turns] == [(1, "first"), (2, "second")]


def test_turns_of_one_moment_keep_the_order_they_came_in(said):
    whole = transcript([said("customer: one", "bot: two", "customer: three", at=5)])

    assert [t.text for t in whole.turns] == ["one", "two", "three"]


def test_the_newest_wording_of_a_message_stands_at_its_first_place(said):
    edit = Turn(Role.CUSTOMER, "goodbye", message_id="m1-0")

    whole = transcript(
        [
            said("customer: hello", at=1),
            said("bot: hi", at=2),
            said(at=3, turns=(edit,), kind=EventKind.MESSAGE_UPDATED),
        ]
    )

    assert [t.text for t in whole.turns] == ["goodbye", "hi"]


def test_an_edit_of_something_never_seen_is_no_turn(said):
    edit = Turn(Role.CUSTOMER, "what?", message_id="nowhere")

    assert transcript([said(turns=(edit,), kind=EventKind.MESSAGE_UPDATED)]).turns == ()


def test_the_vendors_word_on_completeness_wins(said):
    assert transcript([]).completeness == "none"
    assert transcript([said("customer: hi")]).completeness == "full"
    assert transcript([said("customer: hi", transcript="partial")]).completeness == "partial"


def test_the_newest_summary_is_kept(said):
    told = [said(at=n, bot_outcome=BotOutcome(summary=text)) for n, text in ((1, "old"), (2, "new"))]

    assert transcript(told).summary == "new"


def test_nothing_is_cut(said):
    long = "x" * 100_000

    assert transcript([said(f"customer: {long}")]).turns[0].text == long


one_event = st.builds(
    lambda at, turns: (at, turns),
    st.integers(0, 100),
    st.lists(
        st.builds(
            Turn, role=st.sampled_from(Role), text=st.text(max_size=5), message_id=st.none() | st.sampled_from("abc")
        ),
        max_size=4,
    ),
)


@given(st.lists(one_event, max_size=6), st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)))  # noqa: DTZ001
def test_every_message_id_stands_once_and_times_never_run_backwards(log, start):
    events = [
        Event(str(n), EventKind.MESSAGE_CREATED, "s", ConversationInfo("c"), when, when, turns=tuple(turns))
        for n, (at, turns) in enumerate(log)
        for when in [start + timedelta(seconds=at)]
    ]

    whole = transcript(events)

    ids = [t.message_id for t in whole.turns if t.message_id]
    assert len(ids) == len(set(ids))
    assert [t.position for t in whole.turns] == list(range(1, len(whole.turns) + 1))
    assert [t.occurred_at for t in whole.turns] == sorted(t.occurred_at for t in whole.turns)
