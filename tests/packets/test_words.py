from datetime import timedelta

import pytest

from packets.words import label, lasting, listed, plain, times


@pytest.mark.parametrize(
    ("name", "words"),
    [("refund-dispute", "refund dispute"), ("order.status", "order status"), ("orderStatus", "order status"), ("", "")],
)
def test_identifiers_are_read_as_words(name, words):
    assert plain(name) == words


@pytest.mark.parametrize(
    ("name", "said"), [("order_id", "order"), ("Order Number", "order"), ("id", "id"), ("iban", "iban")]
)
def test_facts_are_called_what_people_call_them(name, said):
    assert label(name) == said


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (timedelta(minutes=30), "30 min"),
        (timedelta(minutes=65), "1 h 5 min"),
        (timedelta(days=2, hours=3, minutes=9), "2 d 3 h"),
        (timedelta(seconds=-5), "0 min"),
    ],
)
def test_spans_of_time_are_short(time, shown):
    assert lasting(time) == shown


def test_lists_and_counts_read_as_speech():
    assert [listed(["a"]), listed(["a", "b"]), listed("abc"), listed([])] == ["a", "a and b", "a, b and c", ""]
    assert [times(1), times(2), times(5)] == ["once", "twice", "5 times"]
