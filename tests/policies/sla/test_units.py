from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.sla.units import BadDuration, parse_duration, show_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("15m", 900), ("4h", 14_400), ("1h30m", 5_400), ("1h0m5s", 3_605), ("24h", 86_400)],
)
def test_a_duration_is_numbers_with_units(written, seconds):
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize("written", ["15", "", "m", "15 min", "30m1h", "-5m", "1.5h", 15, None, True, ["5m"]])
def test_anything_else_is_refused_with_what_was_expected(written):
    with pytest.raises(BadDuration, match="90s, 15m, 4h or 1h30m"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["99999h", "999999999999999h", "9" * 400 + "h"])
def test_what_is_longer_than_ten_years_is_a_slip(written):
    with pytest.raises(BadDuration, match="longer than ten years"):
        parse_duration(written)


def test_a_bare_day_is_refused_with_its_three_readings():
    with pytest.raises(BadDuration) as refused:
        parse_duration("1d")

    assert "24h" in str(refused.value)
    assert "1bd" in str(refused.value)
    assert "'1 calendar day'" in str(refused.value)


@pytest.mark.parametrize("written", ["2bd", "2 calendar days"])
def test_days_that_need_a_calendar_are_refused_until_there_are_calendars(written):
    with pytest.raises(BadDuration, match=r"needs a calendar.* write 48h"):
        parse_duration(written)


@given(st.integers(min_value=1, max_value=10**7))
def test_what_is_shown_is_read_back(seconds):
    assert parse_duration(show_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
