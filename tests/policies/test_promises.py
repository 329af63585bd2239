"""What counts as a promise of a person: in the bot's words alone, since it last took over; no offer, no question."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from packets.conversation import fold, fold_all, handed_back, handed_off
from packets.event import ConversationInfo, Event, EventKind, Role, Turn
from policies.load import load_policy
from policies.promises import promise_of
from policies.signals import signals_of
from policies.waiting import next_look

START = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
PROMISE = "bot: I am connecting you to a person."


@pytest.fixture(scope="module")
def starter(request):
    return load_policy(request.config.rootpath / "policies" / "starter")


def said(line, seconds, kind=EventKind.MESSAGE_CREATED):
    """The vendor's clock is an hour behind ours."""
    role, _, text = line.partition(": ")
    at = START + timedelta(seconds=seconds)
    turns = (Turn(Role(role), text, message_id=f"m{seconds}"),) if line else ()
    return Event(f"e{seconds}", kind, "shop", ConversationInfo("c"), at - timedelta(hours=1), at, turns=turns)


def talk(*lines):
    return fold_all("shop", "c", [said(line, 5 * n) for n, line in enumerate(lines)])


def test_the_oldest_promise_is_counted_from_when_it_reached_us(starter):
    promise = promise_of(talk("customer: hi", PROMISE, "bot: Please hold while I transfer you."), starter.packs)

    assert promise.heard_at == START + timedelta(seconds=5)
    assert (promise.evidence.turn, promise.evidence.text) == (2, "I am connecting you to a person")


@pytest.mark.parametrize(
    "line",
    [
        "customer: you said: I am connecting you to a person.",
        "agent: I am connecting you to a person.",
        "bot: I can connect you if you like?",
        "bot: I am connecting you to an agent, is that alright?",
        "bot: would you like me to connect you to an agent",
        "bot: We cannot connect you to an agent.",
        "bot: Where is your parcel?",
    ],
)
def test_what_is_no_promise_of_the_bot(starter, line):
    assert promise_of(talk("customer: hi", line), starter.packs) is None


def test_customers_words_are_not_listened_to_with_the_bots_phrases(starter):
    signals = signals_of(talk(PROMISE.replace("bot", "customer")), starter.packs)

    assert signals.labels == []


def test_once_people_had_it_older_promises_are_no_more(starter):
    state = handed_back(handed_off(talk("customer: hi", PROMISE)))

    assert promise_of(fold(state, said("customer: hello again", 60)), starter.packs) is None


def test_the_timer_is_set_when_the_promise_is_made_and_found_again_without_new_words(starter):
    due = START + timedelta(seconds=35)
    state = talk("customer: hi", PROMISE)
    later = fold(state, said("customer: ok", 10))

    assert next_look(state, starter, now=START + timedelta(seconds=5)) == due
    assert next_look(replace(later, new_turns=()), starter, now=START + timedelta(seconds=10)) == due


def test_a_conversation_that_went_on_to_be_ended_is_looked_at(starter):
    ended = fold(talk("customer: hi", PROMISE), said("", 8, EventKind.CONVERSATION_ENDED))

    assert next_look(ended, starter, now=START + timedelta(seconds=8)) == START + timedelta(seconds=35)
