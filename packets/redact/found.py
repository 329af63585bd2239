"""What a detector found, and how far apart the parts of one number may stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

WIDEST_GAP = 4  # characters that are neither letter nor digit between two parts of one number ("4111 - 1111")


@dataclass(frozen=True, slots=True)
class Found:
    """One private thing: text[start:end], to be replaced by `mask`."""

    kind: str
    start: int
    end: int
    mask: str


# What an earlier pass left behind. Nothing in it is looked at again, so redacting twice changes nothing.
MASK = re.compile(r"\[(?:card|IBAN) ••••[0-9A-Z]{4}\]|\[(?:social security number|secret|e-mail|phone) removed\]")
