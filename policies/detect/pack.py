"""A phrase pack: what one language's customers say for each label, ready to be looked for. `read.py` makes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from policies.detect.spelling import Spelling


@dataclass(frozen=True, slots=True)
class Guard:
    """
    Why words that matched do not count. before: ends right where the match begins; around: anywhere in its sentence
    part; within: in the matched words. unless: in the same sentence part, calls the guard off.
    """

    name: str
    before: re.Pattern[str] | None = None
    around: re.Pattern[str] | None = None
    within: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """
    One pattern of one rule. `needs` is the gate: one word of each set must be in the text. score: how sure the rule is,
    0-1. enabled: the switch of its rule; a rule that is off still proves itself on its examples.
    """

    rule: str
    label: str
    regex: re.Pattern[str]
    needs: tuple[frozenset[str], ...]
    guards: tuple[Guard, ...]
    not_near: re.Pattern[str] | None
    score: float = 0.9
    enabled: bool = True


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: packs are keys of the scan cache
class Pack:
    """
    waiting: word → numbers of the phrases to try when it is seen. intents: vendors' intent names → label.
    function_words: the commonest words of the language, for "is this text in it?". bot: the same for what bots say;
    its guards see whole sentences.
    """

    language: str
    phrases: tuple[Phrase, ...]
    waiting: Mapping[str, tuple[int, ...]]
    spelling: Spelling
    clause_start: re.Pattern[str]
    intents: Mapping[str, str] = field(default_factory=dict)
    function_words: frozenset[str] = frozenset()
    bot: Pack | None = None

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(p.label for p in self.phrases) | frozenset(self.intents.values())


def intent_key(name: str) -> str:
    """Report-Fraud, report fraud and report_fraud are one intent."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")
