"""
Payment card numbers: 13 to 19 digits of a known issuer that pass the Luhn check, however they are written.

A number in one piece must be a card as a whole (an 18-digit parcel number that holds a card's 16 is left alone);
one in groups may be any run of neighbouring groups, so "4111 1111 1111 1111 12/27" is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packets.redact.found import WIDEST_GAP, Found

SHORTEST, LONGEST = 13, 19

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
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DIGITS = re.compile(r"\d+")


def find_cards(text: str) -> Iterator[Found]:
    """Every card number in `text`; overlapping ones come as one."""
    for chunks in _neighbours(text):
        yield from _in_chunks(text, chunks)


def is_card(digits: str) -> bool:
    """Whether these digits, without separators, are a possible card number."""
    return SHORTEST <= len(digits) <= LONGEST and _issued(digits) and _Luhn(digits).holds(0, len(digits))


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
    digits = "".join(str(int(sign)) for start, end in chunks for sign in text[start:end])  # any script's digits
    if len(digits) < SHORTEST:
        return
    luhn = _Luhn(digits)
    reached: tuple[int, int, str] | None = None  # text from, text to, last four of the newest card
    for first, last, low, high in _windows(chunks):
        if not (luhn.holds(low, high) and _issued(digits[low:high])):
            continue
        start, end = chunks[first][0], chunks[last][1]
        if reached and start < reached[1]:
            reached = (reached[0], max(reached[1], end), digits[high - 4 : high])
            continue
        if reached:
            yield _found(*reached)
        reached = (start, end, digits[low:high][-4:])
    if reached:
        yield _found(*reached)


def _windows(chunks: list[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """Neighbouring chunks that together have a card's length: first and last chunk, first and past-last digit."""
    low = 0
    for first, (start, end) in enumerate(chunks):
        high, last = low, first
        while last < len(chunks) and high - low < LONGEST:
            high += chunks[last][1] - chunks[last][0]
            if SHORTEST <= high - low <= LONGEST:
                yield first, last, low, high
            last += 1
        low += end - start


def _found(start: int, end: int, last_four: str) -> Found:
    return Found("card", start, end, f"[card ••••{last_four}]")


def _issued(digits: str) -> bool:
    return any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in _ISSUERS)


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
