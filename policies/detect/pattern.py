"""
The small language phrases are written in, made into one linear regular expression each.

    speak to             words, one after the other
    {human}              any entry of the list `human`
    {filler:0-3}         up to three words, whatever they are, within the sentence part
    (a|an|the)?          one of several; ? = may be left out (also after a word or a list)
    ^ and $              where a sentence begins and ends

Repetition is bounded and never nested, so that no text can make a pattern slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

_PARTS = re.compile(r"\{([a-z_]+)\}(\??)|\{filler:(\d)-(\d)\}|(\()|(\)\??)|(\|)|(\^)|(\$)|([^\s(){}|^$]+)|(\S)")
_FILLER_WORD = r"[\w']+ "
_MOST_WAYS = 300  # in which the fillers of one pattern can be filled: bounds the work at one place of a text


class BadPattern(ValueError):
    """A pattern that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    regex: to be searched in a Normal's text. needs: one word of each set must be there, or the regex cannot match.
    words: every word the pattern knows.
    """

    regex: str
    needs: tuple[frozenset[str], ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a pattern, read. ways: how many ways its fillers can be filled in."""

    regex: str
    needs: tuple[frozenset[str], ...] = ()
    words: frozenset[str] = frozenset()
    ways: int = 1

    def optional(self) -> Piece:
        return Piece(f"(?:{self.regex})?", (), self.words, self.ways)


def read_pattern(
    text: str,
    lists: Mapping[str, Sequence[str]],
    spell: Callable[[str], tuple[str, ...]],
    common: frozenset[str] = frozenset(),
    lists_read: dict[str, Piece] | None = None,
) -> Pattern:
    """
    spell: as the customer's words will be spelled, so that "i'd" in a pattern meets "i would" in a text.
    common: words too frequent to be worth waiting for. lists_read: for the caller to keep while the lists are the same.
    """
    piece = _Reader(text, lists, spell, common, {} if lists_read is None else lists_read).whole()
    if not piece.needs:
        raise BadPattern(f"'{text}' holds no word that must be there")
    if piece.ways > _MOST_WAYS:
        raise BadPattern(
            f"'{text}': its fillers can be filled in {piece.ways} ways, {_MOST_WAYS} are allowed; shorten them"
        )
    return Pattern(rf"(?<= ){piece.regex}", piece.needs, piece.words)


class _Reader:
    def __init__(
        self,
        text: str,
        lists: Mapping[str, Sequence[str]],
        spell: Callable[[str], tuple[str, ...]],
        common: frozenset[str],
        lists_read: dict[str, Piece],
        within: tuple[str, ...] = (),
    ) -> None:
        self.text, self.lists, self.spell, self.common, self.within = text, lists, spell, common, within
        self.lists_read = lists_read
        self.parts = list(_PARTS.finditer(text))
        self.at = 0

    def whole(self) -> Piece:
        piece = self._sequence()
        if self.at < len(self.parts):
            raise BadPattern(f"'{self.text}': a bracket or | too many")
        return piece

    def _sequence(self) -> Piece:
        pieces: list[Piece] = []
        while self.at < len(self.parts):
            part = self.parts[self.at]
            if part[6] or part[7]:  # ) or |
                break
            self.at += 1
            pieces.append(self._piece(part))
        if not pieces:
            raise BadPattern(f"'{self.text}': nothing stands where a word was expected")
        return _joined(pieces)

    def _piece(self, part: re.Match[str]) -> Piece:
        name, optional, least, most, opening, _, _, start, end, word, other = part.groups()
        if name:
            piece = self._list(name)
            return piece.optional() if optional else piece
        if most:
            return self._filler(int(least), int(most))
        if opening:
            return self._group()
        if start:
            return Piece(r"(?:(?<=^ )|(?<=[.;:!?] ))")
        if end:
            return Piece(r"(?=[.;:!?] |$)")
        if word:
            return self._word(word)
        raise BadPattern(f"'{self.text}': cannot read '{other}'")

    def _word(self, word: str) -> Piece:
        bare = word.removesuffix("?") or word
        words = self.spell(bare.lower())
        needs = tuple(frozenset({w}) for w in words if w[0].isalnum())
        piece = Piece("".join(re.escape(w) + " " for w in words), needs, frozenset(words))
        return piece.optional() if bare != word else piece

    def _filler(self, least: int, most: int) -> Piece:
        if least > most:
            raise BadPattern(f"'{self.text}': the smaller number of a filler comes first")
        return Piece(f"(?:{_FILLER_WORD}){{{least},{most}}}?", ways=most - least + 1)

    def _group(self) -> Piece:
        choices = [self._sequence()]
        while self.at < len(self.parts) and self.parts[self.at][7]:
            self.at += 1
            choices.append(self._sequence())
        if self.at >= len(self.parts) or not self.parts[self.at][6]:
            raise BadPattern(f"'{self.text}': a bracket is not closed")
        closing = self.parts[self.at][6]
        self.at += 1
        piece = self._either(choices)
        return piece.optional() if closing.endswith("?") else piece

    def _list(self, name: str) -> Piece:
        if name not in self.lists:
            raise BadPattern(f"'{self.text}': there is no list '{name}'")
        if name in self.within:
            raise BadPattern(f"list '{name}' contains itself")
        if name not in self.lists_read:
            inside = (*self.within, name)
            entries = (
                _Reader(entry, self.lists, self.spell, self.common, self.lists_read, inside)
                for entry in self.lists[name]
            )
            self.lists_read[name] = self._either([entry.whole() for entry in entries])
        return self.lists_read[name]

    def _either(self, choices: list[Piece]) -> Piece:
        # Longest first: "agent" must not shadow "agent on the phone" in the words shown as evidence.
        ordered = sorted({c.regex: c for c in choices}.values(), key=lambda c: (-len(c.regex), c.regex))
        needs: tuple[frozenset[str], ...] = ()
        if all(c.needs for c in choices):
            needs = (frozenset().union(*(self._rarest(c.needs) for c in choices)),)
        words = frozenset().union(*(c.words for c in choices))
        ways = max(c.ways for c in choices)
        return Piece(f"(?:{'|'.join(c.regex for c in ordered)})", needs, words, ways)

    def _rarest(self, needs: tuple[frozenset[str], ...]) -> frozenset[str]:
        return rarest(needs, self.common)


def rarest(needs: tuple[frozenset[str], ...], common: frozenset[str]) -> frozenset[str]:
    """The set least likely to be met by chance: fewest common words, then fewest words, then the longest."""
    return min(needs, key=lambda words: (len(words & common), len(words), -min(map(len, words)), sorted(words)))


def _joined(pieces: list[Piece]) -> Piece:
    return Piece(
        "".join(p.regex for p in pieces),
        tuple(need for p in pieces for need in p.needs),
        frozenset().union(*(p.words for p in pieces)),
        prod(p.ways for p in pieces),
    )
