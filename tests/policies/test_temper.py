"""How angry a turn is: words first, form and the vendor's sentiment beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.conversation import fold_all
from packets.event import ConversationInfo, Event, EventKind, Intent, Nlu, Role, Sentiment, Turn
from policies.casebook import START
from policies.temper import is_shouted, temper, tempers

ANGRY = "this is ridiculous, still broken"


def said(text, mood=None, label="unknown", role=Role.CUSTOMER, intent=None):
    sentiment = Sentiment(label, mood) if mood is not None or label != "unknown" else None
    return Turn(role, text, sentiment=sentiment, nlu=Nlu(Intent(intent)) if intent else None)


@pytest.fixture
def anger(starter):
    return lambda *told, **more: temper(said(*told, **more), "en", starter.packs)


def test_angry_words_alone_are_not_a_reason_to_leave_at_once_and_count_for_a_second_time(anger):
    assert 0.5 <= anger(ANGRY) < 0.85


@pytest.mark.parametrize("text", [ANGRY.upper(), ANGRY + "!!!", ANGRY + " ?!?!"])
def test_shouted_they_are(anger, text):
    assert anger(text) >= 0.85


@pytest.mark.parametrize(
    "text", ["PLEASE SEND ME THE INVOICE!!!", "my mother passed away last week", "it is declined", ""]
)
def test_neither_form_nor_bad_news_is_anger(anger, text):
    assert anger(text, -0.9) == 0


def test_the_vendors_sentiment_raises_and_lowers_what_the_words_say(anger):
    assert anger(ANGRY, 0.6) < anger(ANGRY) < anger(ANGRY, -0.9)
    assert anger(ANGRY, label="negative") == anger(ANGRY, -0.5)


def test_shouting_is_most_of_several_words_in_capitals_or_a_row_of_marks():
    assert is_shouted("WHERE IS MY ORDER")
    assert is_shouted("what?!!")
    assert not is_shouted("my PC says ERROR DNS at boot")
    assert not is_shouted("USB HUB")
    assert not is_shouted("really?!")


def conversation(*turns):
    told = ConversationInfo("c", language="en")
    return fold_all("shop", "c", [
        Event(f"e{i}", EventKind.MESSAGE_CREATED, "shop", told, START, START, turns=(turn,))
        for i, turn in enumerate(turns)
    ])  # fmt: skip


@pytest.mark.parametrize(
    "good", [said("ah, thanks"), said("merci"), said("it works now", 0.7), said("ok", intent="thank_you")]
)
def test_a_good_turn_ends_what_was_before_it(starter, good):
    found = tempers(conversation(said(ANGRY), good, said(ANGRY)), starter.packs, 3)

    assert [level > 0.5 for level in found] == [False, True]


def test_only_the_customers_newest_turns_count(starter):
    bot = said("This is ridiculous.", role=Role.BOT)

    assert len(tempers(conversation(said("hi"), bot, said(ANGRY), bot, said(ANGRY)), starter.packs, 2)) == 2


@given(text=st.text(max_size=300), mood=st.none() | st.floats(-1, 1))
def test_no_text_is_more_than_1_or_raises(starter, text, mood):
    assert 0 <= temper(said(f"{ANGRY} {text}", mood), None, starter.packs) <= 1
