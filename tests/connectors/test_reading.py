"""Reading foreign JSON: whatever stands there, the answer is the thing asked for or None."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import reading

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
READERS = [
    reading.text, reading.key, reading.number, reading.share, reading.flag, reading.mapping, reading.rows,
    reading.texts, reading.moment, reading.flat, reading.derived_id,
]  # fmt: skip


@pytest.mark.parametrize("read", READERS, ids=lambda r: r.__name__)
@given(value=ANYTHING)
def test_no_value_raises(read, value):
    read(value)


@given(ANYTHING, st.lists(st.text(max_size=3) | st.integers(-5, 5), max_size=4))
def test_no_way_through_a_value_raises(value, path):
    reading.at(value, *path)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-07-14T19:00:00.1234567+00:00", datetime(2026, 7, 14, 19, 0, 0, 123456, UTC)),
        ("2026-07-14T19:00:00Z", datetime(2026, 7, 14, 19, tzinfo=UTC)),
        ("2026-07-14T21:00:00+02:00", datetime(2026, 7, 14, 19, tzinfo=UTC)),
        ("2026-07-14T19:00:00", datetime(2026, 7, 14, 19, tzinfo=UTC)),
        (1784055600, datetime(2026, 7, 14, 19, tzinfo=UTC)),
        (1784055600000, datetime(2026, 7, 14, 19, tzinfo=UTC)),
        ("1784055600", datetime(2026, 7, 14, 19, tzinfo=UTC)),
        (0, None),
        ("yesterday", None),
        (True, None),
        (1e300, None),
    ],
)
def test_a_moment_is_read_however_it_is_written(written, meant):
    assert reading.moment(written) == meant


def test_ids_drift_between_numbers_and_strings():
    assert reading.key(17) == reading.key("17") == reading.key(17.0) == "17"
    assert reading.key("a\nb") is reading.key("x" * 201) is reading.key(True) is None


def test_a_confidence_outside_of_its_scale_is_unknown_rather_than_wrong():
    assert [reading.share(v) for v in (0.4, 1, "0.4", 87, -0.1, None)] == [0.4, 1, 0.4, None, None, None]
