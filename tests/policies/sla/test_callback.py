"""Appointments: slots that suit both sides, and the invitation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policies.sla.callback import free_slots, is_free, may_book, reminder_at, say_times
from policies.sla.ics import Invitation, render
from policies.sla.roster import Callbacks

RULES = Callbacks(slot=1800, capacity=2, lead=3600)
MONDAY = datetime(2027, 6, 7, 13, 10, tzinfo=UTC)  # 09:10 in New York


def starts(slots):
    return [slot.starts_at.isoformat()[5:16] for slot in slots]


def slots(hours, name="NY", zone="America/New_York", booked=(), now=MONDAY, count=3, rules=RULES):
    return free_slots(hours[name], rules, customer_zone=zone, booked=booked, now=now, count=count)


def test_the_first_slots_begin_on_the_half_hour_after_the_lead_time(hours):
    assert starts(slots(hours)) == ["06-07T14:30", "06-07T15:00", "06-07T15:30"]


def test_a_slot_lies_inside_the_customers_decent_hours_too(hours):
    # 09:00-17:00 in New York is 22:00-06:00 in Tokyo: nobody there is called, whatever the day.
    assert slots(hours, zone="Asia/Tokyo") == ()
    assert starts(slots(hours, zone="America/Los_Angeles")) == ["06-07T16:00", "06-07T16:30", "06-07T17:00"]


def test_a_slot_that_would_outlast_the_opening_hours_is_not_offered(hours):
    late = MONDAY.replace(hour=19, minute=45)  # with the lead time 16:45 in New York

    assert starts(slots(hours, now=late, count=1)) == ["06-08T13:00"]


def test_lunch_is_nobodys_slot(hours):
    found = slots(hours, "LON", "Europe/London", now=MONDAY.replace(hour=9), count=5)

    assert starts(found) == ["06-07T10:30", "06-07T11:00", "06-07T12:30", "06-07T13:00", "06-07T13:30"]


def test_a_full_slot_is_passed_over_and_a_half_full_one_says_so(hours):
    first = MONDAY.replace(hour=14, minute=30)

    found = slots(hours, booked=[first, first, first + timedelta(minutes=30)])

    assert [(starts([slot])[0], slot.room) for slot in found] == [
        ("06-07T15:00", 1),
        ("06-07T15:30", 2),
        ("06-07T16:00", 2),
    ]


def test_a_slot_that_was_offered_twice_can_be_confirmed_only_while_there_is_room(hours):
    slot = MONDAY.replace(hour=14, minute=30)
    rules = replace(RULES, capacity=1)

    ask = {"customer_zone": None, "rules": rules, "hours": hours["NY"]}
    assert is_free(slot, booked=[], **ask)
    assert not is_free(slot, booked=[slot], **ask)
    assert not is_free(slot.replace(hour=2), booked=[], **ask)


def test_the_reminder_comes_before_the_slot():
    assert reminder_at(MONDAY) == MONDAY - timedelta(minutes=15)


# The invitation


INVITATION = Invitation(
    uid="cbk_1@baton",
    starts_at=datetime(2027, 6, 7, 14, 30, tzinfo=UTC),
    ends_at=datetime(2027, 6, 7, 15, 0, tzinfo=UTC),
    summary="We call you back, as agreed; ticket 4711",
    description="Order\nand account, “straße” " + "long " * 40,
    made_at=MONDAY,
    organizer="support@example.com",
    attendee="jane@example.org",
)


def unfolded(text):
    return text.replace("\r\n ", "").split("\r\n")


def test_the_invitation_has_what_calendars_need(times):
    lines = unfolded(render(INVITATION))

    assert lines[0] == "BEGIN:VCALENDAR"
    assert {"METHOD:REQUEST", "UID:cbk_1@baton", "DTSTART:20270607T143000Z", "DTEND:20270607T150000Z"} <= set(lines)
    assert "SUMMARY:We call you back\\, as agreed\\; ticket 4711" in lines
    assert [line for line in lines if line.startswith("DESCRIPTION:Order\\nand account")]
    assert lines[-2:] == ["END:VCALENDAR", ""]


def test_lines_are_folded_at_75_octets_and_never_inside_a_character():
    raw = render(replace(INVITATION, summary="ß" * 200)).encode()

    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert all(line.decode() is not None for line in raw.split(b"\r\n"))
    assert "ß" * 200 in "".join(unfolded(raw.decode()))


def test_a_cancellation_says_so_and_reminds_of_nothing():
    text = render(replace(INVITATION, sequence=1), "CANCEL")

    assert "METHOD:CANCEL\r\n" in text
    assert "STATUS:CANCELLED\r\n" in text
    assert "VALARM" not in text


@pytest.mark.parametrize("wrong", ["a@b.c\r\nATTENDEE:x", "Jane <jane@example.org>", "a@b.c;X=1"])
def test_an_address_cannot_bring_properties_of_its_own(wrong):
    with pytest.raises(ValueError, match="bare e-mail"):
        render(replace(INVITATION, attendee=wrong))


def test_words_cannot_bring_properties_of_their_own():
    lines = unfolded(render(replace(INVITATION, summary="x\r\nATTENDEE:mailto:evil@example.org")))

    assert [line for line in lines if line.startswith("ATTENDEE")] == [
        "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:jane@example.org"
    ]


# A time that a customer asks for


@pytest.mark.parametrize(
    ("at", "was_offered", "may"),
    [
        ("14:30", False, True),
        ("13:30", False, False),  # sooner than the lead
        ("13:30", True, True),  # it was far enough ahead when it was offered
        ("13:00", True, False),  # over
        ("14:10", False, True),  # off the grid, and free
        ("15:40", False, False),  # overlaps one that is booked
    ],
)
def test_an_offered_time_must_be_ahead_and_one_thought_of_must_keep_the_lead(hours, at, was_offered, may):
    wanted = datetime.fromisoformat(f"2027-06-07T{at}+00:00")
    rules, booked = replace(RULES, capacity=1), [MONDAY.replace(hour=15, minute=30)]

    found = may_book(wanted, hours["NY"], rules, customer_zone=None, booked=booked, now=MONDAY, was_offered=was_offered)

    assert found is may


def test_nobody_is_called_in_a_month(hours):
    far = MONDAY + timedelta(days=28)

    assert not may_book(far, hours["NY"], RULES, customer_zone=None, booked=[], now=MONDAY, was_offered=True)


def test_times_are_read_out_by_the_clock_of_the_zone_that_is_named():
    said = say_times("At {times} ({zone})?", [MONDAY, MONDAY + timedelta(hours=12)], "Europe/Berlin")

    assert said == "At 2027-06-07 15:10, 2027-06-08 03:10 (Europe/Berlin)?"
