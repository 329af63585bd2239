"""Bytes as JSON, strictly."""

import contextlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.body import MAX_DEPTH, form_body, form_pairs, inflated, json_body
from connectors.errors import MalformedWebhook

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values, st.booleans())
def test_whatever_is_json_comes_back_as_it_was(value, ascii_only):
    assert json_body(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_a_value_or_malformed(raw):
    with contextlib.suppress(MalformedWebhook):
        json_body(raw)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"\xff", "not UTF-8 (byte 0)"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), f"deeper than {MAX_DEPTH}"),
        (b"[" * 100_000, "deeper than"),
        (b"1" * 5000, "too long"),
        (b'{"a": [1.5, -1e999]}', "larger than"),
    ],
)
def test_what_is_refused_says_why(raw, says):
    with pytest.raises(MalformedWebhook, match=None) as caught:
        json_body(raw)

    assert says in str(caught.value)


def test_brackets_inside_strings_are_no_depth():
    assert json_body(json.dumps({"text": "[" * 200 + '"\\' + "{" * 200}).encode())["text"].startswith("[[[")


def test_what_no_database_takes_is_replaced_and_the_rest_kept():
    raw = b'{"a\\u0000b": "x\\ud800y", "pair": "\\ud83d\\ude00", "list": ["\\udfff"]}'

    assert json_body(raw) == {"a\ufffdb": "x\ufffdy", "pair": "😀", "list": ["\ufffd"]}


@pytest.mark.parametrize("rest", [b'\\"' * 200_000, b'"\\\n' * 200_000, b"a" * 200_000 + b"\\"])
def test_a_string_that_never_ends_is_malformed_however_long(rest):
    with pytest.raises(MalformedWebhook):
        json_body(b"[]" * 65 + b'"' + rest)


@given(st.binary(max_size=200))
def test_a_deflated_body_comes_back_as_it_was(raw):
    assert inflated(zlib.compress(raw), most=200) == raw


def test_a_body_somebody_unpacked_on_the_way_is_taken_as_it_is():
    assert inflated(b' {"a": 1}', most=200) == b' {"a": 1}'


@given(st.binary(max_size=60))
def test_any_bytes_said_to_be_deflated_are_a_body_or_malformed(raw):
    with contextlib.suppress(MalformedWebhook):
        assert isinstance(inflated(raw, most=100), bytes)


def test_a_body_that_unpacks_to_more_than_is_bearable_is_malformed():
    with pytest.raises(MalformedWebhook, match="more than 1000 bytes"):
        inflated(zlib.compress(b"x" * 1001), most=1000)


def test_a_form_keeps_empty_and_repeated_parameters_for_its_signature():
    raw = b"a=1&b=&a=2&c=x+y%C3%A9"

    assert form_pairs(raw) == [("a", "1"), ("b", ""), ("a", "2"), ("c", "x yé")]
    assert form_body(raw) == {"a": "1", "b": "", "c": "x yé"}


def test_what_no_database_stores_is_replaced_in_a_form():
    assert form_body(b"a=x%00y") == {"a": "x\ufffdy"}


@pytest.mark.parametrize("raw", [b"a=%ff", b"\xff=1", b"&".join([b"a=1"] * 1001)])
def test_a_form_nobody_can_read_is_malformed(raw):
    with pytest.raises(MalformedWebhook, match="form"):
        form_pairs(raw)
