"""From an offer at night to a call that is made or missed: in simulated time, with the ticket in a helpdesk double."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from connectors.errors import Unsure
from gateway.db.tables import work
from gateway.policy import PolicyHolder
from policies.explain import explain

TOKEN = {"Authorization": "Bearer token-1"}
# The bench begins on Friday 2026-03-06 at 09:00 UTC: four in the morning in New York, where the starter's teams work.
FIRST = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)
SECOND = FIRST + timedelta(minutes=30)


def callback(desk, kind, who="c-1", **asked):
    told = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asked.items()}
    answer = desk.bench.post(
        {
            "type": f"callback.{kind}",
            "timestamp": desk.clock.now.isoformat(),
            "data": {
                "conversation": {"id": who, "channel": "web_chat", "language": "en"},
                "customer": {"vendor_user_id": f"u-{who}", "name": "Ana Ruiz", "email": "ana@example.com"},
                "callback": told,
            },
        }
    )
    assert answer.status_code == 200, answer.text
    desk.bench.work()
    return answer.json["decision"]


def booked(desk, who="c-1", at=FIRST):
    desk.hand_off(who=who)
    return callback(desk, "confirmed", who, starts_at=at, zone="Europe/Berlin", phone="+4930123456")["handoff_id"]


def shown(desk, handoff_id):
    return desk.bench.client.get(f"/v1/handoffs/{handoff_id}", headers=TOKEN).json


def states(desk, handoff_id):
    return [version["state"] for version in shown(desk, handoff_id)["appointments"]]


def notes(desk, ticket=-1):
    return [note for note in desk.bench.tickets()[ticket]["private_notes"] if "appointment apt_" in note]


def until(desk, moment):
    """Time passes minute by minute near the end, as timers see it."""
    desk.pass_by((moment - desk.clock.now).total_seconds())


# Offered


def test_at_night_nobody_is_kept_waiting_for_an_accept_and_what_the_route_says_for_that_is_told_with_the_times(desk):
    told = desk.bench.say("What does the big plan cost?", context={"slots": {"plan": "enterprise"}})["decision"]

    assert (told["transfer"], told["route"], "wait_until" in told) == ("callback", "sales", False)
    assert "09:00" in told["customer_message"]
    assert "asking a colleague" not in told["customer_message"]
    assert shown(desk, told["handoff_id"])["wait"]["ended"] == "nobody"


def test_at_night_times_are_offered_beside_the_ticket_and_the_same_call_is_told_the_same(desk):
    envelope = desk.bench.turn("I want a human please")

    first = desk.bench.post(envelope, webhook_id="msg_1").json
    desk.bench.work()
    desk.clock.forward(minutes=90)
    again = desk.bench.post(envelope, webhook_id="msg_1").json

    offer = first["decision"]["callback"]
    assert offer["zone"] == "America/New_York"
    assert [datetime.fromisoformat(slot["starts_at"]) for slot in offer["slots"]][:2] == [FIRST, SECOND]
    assert "2026-03-06 09:00, 2026-03-06 09:30" in first["decision"]["customer_message"]
    assert again == first | {"duplicate": True}
    with desk.bench.env.reading() as tx:  # what a vendor is told that waits for no answer
        kept = tx.intake.decision(tx.handoffs.get(first["decision"]["handoff_id"]).event_id)
    assert kept.customer_message == first["decision"]["customer_message"]
    assert len(desk.bench.tickets()) == 1
    assert desk.clock_of(first["decision"]["handoff_id"]).state == "running"


def test_while_somebody_is_free_nothing_is_offered(desk):
    desk.clock.forward(hours=6)  # ten in New York

    assert "callback" not in desk.bench.say("human please")["decision"]


def test_when_everybody_on_duty_has_their_fill_times_are_offered(desk):
    desk.clock.forward(hours=6)
    for number in range(8):  # the starter's general team: five and three at a time
        assert "callback" not in desk.bench.say("human please", f"c-{number}")["decision"]

    ninth = desk.bench.say("human please", "c-9")["decision"]

    assert ninth["callback"]["slots"]
    assert ninth["handoff_id"]


# Asked for and confirmed


def test_who_asks_for_a_call_gets_a_handoff_and_times(desk):
    decision = callback(desk, "requested", zone="Europe/Berlin")

    assert (decision["action"], decision["transfer"], decision["rules"][0]) == (
        "escalate",
        "callback",
        "callback-asked",
    )
    assert decision["callback"]["zone"] == "Europe/Berlin"
    assert "2026-03-06 15:00" in decision["customer_message"]
    assert "as soon as possible" in str(desk.bench.tickets()[0])


def test_a_policy_without_a_rule_for_calls_keeps_nobody_from_calling(desk):
    desk.bench.env.policy = PolicyHolder(
        desk.bench.env.settings.policies,
        desk.bench.env.database,
        replace(desk.bench.env.policy.current, rules=(), revision="without-rules"),
    )

    decision = callback(desk, "confirmed", starts_at=FIRST)

    assert (decision["action"], decision["transfer"], decision["rules"]) == ("escalate", "callback", [])
    with desk.bench.env.reading() as tx:
        kept = tx.intake.decision(tx.handoffs.get(decision["handoff_id"]).event_id)
    assert "the vendor spoke of a call" in explain(kept)
    assert states(desk, decision["handoff_id"]) == ["booked"]
    assert len(desk.bench.tickets()) == len(notes(desk)) == 1


def test_a_confirmed_call_is_booked_once_and_stands_on_the_ticket_once(desk):
    handoff_id = booked(desk)
    again = callback(desk, "confirmed", starts_at=FIRST)

    assert again["callback"]["appointment"]["sequence"] == 0
    assert "BEGIN:VEVENT" in again["callback"]["appointment"]["invitation"]
    assert states(desk, handoff_id) == ["booked"]
    (note,) = notes(desk)
    assert "Friday 2026-03-06 09:00-09:30 America/New_York" in note
    assert "for the customer Friday 2026-03-06 15:00-15:30 Europe/Berlin" in note
    assert desk.clock_of(handoff_id, "callback").due_at == SECOND


def test_another_time_replaces_the_first_in_the_same_calendar_entry(desk):
    handoff_id = booked(desk)
    later = callback(desk, "confirmed", starts_at=SECOND)["callback"]["appointment"]

    assert states(desk, handoff_id) == ["replaced", "booked"]
    assert {f"UID:{handoff_id}@baton", "SEQUENCE:1"} <= set(later["invitation"].split("\r\n"))
    assert len(notes(desk)) == 2
    assert desk.clock_of(handoff_id, "callback").due_at == SECOND + timedelta(minutes=30)


def test_a_time_that_is_taken_meanwhile_is_answered_with_others_and_the_handoff_stays(desk):
    for who in ("c-1", "c-2"):  # two at a time
        booked(desk, who)
    desk.hand_off(who="c-3")

    third = callback(desk, "confirmed", "c-3", starts_at=FIRST)

    assert third["callback"]["not_free"]
    assert datetime.fromisoformat(third["callback"]["slots"][0]["starts_at"]) == SECOND
    assert states(desk, third["handoff_id"]) == []
    desk.pass_by(30)
    assert "2026-03-06 14:00 UTC" in str(desk.bench.tickets()[-1]["private_notes"])


@pytest.mark.parametrize(
    "wanted",
    [FIRST.replace(hour=9, minute=30), FIRST.replace(hour=3, day=9), FIRST.replace(day=7), FIRST.replace(month=5)],
    ids=["sooner than the lead", "at the team's night", "on a Saturday", "too far away"],
)
def test_a_time_nobody_can_keep_is_not_booked(desk, wanted):
    decision = callback(desk, "requested", starts_at=wanted)

    assert decision["callback"]["not_free"]
    assert "appointment" not in decision["callback"]


# Near, kept, missed, cancelled


def test_a_call_reported_as_made_meets_its_clock(desk):
    handoff_id = booked(desk)
    until(desk, FIRST + timedelta(minutes=10))

    answer = desk.bench.client.post(f"/v1/handoffs/{handoff_id}/callback", json={"outcome": "kept"}, headers=TOKEN)

    assert (answer.status_code, answer.json["state"]) == (200, "kept")
    assert desk.clock_of(handoff_id, "callback").outcome == "met"


def test_a_public_reply_inside_the_window_keeps_it_too(desk):
    handoff_id = booked(desk)
    until(desk, FIRST + timedelta(minutes=10))
    desk.does("reply", "I have just called you.")

    assert states(desk, handoff_id) == ["kept"]
    assert desk.clock_of(handoff_id, "callback").outcome == "met"


def test_nobody_called_is_missed_and_said_on_the_ticket_and_a_late_call_is_late(desk):
    handoff_id = booked(desk)
    until(desk, SECOND)
    in_time = states(desk, handoff_id)
    desk.pass_by(2)

    assert in_time == ["booked"]
    assert states(desk, handoff_id) == ["missed"]
    assert desk.clock_of(handoff_id, "callback").state == "breached"
    assert "The call was missed" in notes(desk)[-1]

    desk.pass_by(600)
    desk.does("reply", "Sorry, here I am.")

    (version,) = shown(desk, handoff_id)["appointments"]
    assert (version["state"], version["late"]) == ("kept", True)
    assert desk.clock_of(handoff_id, "callback").outcome == "missed"


def test_a_solved_ticket_takes_the_call_out_of_calendars_and_clocks(desk):
    handoff_id = booked(desk)
    desk.pass_by(60)
    desk.does("status", "solved")

    (version,) = shown(desk, handoff_id)["appointments"]
    calendar = desk.bench.client.get(f"/v1/appointments/{version['id']}.ics", headers=TOKEN)

    assert (version["state"], version["sequence"]) == ("cancelled", 1)
    assert calendar.content_type == "text/calendar; charset=utf-8; method=CANCEL"
    assert "STATUS:CANCELLED" in calendar.text
    assert desk.clock_of(handoff_id, "callback").outcome == "cancelled"
    assert "cancelled" in notes(desk)[-1]


def test_a_reply_in_time_that_is_learned_of_late_takes_the_miss_back(desk):
    handoff_id = booked(desk)
    until(desk, FIRST + timedelta(minutes=10))
    held = desk.act("reply", "I have just called you.")
    until(desk, SECOND + timedelta(seconds=2))
    before = states(desk, handoff_id)
    desk.told(held)

    assert (before, states(desk, handoff_id)) == (["missed"], ["kept"])
    assert desk.clock_of(handoff_id, "callback").outcome == "met"
    assert "retracted" in [effect for effect, _ in desk.effects(handoff_id, "callback")]


@pytest.mark.parametrize("solved_first", [True, False])
def test_answered_and_then_solved_inside_the_window_is_kept_in_whatever_order_it_is_told(desk, solved_first):
    handoff_id = booked(desk)
    until(desk, FIRST + timedelta(minutes=10))
    replied = desk.act("reply", "I have just called you.")
    desk.clock.forward(seconds=30)
    solved = desk.act("status", "solved")
    for held in (solved, replied) if solved_first else (replied, solved):
        desk.told(held)

    assert states(desk, handoff_id) == ["kept"]
    assert desk.clock_of(handoff_id, "callback").outcome == "met"


def test_a_ticket_solved_before_the_call_but_told_of_after_it_was_missed_is_no_miss(desk):
    handoff_id = booked(desk)
    desk.pass_by(60)
    held = desk.act("status", "solved")
    until(desk, SECOND + timedelta(seconds=2))
    before = states(desk, handoff_id)
    desk.told(held)

    assert (before, states(desk, handoff_id)) == (["missed"], ["cancelled"])
    assert desk.clock_of(handoff_id, "callback").outcome == "cancelled"


def test_after_a_missed_call_another_can_be_agreed_on(desk):
    handoff_id = booked(desk)
    until(desk, SECOND + timedelta(seconds=2))
    callback(desk, "confirmed", starts_at=FIRST + timedelta(hours=2))

    assert states(desk, handoff_id) == ["missed", "booked"]
    assert desk.clock_of(handoff_id, "callback").cycle == 2
    assert desk.clock_of(handoff_id, "callback").due_at == FIRST + timedelta(hours=2, minutes=30)


def test_the_first_answer_is_not_due_before_the_call_that_was_agreed_on(desk):
    handoff_id = booked(desk)
    paused = desk.clock_of(handoff_id)
    until(desk, FIRST)
    running = desk.clock_of(handoff_id)

    assert (paused.state, paused.due_at) == ("paused", None)
    assert (running.state, running.due_at) == ("running", FIRST + timedelta(hours=1))
    assert desk.effects(handoff_id) == []


def event(desk, kind, who="c-1"):
    said = {"conversation": {"id": who, "channel": "voice", "language": "en"}}
    answer = desk.bench.post({"type": kind, "timestamp": desk.clock.now.isoformat(), "data": said})
    desk.bench.work()
    return answer.json["decision"]


def test_a_call_that_the_vendor_connected_keeps_it_even_before_its_time(desk):
    handoff_id = booked(desk)
    desk.pass_by(600)
    event(desk, "call.transferred")

    assert states(desk, handoff_id) == ["kept"]
    assert desk.clock_of(handoff_id, "callback").outcome == "met"


def test_a_reply_before_the_window_leaves_the_appointment_standing(desk):
    handoff_id = booked(desk)
    desk.pass_by(600)
    desk.does("reply", "We will call you at nine.")

    assert states(desk, handoff_id) == ["booked"]


def test_a_vendor_that_wants_no_person_any_more_cancels_the_call(desk):
    handoff_id = booked(desk)
    desk.pass_by(60)

    decision = event(desk, "handoff.cancelled")

    assert decision["callback"]["appointment"]["state"] == "cancelled"
    assert {"METHOD:CANCEL", "SEQUENCE:1"} <= set(decision["callback"]["appointment"]["invitation"].split("\r\n"))
    assert states(desk, handoff_id) == ["cancelled"]
    assert "nobody needs to call the customer" in notes(desk)[-1]


def test_a_place_that_is_given_up_is_free_for_others(desk):
    for who in ("c-1", "c-2"):
        booked(desk, who)
    desk.pass_by(60)
    event(desk, "handoff.cancelled", "c-1")

    assert "appointment" in callback(desk, "confirmed", "c-3", starts_at=FIRST)["callback"]


def test_an_old_address_of_the_invitation_leads_to_the_newest_version(desk):
    handoff_id = booked(desk)
    callback(desk, "confirmed", starts_at=SECOND)
    first = shown(desk, handoff_id)["appointments"][0]["id"]

    calendar = desk.bench.client.get(f"/v1/appointments/{first}.ics", headers=TOKEN)

    assert "DTSTART:20260306T143000Z" in calendar.text
    assert "ATTENDEE;" in calendar.text


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"outcome": "kept"}, {}, 401),
        ({"outcome": "booked"}, TOKEN, 400),
        (["kept"], TOKEN, 400),
        ({"outcome": "missed"}, TOKEN, 409),
    ],
)
def test_what_cannot_be_said_of_a_call_is_refused_and_changes_nothing(desk, body, headers, status):
    handoff_id = booked(desk)

    answer = desk.bench.client.post(f"/v1/handoffs/{handoff_id}/callback", json=body, headers=headers)

    assert answer.status_code == status
    assert states(desk, handoff_id) == ["booked"]


def test_a_call_reported_as_missed_cannot_be_missed_twice_but_still_be_made(desk):
    handoff_id = booked(desk)
    until(desk, FIRST + timedelta(minutes=5))
    report = f"/v1/handoffs/{handoff_id}/callback"
    said = [
        desk.bench.client.post(report, json={"outcome": outcome}, headers=TOKEN).json.get("state")
        for outcome in ("missed", "missed", "kept", "missed")
    ]
    desk.bench.work()

    assert said == ["missed", "missed", "kept", None]
    assert len([note for note in notes(desk) if "The call was missed" in note]) <= 1


# The note, whatever dies


@pytest.mark.parametrize("desk_kind", ["zendesk", "freshdesk", "servicenow"])
def test_a_note_nobody_knows_the_fate_of_stands_there_once(desk, monkeypatch):
    desk.hand_off()
    helpdesk = desk.bench.env.helpdesk("desk")
    really = helpdesk.update_ticket

    def done_but_not_answered(ref, update):
        really(ref, update)
        monkeypatch.undo()
        raise Unsure("Desk", "no answer")

    monkeypatch.setattr(helpdesk, "update_ticket", done_but_not_answered)
    callback(desk, "confirmed", starts_at=FIRST, phone="+4930123456")
    for _ in range(6):
        desk.pass_by(60)

    (note,) = notes(desk)
    assert "as agreed" in note
    assert "Number: +4930123456." in note


def test_a_worker_that_died_after_the_note_leaves_it_standing_once(desk):
    handoff_id = booked(desk)
    done = update(work).where(work.c.kind.in_(["tell_callback", "callback_timer"])).values(done_at=None)
    with desk.bench.env.transaction() as tx:
        tx.connection.execute(done)
    desk.bench.work()

    assert len(notes(desk)) == 1
    assert states(desk, handoff_id) == ["booked"]


def test_a_call_agreed_on_before_there_is_a_ticket_is_told_once_there_is_one(desk):
    desk.bench.sandbox.faults.add("503", method="POST", path="*", times=2)
    desk.bench.say("human please")
    callback(desk, "confirmed", starts_at=FIRST)
    for _ in range(10):
        desk.pass_by(30)

    assert len(notes(desk)) == 1


class Killed(BaseException):
    """As a kill: nobody catches it, and what was not committed is gone."""


def killed_at(database, number, monkeypatch):
    """The process dies at its `number`-th transaction from now, just before the commit."""
    begin, count = database.begin, iter(range(1, 1000))

    @contextmanager
    def cut():
        with begin() as connection:
            yield connection
            if next(count) == number:
                raise Killed

    monkeypatch.setattr(database, "begin", cut)


def test_wherever_a_worker_dies_on_the_way_there_is_one_note_and_one_appointment(desk, monkeypatch):
    died = 0
    for number in range(1, 8):
        who = f"c-{number}"
        desk.hand_off(who=who)
        wanted = {"starts_at": (FIRST + number * timedelta(minutes=30)).isoformat()}
        said = {"conversation": {"id": who}, "callback": wanted}
        desk.bench.post({"type": "callback.confirmed", "timestamp": desk.clock.now.isoformat(), "data": said})
        with monkeypatch.context() as patch:
            killed_at(desk.bench.env.database, number, patch)
            try:
                desk.bench.work()
            except Killed:
                died += 1
        desk.pass_by(60)
        desk.pass_by(60)

        assert len(notes(desk)) == 1, f"killed at transaction {number}"
    assert died >= 4
    assert len(desk.bench.tickets()) == 7
