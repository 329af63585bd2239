"""
A customer's text in the one shape patterns are written for: lower case, no accents, contractions written out, typos of
trigger words mended, one blank between words. Every word remembers where it stands in the original.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from itertools import takewhile

from policies.detect.spelling import LONGEST_WORD, Spelling

HEAD, TAIL = 2_000, 500  # characters scanned; what a longer text says in its middle is in the transcript
MOST_DEAR = 48  # long unknown words of one text whose typos are looked for; later ones are read as they stand
_LONGEST = 64  # characters of one word brought to plain form: some characters decompose into eighteen

# Zero-width and soft-hyphen characters belong to the word they hide in.
_LETTER = "[\\w\u200b\u200c\u200d\u2060\u00ad]"
_WORDS = re.compile(rf"(?:[^\W\d_]\.){{2,}}(?:[^\W\d_](?!{_LETTER}))?|{_LETTER}+(?:['’]{_LETTER}+)*|[.,;:!?…¿¡\n]")
_NOT_WORD = re.compile(r"[^\w']")
_SPELLED_OUT, _LONGEST_SPELLED_OUT = 4, 16  # letters of a word written with blanks between
BREAKS = frozenset(".,;:!?")
_AS_BREAK = {"\n": ".", "…": ".", "¿": ".", "¡": "."}


@dataclass(frozen=True, slots=True)
class Normal:
    """text: " i would like a human . ", each word followed by one blank. words: the different ones."""

    text: str
    words: frozenset[str]
    starts: tuple[int, ...]  # where each word begins in `text`
    spans: tuple[tuple[int, int], ...]  # where each word stands in the original

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span in the customer's text behind a span of `text`."""
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1) - 1
        return self.spans[first][0], self.spans[last][1]


def normalise(text: str, spelling: Spelling) -> Normal:
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    dear: set[str] = set()
    for token, start, end in _join_spaced_out(_tokens(text), spelling):
        if spelling.is_dear(token) and token not in dear:
            if len(dear) == MOST_DEAR:
                words.append(token[:LONGEST_WORD])
                spans.append((start, end))
                continue
            dear.add(token)
        for word in spelling(token):
            words.append(word)
            spans.append((start, end))
    starts = []
    position = 1
    for word in words:
        starts.append(position)
        position += len(word) + 1
    return Normal(f" {' '.join(words)} ", frozenset(words), tuple(starts), tuple(spans))


def _tokens(text: str) -> list[tuple[str, int, int]]:
    if len(text) <= HEAD + TAIL:
        return _cut(text, 0)
    return [*_cut(text[:HEAD], 0), (".", HEAD, HEAD), *_cut(text[-TAIL:], len(text) - TAIL)]


def _cut(text: str, base: int) -> list[tuple[str, int, int]]:
    if text.isascii():  # lower() keeps every position
        found = _WORDS.finditer(text.lower())
        return [(_AS_BREAK.get(m[0], m[0]), base + m.start(), base + m.end()) for m in found]
    tokens = ((_plain(m[0]), base + m.start(), base + m.end()) for m in _WORDS.finditer(text))
    return [token for token in tokens if token[0]]


def _plain(token: str) -> str:
    if token in _AS_BREAK or token in BREAKS:
        return _AS_BREAK.get(token, token)
    return plain_word(token.replace("’", "'"))


def plain_word(word: str) -> str:
    """Lower case, no accents, no invisible characters, full-width letters as plain ones."""
    decomposed = unicodedata.normalize("NFKD", word[:_LONGEST].casefold())
    return _NOT_WORD.sub("", "".join(c for c in decomposed if not unicodedata.combining(c)))


def _join_spaced_out(tokens: list[tuple[str, int, int]], spelling: Spelling) -> list[tuple[str, int, int]]:
    """h u m a n → human, when single letters in a row make a word the pack looks for."""
    if sum([len(token) == 1 for token, _, _ in tokens]) < _SPELLED_OUT:
        return tokens
    joined: list[tuple[str, int, int]] = []
    i = 0
    while i < len(tokens):
        width = _spelled_out(tokens[i : i + _LONGEST_SPELLED_OUT], spelling)
        if width:
            joined.append(("".join(t for t, _, _ in tokens[i : i + width]), tokens[i][1], tokens[i + width - 1][2]))
        else:
            joined.append(tokens[i])
        i += width or 1
    return joined


def _spelled_out(tokens: list[tuple[str, int, int]], spelling: Spelling) -> int:
    """How many single letters from here on are a word we look for, the most there are; 0 if none."""
    letters = "".join(takewhile(str.isalpha, (t if len(t) == 1 else " " for t, _, _ in tokens)))
    widths = range(len(letters), _SPELLED_OUT - 1, -1)
    return next((width for width in widths if spelling.is_trigger(letters[:width])), 0)
