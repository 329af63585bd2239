"""
Payment card numbers: 13 to 19 digits of a known issuer that pass the Luhn check, however they are written.

A number in one piece must be a card as a whole (an 18-digit parcel number that holds a card's 16 is left alone);
one in groups may be any run of neighbouring groups, so "4111 1111 1111 1111 12/27" is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from packets.redact.found import WIDEST_GAP, Found

SHORTEST = 13

# First digits (from, to) → lengths issued. source: ISO/IEC 7812 issuer ranges as published by the card schemes and
# collected at https://en.wikipedia.org/wiki/Payment_card_number, read 2026-11-21.
_ISSUERS: tuple[tuple[str, str, range | tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 18, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", range(14, 20)),  # Diners Club
    ("3095", "3095", range(14, 20)),
    ("36", "36", range(14, 20)),
    ("38", "39", range(14, 20)),
    ("3528", "3589", range(16, 20)),  # JCB
    ("6011", "6011", range(16, 20)),  # Discover
    ("644", "649", range(16, 20)),
    ("65", "65", range(16, 20)),
    ("62", "62", range(16, 20)),  # UnionPay
    ("81", "81", range(16, 20)),
    ("60", "60", (16,)),  # RuPay
    ("82", "82", (16,)),
    ("508", "508", (16,)),
    ("353", "353", (16,)),
    ("356", "356", (16,)),
    ("2200", "2204", range(16, 20)),  # Mir
    ("5018", "5018", range(13, 20)),  # Maestro
    ("5020", "5020", range(13, 20)),
    ("5038", "5038", range(13, 20)),
    ("5893", "5893", range(13, 20)),
    ("6304", "6304", range(13, 20)),
    ("6759", "6759", range(13, 20)),
    ("6761", "6763", range(13, 20)),
    ("676770", "676774", range(13, 20)),
    ("5061", "5061", (16, 18, 19)),  # Verve
    ("9792", "9792", (16,)),  # Troy
)
_PREFIX = 6  # digits of the longest prefix above
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DIGITS = re.compile(r"\d+")


def find_cards(text: str) -> Iterator[Found]:
    """Every card number in `text`; overlapping ones come as one."""
    for chunks in _neighbours(text):
        yield from _in_chunks(text, chunks)


def is_card(digits: str) -> bool:
    """Whether these digits, without separators, are a possible card number."""
    return len(digits) in _lengths(digits[:_PREFIX]) and _Luhn(digits).holds(0, len(digits))


def _neighbours(text: str) -> Iterator[list[tuple[int, int]]]:
    """Runs of digit chunks with only short gaps without letters between them."""
    run: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        if run and not _is_gap(text, run[-1][1], match.start()):
            yield run
            run = []
        run.append(match.span())
    if run:
        yield run


def _is_gap(text: str, start: int, end: int) -> bool:
    return end - start <= WIDEST_GAP and not any(sign.isalnum() for sign in text[start:end])


def _in_chunks(text: str, chunks: list[tuple[int, int]]) -> Iterator[Found]:
    if sum(end - start for start, end in chunks) < SHORTEST:
        return
    digits = "".join(str(int(sign)) for start, end in chunks for sign in text[start:end])  # any script's digits
    luhn = _Luhn(digits)
    reached: tuple[int, int, str] | None = None  # text from, text to, last four of the newest card
    for low, high, start, end in _windows(chunks, digits):
        if not luhn.holds(low, high):
            continue
        if reached and start < reached[1]:
            reached = (reached[0], max(reached[1], end), digits[high - 4 : high])
            continue
        if reached:
            yield _found(*reached)
        reached = (start, end, digits[high - 4 : high])
    if reached:
        yield _found(*reached)


def _windows(chunks: list[tuple[int, int]], digits: str) -> Iterator[tuple[int, int, int, int]]:
    """Neighbouring chunks with an issuer's prefix and length: from, to in the digits; from, to in the text."""
    ends: dict[int, int] = {}  # digits up to the end of a chunk → its end in the text
    starts: list[tuple[int, int]] = []
    count = 0
    for start, end in chunks:
        starts.append((count, start))
        count += end - start
        ends[count] = end
    for low, start in starts:
        for length in _lengths(digits[low : low + _PREFIX]):
            if low + length in ends:
                yield low, low + length, start, ends[low + length]


def _found(start: int, end: int, last_four: str) -> Found:
    return Found("card", start, end, f"[card ••••{last_four}]")


@lru_cache(maxsize=4096)
def _lengths(prefix: str) -> tuple[int, ...]:
    """How long cards are that begin with these six digits, shortest first; empty where no issuer begins so."""
    known = (lengths for low, high, lengths in _ISSUERS if low <= prefix[: len(low)] <= high)
    return tuple(sorted({length for lengths in known for length in lengths}))


class _Luhn:
    """Sums over the digits once, so that every window is checked in one step and long texts cost no more per digit."""

    def __init__(self, digits: str) -> None:
        even, odd = [0], [0]  # sums with the digits at even, or odd, places doubled
        for place, sign in enumerate(digits):
            digit = ord(sign) - 48
            even.append(even[-1] + (_DOUBLED[digit] if place % 2 == 0 else digit))
            odd.append(odd[-1] + (_DOUBLED[digit] if place % 2 else digit))
        self._sums = (even, odd)

    def holds(self, start: int, end: int) -> bool:
        """The last digit counts as it is, every second one before it doubled."""
        sums = self._sums[end % 2]
        return (sums[end] - sums[start]) % 10 == 0
