"""The tables of due instants: 4.1 to 4.5 of the specification, and the usable figures vendors publish (5.1)."""

import pytest

from policies.sla.within import Deadline, due_by_date, parse_within

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def due(hours, start, target):
    limit = parse_within(target).limit(hours, start)
    if limit is None:
        return None
    return limit.due if limit.due is not None else hours.add(start, limit.seconds)


@pytest.mark.parametrize(
    ("row", "calendar", "zone", "start", "target", "expected"),
    [
        ("A1", "NY", NEW_YORK, "2027-06-04T16:00", "2h", "2027-06-07T14:00:00"),
        ("A2", "NY", NEW_YORK, "2027-06-04T09:00", "8h", "2027-06-04T21:00:00"),
        ("A3", "NY", NEW_YORK, "2027-06-04T17:00", "1h", "2027-06-07T14:00:00"),
        ("A4", "NY", NEW_YORK, "2027-06-05T11:00", "30m", "2027-06-07T13:30:00"),
        ("A5", "NY", NEW_YORK, "2027-06-04T16:59:59", "2s", "2027-06-07T13:00:01"),
        ("A6", "LON", "Europe/London", "2027-06-04T12:00", "2h", "2027-06-04T14:00:00"),
        ("A7", "LON", "Europe/London", "2027-06-04T12:45", "15m", "2027-06-04T12:45:00"),
        ("A8", "UTC24", "UTC", "2027-06-05T23:30", "1h", "2027-06-06T00:30:00"),
        ("A9", "NY", BERLIN, "2027-06-04T22:30", "1h", "2027-06-07T13:30:00"),
        ("A10", "KATHMANDU", "Asia/Kathmandu", "2027-06-04T16:30", "1h", "2027-06-07T03:45:00"),
        ("A11", "NY or BER", BERLIN, "2027-06-07T19:00", "6h", "2027-06-08T08:00:00"),
        ("A12", "NEVER", "UTC", "2027-06-04T16:00", "1h", None),
        ("A13", "NY closed on 7 June", NEW_YORK, "2027-06-04T16:00", "2h", "2027-06-08T14:00:00"),
        ("A14", "TWO SHORT", NEW_YORK, "2027-06-04T09:10", "1h", "2027-06-05T13:25:00"),
        ("B1", "BER", BERLIN, "2026-12-24T17:00", "2h", "2026-12-28T08:00:00"),
        ("B2", "BER short 24 December", BERLIN, "2026-12-24T12:00", "2h", "2026-12-28T08:00:00"),
        ("B3", "BER", BERLIN, "2026-12-31T17:30", "1h", "2027-01-04T07:30:00"),
        ("B4", "NIGHT calendar_day", NEW_YORK, "2026-12-24T23:00", "2h", "2026-12-26T06:00:00"),
        ("B5", "NIGHT shift", NEW_YORK, "2026-12-24T23:00", "2h", "2026-12-25T06:00:00"),
        ("B6 before", "NY", NEW_YORK, "2027-06-04T16:00", "4h", "2027-06-07T16:00:00"),
        ("B6 after", "NY holiday on 7 June", NEW_YORK, "2027-06-04T16:00", "4h", "2027-06-08T16:00:00"),
        ("C1", "NY", NEW_YORK, "2027-03-12T12:00", "8h", "2027-03-15T16:00:00"),
        ("C2", "BER", BERLIN, "2026-10-23T17:00", "2h", "2026-10-26T08:00:00"),
        ("C3", "NY24", NEW_YORK, "2027-03-13T22:00", "8h", "2027-03-14T11:00:00"),
        ("C4", "NY24", NEW_YORK, "2026-10-31T22:00", "8h", "2026-11-01T10:00:00"),
        ("C5", "NIGHT", NEW_YORK, "2027-03-13T22:00", "7h", "2027-03-14T10:00:00"),
        ("C6", "NIGHT", NEW_YORK, "2026-10-31T22:00", "9h", "2026-11-01T11:00:00"),
        ("D1", "NIGHT", NEW_YORK, "2027-06-04T23:00", "9h", "2027-06-06T04:00:00"),
        ("D2", "NIGHT", NEW_YORK, "2027-06-05T02:00", "5h", "2027-06-06T03:00:00"),
        ("D3", "FRI NIGHT", NEW_YORK, "2027-06-04T23:00", "6h", "2027-06-05T15:00:00"),
        ("SN-DUR", "UTC24", "UTC", "2015-01-01T10:30", "10h", "2015-01-01T20:30:00"),
        ("SN-SCHED", "UTC 9-17", "UTC", "2027-06-07T09:00", "24h", "2027-06-09T17:00:00"),
        ("SN-TL 50 %", "UTC 8-17", "UTC", "2027-06-07T07:00", "4h", "2027-06-07T12:00:00"),
        ("SN-TL 75 %", "UTC 8-17", "UTC", "2027-06-07T07:00", "6h", "2027-06-07T14:00:00"),
        ("SN-TL breach", "UTC 8-17", "UTC", "2027-06-07T07:00", "8h", "2027-06-07T16:00:00"),
        ("ZD-BADGE calendar", "UTC24", "UTC", "2027-06-04T16:00", "2h", "2027-06-04T18:00:00"),
        ("ZD-BADGE business", "UTC 9-17", "UTC", "2027-06-04T16:00", "2h", "2027-06-07T10:00:00"),
        ("BIZ 90 s", "BIZ", "UTC", "2006-01-04T15:58:30", "90s", "2006-01-04T16:00:00"),
        ("BIZ 90 min", "BIZ", "UTC", "2006-01-04T14:30", "90m", "2006-01-04T16:00:00"),
        ("BIZ 3 h", "BIZ", "UTC", "2006-01-04T13:00", "3h", "2006-01-04T16:00:00"),
        ("FD-DAY twelve hours", "UTC daily 9-21", "UTC", "2027-06-07T09:00", "24h", "2027-06-08T21:00:00"),
        ("FD-DAY four hours", "UTC daily 9-13", "UTC", "2027-06-07T09:00", "24h", "2027-06-12T13:00:00"),
        ("FD-DAY2 early", "UTC 9-17", "UTC", "2027-06-07T08:00", "1bd", "2027-06-07T17:00:00"),
        ("FD-DAY2 Friday", "UTC 9-17", "UTC", "2027-06-04T18:00", "1bd", "2027-06-07T17:00:00"),
        ("FD-DAY2 within", "UTC 9-17", "UTC", "2027-06-07T10:00", "1bd", "2027-06-08T10:00:00"),
        ("GLPI Mon 10", "UTC 8-18", "UTC", "2027-06-07T10:00", "4h", "2027-06-07T14:00:00"),
        ("GLPI Mon 17", "UTC 8-18", "UTC", "2027-06-07T17:00", "4h", "2027-06-08T11:00:00"),
        ("OST-4807", "UTC 8-18", "UTC", "2027-06-04T17:00", "4h", "2027-06-07T11:00:00"),
    ],
)
def test_due_instants_are_those_of_the_oracle_table(hours, times, row, calendar, zone, start, target, expected):
    found = due(hours[calendar], times.seconds(start, zone), target)

    assert found == (None if expected is None else times.seconds(expected)), row


@pytest.mark.parametrize(
    ("row", "calendar", "zone", "a", "b", "seconds"),
    [
        ("B4", "NIGHT calendar_day", NEW_YORK, "2026-12-24T12:00", "2026-12-26T12:00", 8 * 3600),
        ("B5", "NIGHT shift", NEW_YORK, "2026-12-24T12:00", "2026-12-26T12:00", 8 * 3600),
        ("C7", "LORD HOWE", "Australia/Lord_Howe", "2026-10-04T00:00", "2026-10-05T00:00", 27_000),
        ("SN-ELAPSED day", "UTC 9-17", "UTC", "2027-06-07T14:00", "2027-06-08T09:00", 3 * 3600),
        ("SN-ELAPSED weekend", "UTC 8-17", "UTC", "2014-12-12T21:00", "2014-12-15T09:30", 5400),
        ("SN-PAUSE3", "UTC 8-17", "UTC", "2027-06-07T20:00", "2027-06-08T04:00", 0),
        ("BIZ week", "BIZ", "UTC", "2006-01-01T00:00", "2006-01-08T00:00", 39 * 3600 + 1800),
        ("BIZ days", "BIZ", "UTC", "2006-01-05T12:00", "2006-01-06T12:00", 7 * 3600),
        ("BIZ backwards", "BIZ", "UTC", "2006-01-06T12:00", "2006-01-05T12:00", 0),
    ],
)
def test_elapsed_seconds_are_those_of_the_oracle_table(hours, times, row, calendar, zone, a, b, seconds):
    assert hours[calendar].elapsed(times.seconds(a, zone), times.seconds(b, zone)) == seconds, row


def test_the_next_opening_is_that_of_the_published_example(hours, times):
    assert hours["BIZ"].next_open(times.seconds("2006-01-03T00:00")) == times.seconds("2006-01-03T10:00")


@pytest.mark.parametrize(
    ("window", "day", "opening", "close"),
    [
        ("02:30-03:15", "2026-03-08", "10:00", "10:15"),
        ("01:00-02:30", "2026-03-08", "09:00", "10:00"),
        ("00:30-01:30", "2014-11-02", "07:30", "09:30"),
        ("01:30-02:30", "2014-11-02", "09:30", "10:30"),
    ],
)
def test_an_edge_inside_the_hour_of_the_change_is_clamped_or_taken_the_second_time(
    make_week, times, window, day, opening, close
):
    from policies.sla.hours import Hours

    sunday = Hours((make_week("America/Los_Angeles", sun=window),))

    found = sunday.windows(times.seconds(f"{day}T00:00"), times.seconds(f"{day}T23:59"))

    assert found == ((times.seconds(f"{day}T{opening}"), times.seconds(f"{day}T{close}")),)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("2017-01-11T20:30", "2017-01-12T08:00"),
        ("2017-01-11T15:30", "2017-01-11T15:30"),
        ("2017-01-11T16:00", "2017-01-11T16:00"),
        ("2017-01-09T08:00", "2017-01-10T09:00:01"),
        (None, "2017-01-10T09:00:01"),
    ],
)
def test_a_date_from_outside_is_due_at_the_next_opening_and_a_past_one_at_once(hours, times, wanted, expected):
    start = times.seconds("2017-01-10T09:00")

    found = due_by_date(hours["UTC 8-16"], start, wanted and times.seconds(wanted))

    assert found == times.seconds(expected)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2027-06-07T09:30", "2027-06-08T16:00"),
        ("2027-06-07T10:00", "2027-06-09T16:00"),
        ("2027-06-04T09:59", "2027-06-07T16:00"),
        ("2027-06-05T09:00", "2027-06-08T16:00"),
    ],
)
def test_a_deadline_is_so_many_working_days_on_and_one_more_after_the_cut_off(hours, times, start, expected):
    deadline = Deadline(1, 16 * 60, 10 * 60)

    assert deadline.limit(hours["UTC 9-17"], times.seconds(start)).due == times.seconds(expected)


@pytest.mark.parametrize(
    ("calendar", "zone", "start", "target", "expected"),
    [
        ("NY", NEW_YORK, "2027-06-04T16:00", "2bd", "2027-06-08T16:00"),
        ("NY", NEW_YORK, "2027-06-07T09:00", "2bd", "2027-06-08T17:00"),
        ("NIGHT", NEW_YORK, "2027-06-05T02:00", "1bd", "2027-06-06T02:00"),
        ("NEVER", "UTC", "2027-06-05T02:00", "1bd", None),
        ("NY", NEW_YORK, "2027-06-03T16:00", "1 calendar day", "2027-06-04T16:00"),
        ("NY", NEW_YORK, "2027-06-04T16:00", "1 calendar day", "2027-06-07T09:00"),
    ],
)
def test_days_are_working_days_or_calendar_days_as_written(hours, times, calendar, zone, start, target, expected):
    found = due(hours[calendar], times.seconds(start, zone), target)

    assert found == (expected and times.seconds(expected, zone))
