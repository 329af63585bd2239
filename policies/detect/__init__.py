"""
Text to evidence: phrase packs (one per language, plain YAML) looked for in what a customer wrote.

normalise → gate by single words → the few patterns whose words are there → guards.
Spans are in the customer's own text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.detect.language import read_with
from policies.detect.pack import Pack
from policies.detect.scan import scan


def detect(text: str, language: str | None, packs: Mapping[str, Pack]) -> dict[str, Any]:
    """
    The evidence in one text, as plain values: label, rule, span and words in the customer's own text, score (0-1).
    unscanned: no pack reads the text's language, so silence means nothing.
    """
    reading = read_with(text, language, packs)
    found = [f for pack in reading.packs for f in scan(pack, text) if f.guard is None]
    evidence = [
        {
            "label": f.label,
            "rule": f.rule,
            "span": [f.start, f.end],
            "text": text[f.start : f.end],
            "score": f.score,
        }
        for f in found
    ]
    return {"evidence": evidence, "unscanned": reading.unscanned}
