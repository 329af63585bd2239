import re

import pytest

from policies.detect.pattern import BadPattern, read_pattern

LISTS = {
    "human": ["agent", "real person", "(duty)? manager"],
    "reach": ["speak to", "{give} me"],
    "give": ["get", "pass"],
}


def read(text, common=frozenset({"to", "me"})):
    return read_pattern(text, LISTS, lambda word: ("i", "would") if word == "i'd" else (word,), common)


def matches(pattern, text):
    return re.search(read(pattern).regex, f" {text} ") is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("speak to", "please speak to me"),
        ("speak to {human}", "speak to real person now"),
        ("{human}", "the duty manager"),
        ("{reach} {filler:0-2} {human}", "pass me a good agent"),
        ("{reach} {filler:0-2} {human}", "get me agent"),
        ("(a|an)? agent", "agent"),
        ("(real person|agent) please?", "agent"),
        ("^ agent $", "hello . agent !"),
        ("hello ,? agent", "hello , agent"),
        ("i'd like", "i would like"),
    ],
)
def test_a_pattern_matches(pattern, text):
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("speak to", "speak today"),
        ("agent", "reagent"),
        ("agent", "agents"),
        ("{reach} {filler:0-2} {human}", "pass me the one and only agent"),
        ("{reach} {filler:0-2} {human}", "pass me that . agent"),
        ("^ agent $", "my agent"),
        ("^ agent $", "agent said"),
    ],
)
def test_a_pattern_does_not_match(pattern, text):
    assert not matches(pattern, text)


def test_a_pattern_knows_the_words_without_which_it_cannot_match():
    pattern = read("{reach} {filler:0-2} {human} now?")

    assert pattern.needs == (frozenset({"speak", "get", "pass"}), frozenset({"agent", "person", "manager"}))
    assert "now" in pattern.words


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{humans}", "no list 'humans'"),
        ("(agent", "bracket is not closed"),
        ("agent)", "a bracket or | too many"),
        ("agent | person", "a bracket or | too many"),
        ("()", "nothing stands where a word was expected"),
        ("{Human}", "cannot read"),
        ("please?", "no word that must be there"),
        ("agent {filler:3-1} x", "smaller number"),
        ("a {filler:0-9} b {filler:0-9} c {filler:0-9} d", "1000 ways"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern, why):
    with pytest.raises(BadPattern, match=re.escape(why)):
        read(pattern)


def test_a_list_that_contains_itself_is_refused():
    with pytest.raises(BadPattern, match="contains itself"):
        read_pattern("{a}", {"a": ["x {b}"], "b": ["y {a}"]}, lambda word: (word,))
