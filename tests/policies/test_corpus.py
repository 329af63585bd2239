"""Reading corpora: what a line becomes, and what is said about a line that is wrong."""

import json
import tracemalloc
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packets.codec import to_json
from packets.conversation import fold_all
from packets.event import EventKind, Role
from policies.corpus import CorpusError, Line, Logged, from_dialogue, lines, read


def dialogue(*turns, **more):
    return {"id": "d-1", "source": "own", "lang": "en", "turns": list(turns), **more}


def customer(text="hello", **more):
    return {"role": "customer", "text": text, **more}


def bot(text="yes?", **more):
    return {"role": "bot", "text": text, **more}


def events(*turns, **more):
    return from_dialogue(dialogue(*turns, **more), "x.jsonl:1").events


def test_a_line_becomes_one_event_a_turn_with_its_time():
    first, second = events(customer("hi", t=0), bot("What number?", t=12))

    assert (first.kind, first.conversation.language) == (EventKind.MESSAGE_CREATED, "en")
    assert [e.turns[0].role for e in (first, second)] == [Role.CUSTOMER, Role.BOT]
    assert second.occurred_at - first.occurred_at == timedelta(seconds=12)
    assert first.event_id != second.event_id


def test_what_the_vendor_understood_comes_along():
    (event,) = events(customer(intent="order_status", confidence=0.41, entities=["order"], sentiment=-0.6))
    (turn,) = event.turns

    assert (turn.nlu.intent.name, turn.nlu.intent.confidence) == ("order_status", 0.41)
    assert turn.nlu.entities[0].name == "order"
    assert (turn.sentiment.label, turn.sentiment.score) == ("negative", -0.6)


def test_an_absent_confidence_stays_unknown():
    (event,) = events(customer(intent="order_status"))

    assert event.turns[0].nlu.intent.confidence is None


@pytest.mark.parametrize(
    "turns",
    [
        [customer(intent="fallback")],
        [customer(intent="inform"), bot(None, intent="did_not_understand")],
    ],
    ids=["the intent says so", "the bot's answer says so"],
)
def test_a_turn_nothing_matched_is_a_fallback(turns):
    assert events(*turns)[0].turns[0].nlu.is_fallback


def test_a_failed_task_is_a_failed_call():
    told, silent = events(bot(outcome="failed", task="order_lookup"), bot(None, intent="fail_retrieve_user_info"))

    assert [(c.task or c.name, c.ok) for c in told.context.tool_calls] == [("order_lookup", False)]
    assert [(c.name, c.ok) for c in silent.context.tool_calls] == [("user_lookup", False)]


def test_a_bots_unrecorded_words_are_its_intent_and_a_customers_are_never_made_up():
    asked, answered, said = events(
        bot(None, intent="ask_time_preference"), customer(None, intent="confirm"), bot("", intent="bye")
    )

    assert asked.turns[0].text == "[ask time preference?]"
    assert (answered.turns[0].text, said.turns[0].text) == ("", "")


def test_turns_without_times_are_said_to_be_estimated():
    recorded = from_dialogue(dialogue(customer(t=0), bot()), "x.jsonl:1")

    assert recorded.timed is False
    assert all(e.occurred_at_estimated for e in recorded.events)


def test_a_customer_told_of_in_meta_stands_on_the_first_event():
    first, second = events(customer(), bot(), meta={"customer": {"tier": "platinum"}})

    assert first.customer.attributes == {"tier": "platinum"}
    assert second.customer is None


def test_a_gold_window_counts_from_one_inside():
    gold = {"should_transfer": True, "trigger": "legal", "transfer_window": [0, 1]}
    recorded = from_dialogue(dialogue(customer(), bot(), gold=gold), "x.jsonl:1")

    assert recorded.gold.window == (1, 2)
    assert (recorded.gold.should_escalate, recorded.gold.trigger) == (True, "legal")


def test_a_logged_conversation_is_the_events_that_were_stored():
    stored = events(customer("hi", t=0), bot("yes?", t=3))

    recorded = read(Logged("cnv_1", "shop", "d-1", tuple(to_json(e) for e in stored)))

    assert recorded.events == stored
    assert (recorded.id, recorded.source, recorded.timed) == ("cnv_1", "shop", True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "the line must be a JSON object"),
        (json.dumps({"turns": []}), "'id' is missing"),
        (json.dumps({"id": "x"}), "'turns' is missing"),
        (json.dumps({"id": "x", "turns": ["hi"]}), "turn 1 must be a JSON object"),
        (json.dumps(dialogue(customer(), {"role": "robot"})), "turn 2: 'role' must be one of customer, bot, agent"),
        (json.dumps(dialogue(customer(7))), "turn 1: 'text' must be text"),
        (json.dumps(dialogue(customer(t="soon"))), "turn 1: 't' must be a number"),
        (json.dumps(dialogue(customer(t=1e300))), "turn 1: 't' must be a number"),
        (json.dumps(dialogue(customer(t=float("nan")))), "turn 1: 't' must be a number"),
        (json.dumps(dialogue(customer(confidence=41))), "'confidence' must be from 0 to 1"),
        (json.dumps(dialogue(customer(sentiment="cross"))), "'sentiment' must be -1 to 1"),
        (json.dumps(dialogue(bot(outcome="maybe"))), "'outcome' must be one of failed, succeeded"),
        (json.dumps(dialogue(customer(), gold={"should_transfer": True, "transfer_window": [0, 1]})), "counted from 0"),
        (json.dumps(dialogue(customer(), gold={"should_transfer": True})), "at which turns"),
    ],
)
def test_a_wrong_line_is_named_with_file_and_line_and_what_is_wrong(line, said):
    with pytest.raises(CorpusError) as caught:
        read(Line("calls.jsonl:17", line.encode()))

    assert str(caught.value).startswith("calls.jsonl:17: ")
    assert said in str(caught.value)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside, max_size=3),
    max_leaves=6,
)
KEYS = ("role", "text", "t", "intent", "confidence", "sentiment", "entities", "task", "outcome")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            lambda role, more: {"role": role, **more},
            st.sampled_from(["customer", "bot"]),
            st.dictionaries(st.sampled_from(KEYS[1:]), ANY_JSON, max_size=3),
        ),
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(["lang", "gold", "meta", "source"]), ANY_JSON, max_size=2),
)
def test_whatever_stands_in_a_line_it_is_read_or_refused_and_what_is_read_can_be_folded(turns, more):
    try:
        recorded = from_dialogue({"id": "d", "turns": turns, **more}, "x:1")
    except CorpusError:
        return

    assert fold_all(recorded.source, "d", recorded.events).turns == len(turns)


def test_a_wrong_line_never_quotes_what_was_said():
    with pytest.raises(CorpusError) as caught:
        from_dialogue(dialogue(customer("my card is 4111 1111 1111 1111", confidence="sure")), "x:1")

    assert "4111" not in str(caught.value)


def test_empty_lines_are_passed_over_and_line_numbers_stay_right(tmp_path):
    file = tmp_path / "calls.jsonl"
    file.write_text("\n" + json.dumps(dialogue(customer())) + "\n\n", "utf-8")

    (line,) = lines(file)

    assert line.where == f"{file}:2"
    assert read(line).id == "d-1"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"nowhere\.jsonl: cannot be read"):
        list(lines(tmp_path / "nowhere.jsonl"))


def test_a_large_corpus_is_not_held_in_memory(tmp_path):
    file = tmp_path / "calls.jsonl"
    line = json.dumps(dialogue(*[customer("where is my order " * 20) for _ in range(10)])) + "\n"
    file.write_text(line * 1_000, "utf-8")

    tracemalloc.start()
    total = sum(len(read(entry).events) for entry in lines(file))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert total == 10_000
    assert most < len(line) * 50
