"""
One text without what the profile takes out. Time grows with the text's length and no faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packets.redact.bank import find_ibans, find_ssns
from packets.redact.cards import find_cards
from packets.redact.contact import find_emails, find_phones
from packets.redact.found import MASK, Found
from packets.redact.profile import Profile
from packets.redact.secrets import find_secrets

_PASSES = 6


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without private data; counts: what was taken out, by kind."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)


def redact_text(text: str, profile: Profile) -> Redacted:
    """
    `text` with readable masks instead of private data. Done again it changes nothing: a mask is never read as
    anything, and we look again until nothing new is found (a mask can lay bare what its neighbour had hidden).
    """
    counts: Counter[str] = Counter()
    for _ in range(_PASSES):
        found = list(_without_overlap(_outside_masks(text, _find(text, profile))))
        if not found:
            break
        counts.update(item.kind for item in found)
        text = _masked(text, found)
    return Redacted(text, dict(counts))


def _find(text: str, profile: Profile) -> Iterator[Found]:
    """Everything the detectors see, the most certain first."""
    yield from find_ibans(text)
    yield from find_secrets(text)
    yield from find_cards(text)
    yield from find_ssns(text)
    if not profile.email:
        yield from find_emails(text)
    if not profile.phone:
        yield from find_phones(text, profile.region)


def _outside_masks(text: str, found: Iterable[Found]) -> Iterator[Found]:
    masks = [match.span() for match in MASK.finditer(text)] if "[" in text else []
    if not masks:
        yield from found
        return
    covered = bytearray(len(text))
    for start, end in masks:
        covered[start:end] = b"\x01" * (end - start)
    for item in found:
        if not any(covered[item.start : item.end]):
            yield item


def _without_overlap(found: Iterable[Found]) -> Iterator[Found]:
    """Overlapping finds become one, named after the most certain of them, so that no end of any sticks out."""
    ranked = sorted(enumerate(found), key=lambda pair: (pair[1].start, pair[0]))
    group: list[tuple[int, Found]] = []
    reach = -1
    for rank, item in ranked:
        if group and item.start >= reach:
            yield _merged(group)
            group, reach = [], -1
        group.append((rank, item))
        reach = max(reach, item.end)
    if group:
        yield _merged(group)


def _merged(group: list[tuple[int, Found]]) -> Found:
    _, best = min(group, key=lambda pair: pair[0])
    return Found(best.kind, group[0][1].start, max(item.end for _, item in group), best.mask)


def _masked(text: str, found: Iterable[Found]) -> str:
    parts: list[str] = []
    past = 0
    for item in found:
        parts += text[past : item.start], item.mask
        past = item.end
    return "".join((*parts, text[past:]))
