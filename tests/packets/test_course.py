from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.codec import from_json, to_json
from packets.conversation import Conversation, Holder, fold, fold_all, handed_back, handed_off
from packets.course import KEPT_INTENTS, KEPT_MOODS, KEPT_SAYINGS, Course, Voice
from packets.event import (
    BotOutcome,
    Context,
    ConversationInfo,
    Event,
    EventKind,
    Intent,
    Nlu,
    Role,
    Sentiment,
    Turn,
    Visibility,
)

START = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)


def event(*turns, at=0, kind=EventKind.MESSAGE_CREATED, info=None, **more):
    when = START + timedelta(seconds=at)
    info = info or ConversationInfo("c-1")
    return Event(f"e{at}", kind, "webshop-bot", info, when, when, turns=turns, **more)


def customer(text="hm", intent=None, **more):
    nlu = Nlu(Intent(intent)) if intent else None
    return Turn(Role.CUSTOMER, text, **{"nlu": nlu, **more})


def bot(text):
    return Turn(Role.BOT, text)


def course(*events):
    return fold_all("webshop-bot", "c-1", events).course


def talk(*turns):
    """The course after these turns, each its own event."""
    return course(*(event(turn, at=10 * n) for n, turn in enumerate(turns)))


WHICH = bot("Which date suits you?")


def test_the_same_question_counts_whatever_its_case_and_punctuation():
    asked = talk(bot("Would you like 10% off?"), customer("no"), bot("WOULD YOU LIKE 10% off ?!"))

    assert asked.most_asked == 2


def test_a_question_after_a_different_short_answer_counts_anew():
    asked = talk(WHICH, customer("friday"), WHICH, customer("monday then"), WHICH, customer("the 9th"), WHICH)

    assert asked.most_asked == 1


def test_a_question_after_the_same_answer_in_other_words_counts_on():
    asked = talk(WHICH, customer("friday"), WHICH, customer("I said friday"), WHICH)

    assert asked.most_asked == 3


def test_an_answer_the_bot_did_not_understand_is_no_progress():
    lost = Nlu(is_fallback=True)

    asked = talk(WHICH, customer("friday", nlu=lost), WHICH, customer("monday", nlu=lost), WHICH)

    assert asked.most_asked == 3


def test_long_talk_shows_no_progress():
    asked = talk(
        bot("Could you rephrase that?"),
        customer("my thing does the flashing bit again"),
        bot("Could you rephrase that?"),
        customer("one box: amber, on, off, on, off"),
        bot("Could you rephrase that?"),
    )

    assert asked.most_asked == 3


def test_something_the_bot_never_said_before_is_progress():
    asked = talk(bot("Anything else?"), customer(), bot("It is blue."), bot("Anything else?"), customer(), bot("Yes."))

    assert asked.most_asked == 0


def test_what_is_no_question_is_never_asked():
    assert talk(bot("I could not find it."), bot("I could not find it."), bot("I could not find it.")).most_asked == 0


def test_two_questions_in_turn_are_a_loop_as_well():
    one, other = bot("Is it on?"), bot("Is it red?")

    assert talk(one, customer(), other, customer(), one, customer(), other, customer(), one).most_asked == 2


def test_an_intent_counts_only_while_the_bot_repeats_itself():
    stuck = talk(
        customer(intent="Cancel"), WHICH, customer(intent="cancel"), WHICH, customer(intent="cancel"), WHICH,
        customer(intent="cancel"),
    )  # fmt: skip
    served = talk(
        customer(intent="info"), bot("S to XL."), customer(intent="info"), bot("Navy."), customer(intent="info")
    )

    assert stuck.stuck_on == {"cancel": 3}
    assert served.stuck_on == {"info": 1}


def test_without_the_bots_turns_nobody_knows_whether_it_repeats_itself():
    assert talk(*[customer(intent="info")] * 4).stuck_on == {"info": 1}


def test_intents_are_counted_by_customer_turns_understood_for_that_turn():
    lost = Nlu(Intent("fallback"), is_fallback=True)
    stale = Nlu(Intent("refund"), intent_is_current=False)

    known = talk(
        customer(intent="Order Status"), customer(nlu=lost), customer(nlu=stale), customer(intent="order-status")
    )

    assert known.intents == {"order_status": 2}


@pytest.mark.parametrize(
    ("told", "mood"),
    [
        (Sentiment("negative", score=-0.9), -0.9),
        (Sentiment("negative"), -0.5),
        (Sentiment("mixed"), 0.0),
        (Sentiment("unknown"), None),
        (None, None),
    ],
)
def test_a_turns_mood_is_its_score_else_its_label_else_unknown(told, mood):
    assert talk(customer(sentiment=told)).moods == (mood,)


def test_a_judgement_that_comes_later_is_of_the_newest_customer_turn():
    def judged(**told):
        return event(at=99, kind=EventKind.CONVERSATION_ANALYZED, context=Context(analysis={"sentiment": told}))

    before = [event(customer(sentiment=Sentiment(score=0.2))), event(customer(), at=1)]

    assert course(*before, judged(score=-0.8)).moods == (0.2, -0.8)
    assert course(*before, judged(label="negative")).moods == (0.2, -0.5)
    assert course(*before, judged(label="odd", score="low")).moods == (0.2, None)


def test_what_the_bot_sounds_like_is_no_mood():
    assert talk(Turn(Role.BOT, "Great!", sentiment=Sentiment("positive", 0.9))).moods == ()


def heard(**voice):
    return Context(analysis={"voice": voice})


def test_the_voice_is_that_of_the_newest_customer_turn():
    loud = event(customer(), context=heard(loudness=0.9, tone_score=-0.4, raised_voice=True))

    assert course(loud).voice == Voice(0.9, -0.4, True)
    assert course(loud, event(bot("ok"), at=1)).voice == Voice(0.9, -0.4, True)
    assert course(loud, event(customer(), at=1)).voice is None


@pytest.mark.parametrize(
    "told", [{"loudness": "loud"}, {"loudness": True}, {"tone_score": 40}, {"raised_voice": "yes"}, {}]
)
def test_a_voice_that_makes_no_sense_is_unknown(told):
    assert course(event(customer(), context=heard(**told))).voice is None


def test_it_lasts_from_the_first_to_the_newest_turn_and_status_events_do_not_prolong_it():
    late = event(at=9_000, kind=EventKind.CONVERSATION_RATED)

    assert course(event(customer(), at=0), event(bot("ok"), at=90), late).lasted == timedelta(seconds=90)


def test_a_whole_call_lasts_from_the_start_the_vendor_tells():
    info = ConversationInfo("c-1", started_at=START - timedelta(minutes=20))

    assert course(event(customer(), bot("ok"), info=info)).lasted == timedelta(minutes=20)


def test_a_day_of_silence_begins_a_new_matter():
    before = [event(customer(intent="leak"), at=0), event(WHICH, at=5)]

    assert course(*before, event(customer(intent="hose"), at=24 * 3600)).turns == 3
    assert course(*before, event(customer(intent="hose"), at=24 * 3600 + 6)).intents == {"hose": 1}


def test_internal_notes_and_agents_are_not_part_of_the_bots_course():
    note = customer("note", intent="x", visibility=Visibility.INTERNAL)

    assert talk(note, Turn(Role.SYSTEM, "joined")).turns == 0


def test_outcomes_nobody_resolved_count_until_one_is_resolved():
    def outcome(at, **told):
        return event(at=at, kind=EventKind.CONVERSATION_UPDATED, bot_outcome=BotOutcome(**told))

    open_ends = [outcome(1, resolved=False), outcome(2, failure_reason="no-source"), outcome(3)]

    assert course(*open_ends).unanswered == 2
    assert course(*open_ends).bot_error is None
    assert course(*open_ends, outcome(4, resolved=True)).unanswered == 0


def test_a_bots_error_holds_until_somebody_speaks():
    broke = event(kind=EventKind.CONVERSATION_UPDATED, bot_outcome=BotOutcome(failure_reason="llm_timeout"))

    assert course(broke).bot_error == "llm_timeout"
    assert course(broke, event(bot("Back again."), at=1)).bot_error is None


def test_a_failed_transfer_holds_until_somebody_speaks():
    failed = event(kind=EventKind.CALL_TRANSFER_FAILED)

    assert course(failed, event(at=1, kind=EventKind.CONVERSATION_UPDATED)).transfer_failed
    assert not course(failed, event(customer(), at=1)).transfer_failed


def test_a_transcript_told_again_is_nobody_speaking():
    said = customer("so slow", message_id="t1")
    told = Context(analysis={"sentiment": {"label": "negative"}})
    failed = event(said, kind=EventKind.CALL_TRANSFER_FAILED)

    again = course(failed, event(said, at=1, kind=EventKind.CONVERSATION_ANALYZED, context=told))

    assert again.transfer_failed
    assert again.moods == (-0.5,)


def test_only_the_event_that_ends_a_conversation_says_that_it_ended():
    end = event(at=5, kind=EventKind.CONVERSATION_ENDED)

    assert course(event(customer()), end).ended
    assert not course(event(customer()), end, event(at=6, kind=EventKind.CONVERSATION_ANALYZED)).ended


def test_a_handoff_and_a_hand_back_begin_anew():
    state = fold_all("webshop-bot", "c-1", [event(customer(intent="leak"))])

    assert handed_off(state).course == Course()
    assert handed_back(state).course == Course()


def test_what_the_vendor_asked_for_while_people_had_it_is_answered_when_they_are_done():
    asked_again = fold(
        handed_off(fold_all("webshop-bot", "c-1", [event(customer())])), event(at=6, kind=EventKind.HANDOFF_REQUESTED)
    )

    assert asked_again.handoff_asked is not None
    assert handed_back(asked_again).handoff_asked is None


def test_what_is_said_while_people_hold_it_is_not_counted():
    state = fold(handed_off(Conversation("webshop-bot", "c-1")), event(customer(intent="leak")))

    assert (state.holder, state.course.turns) == (Holder.PENDING_HUMAN, 0)


def test_a_conversation_given_back_or_opened_again_begins_anew():
    first = event(customer(intent="leak"))
    ended = event(at=1, kind=EventKind.CONVERSATION_ENDED)
    taken = event(at=1, kind=EventKind.AGENT_ASSIGNED)
    back = event(at=2, kind=EventKind.CONTROL_RETURNED)

    assert course(first, ended, event(customer(intent="hose"), at=3)).intents == {"hose": 1}
    assert course(first, taken, back, event(customer(intent="hose"), at=3)).intents == {"hose": 1}


def test_the_course_stays_small_however_long_it_gets():
    turns = [turn for n in range(400) for turn in (customer(f"t{n}", intent=f"i{n}"), bot(f"Is it {n}?"))]

    long = course(event(*turns))

    assert len(long.intents) == KEPT_INTENTS
    assert (len(long.moods), len(long.sayings)) == (KEPT_MOODS, KEPT_SAYINGS)
    assert len(to_json(long)) < 3_000


def test_the_course_keeps_no_words():
    told = course(
        event(bot("What is your card number?"), customer("4111111111111111"), bot("What is your card number?"))
    )

    assert "4111" not in to_json(told)
    assert "card" not in to_json(told)


words = st.sampled_from(["yes", "Which one?", "no idea at all about it", "", "?", "friday", "\ud800", "ok"])
moments = st.builds(
    event,
    st.builds(bot, words) | st.builds(customer, words, st.none() | st.sampled_from(["a", "b"])),
    at=st.integers(0, 200_000),
    kind=st.sampled_from(list(EventKind)),
    bot_outcome=st.none() | st.builds(BotOutcome, st.none() | st.booleans(), failure_reason=st.none() | words),
    context=st.none()
    | st.builds(heard, loudness=st.none() | st.floats() | words, raised_voice=st.none() | st.booleans()),
)


@given(st.lists(moments, max_size=12))
def test_whatever_happens_the_course_can_be_stored_and_read_again(events):
    told = course(*events)

    assert from_json(Course, to_json(told)) == told
