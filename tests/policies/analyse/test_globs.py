"""Texts for patterns: every set of them that one text can match is matched by one of ours."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.analyse.globs import telling_texts


def sets(patterns, texts):
    return {frozenset(p for p in patterns if fnmatchcase(text, p)) for text in texts} - {frozenset()}


@pytest.mark.parametrize(
    ("patterns", "both"),
    [
        (["shop-*", "*-bot"], True),
        (["2.*", "2.1?"], True),
        (["2.*", "3.*"], False),
        (["shop", "shop-*"], False),
        (["[ab]x", "b*"], True),
    ],
)
def test_a_text_that_fits_two_patterns_is_found_if_there_is_one(patterns, both):
    assert (frozenset(patterns) in sets(patterns, telling_texts(patterns))) is both


@given(
    patterns=st.lists(st.text("ab-*?", min_size=1, max_size=4), min_size=1, max_size=3, unique=True),
    text=st.text("abx-", min_size=1, max_size=6),
)
def test_what_any_text_matches_one_of_ours_matches_as_well(patterns, text):
    assert sets(patterns, [text]) <= sets(patterns, telling_texts(patterns))
