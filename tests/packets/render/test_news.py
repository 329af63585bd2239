"""What happened after a packet went out, told once: only what is new, redacted, harmless."""

from packets.event import BotOutcome, Context, EventKind, Role, Turn
from packets.redact.profile import PROFILES
from packets.render.news import news_note, news_of

STANDARD = PROFILES["standard"]


def told(known, fresh):
    news = news_of(known, fresh, STANDARD)
    return news_note(news, conversation_id="cnv_1", handoff_id="hof_1")


def test_only_what_was_said_since_is_in_it(said):
    note = told([said("customer: where is it?", at=1)], [said("customer: it was the blue one", at=2)])

    assert "it was the blue one" in note
    assert "where is it?" not in note
    assert "handoff hof_1, conversation cnv_1" in note


def test_a_whole_transcript_at_the_end_of_a_call_adds_only_the_turns_that_had_not_come(said):
    first = Turn(Role.CUSTOMER, "hello", message_id="m-1")
    last = Turn(Role.CUSTOMER, "anybody?", message_id="m-2")

    news = news_of([said(at=1, turns=(first,))], [said(at=9, turns=(first, last))], STANDARD)

    assert [turn.text for turn in news.turns] == ["anybody?"]


def test_an_edited_turn_is_news(said):
    before, edit = (Turn(Role.CUSTOMER, text, message_id="m-1") for text in ("A-1001", "A-1002"))

    news = news_of([said(at=1, turns=(before,))], [said(at=2, turns=(edit,), kind=EventKind.MESSAGE_UPDATED)], STANDARD)

    assert [turn.text for turn in news.turns] == ["A-1002"]


def test_facts_that_are_new_or_changed_and_what_the_vendor_made_of_the_call(said):
    known = said("customer: hello", at=1, context=Context(slots={"order_id": "A-1", "colour": "blue"}))
    fresh = said(
        at=2,
        context=Context(slots={"order_id": "A-2", "colour": "blue"}),
        bot_outcome=BotOutcome(resolved=False, summary="Gave up.", rating=2.0, rating_comment="Went in circles."),
    )

    note = told([known], [fresh])

    assert "Order id: A-2" in note
    assert "blue" not in note
    assert "Summary: Gave up." in note
    assert "Solved by the bot: no" in note
    assert "Rating of the bot: 2" in note
    assert "Said with the rating: Went in circles." in note


def test_what_is_private_is_taken_out_and_what_could_harm_made_harmless(said):
    fresh = said("customer: my card is 4111 1111 1111 1111 {{ticket.id}} \u202eevil", at=2)

    note = told([], [fresh])

    assert "4111 1111 1111 1111" not in note
    assert "{{ticket" not in note
    assert "\u202e" not in note


def test_an_event_that_tells_nobody_anything_is_no_news(said):
    assert not news_of([said("customer: hello", at=1)], [said(at=2)], STANDARD)


def test_the_same_events_give_the_same_note(said):
    known, fresh = [said("customer: one", at=1)], [said("customer: two", at=2)]

    assert told(known, fresh) == told(known, fresh)
