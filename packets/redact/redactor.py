"""
Redacts many texts by one profile and adds up what was taken out: what packets and decisions share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from packets.decision import Evidence, RuleTrace, TraceNode
from packets.event import Turn
from packets.redact.profile import Profile
from packets.redact.text import redact_text

REMOVED = "[removed]"

# Facts whose value is a secret whatever it looks like: "7402" is no card, but as a PIN it must not travel.
_PASSWORDS = ("password", "passwort", "passwd", "passcode", "passphrase", "pwd", "pin", "card_pin", "tan", "otp")
_KEYS = ("secret", "client_secret", "token", "access_token", "auth_token", "api_key", "cvv", "cvc", "security_code")
_SECRET_NAMES = frozenset((*_PASSWORDS, *_KEYS))
_SSN_NAMES = frozenset(("ssn", "social_security", "social_security_number"))


class Redactor:
    """Redacts many texts by one profile and adds up what was taken out. `turns`: what evidence was quoted from."""

    def __init__(self, profile: Profile, turns: Iterable[Turn] = ()) -> None:
        self.profile = profile
        self.counts: Counter[str] = Counter()
        self._turns = {turn.position: turn.text for turn in turns}

    def text(self, text: str) -> str:
        redacted = redact_text(text, self.profile)
        self.counts.update(redacted.counts)
        return redacted.text

    def maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def named(self, name: str, value: str) -> str:
        """A value whose name may already say that it is private."""
        plain = re.sub(r"[\s-]+", "_", name.strip().lower())
        kind = "secret" if plain in _SECRET_NAMES else "ssn" if plain in _SSN_NAMES else None
        if kind is None or not value or value.startswith("["):
            return self.text(value)
        self.counts[kind] += 1
        return "[secret removed]" if kind == "secret" else "[social security number removed]"

    def value(self, value: Any, name: str = "") -> Any:
        """Any JSON-like value, redacted all the way down; a number that is a card number becomes its mask."""
        if isinstance(value, str):
            return self.named(name, value)
        if isinstance(value, Mapping):
            return {key: self.value(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(item, name) for item in value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            text = str(int(value)) if isinstance(value, int) or value.is_integer() else str(value)
            masked = self.named(name, text)
            return value if masked == text else masked
        return value

    def evidence(self, evidence: Evidence) -> Evidence:
        """
        Redacted words and sentence. `span` moves with the words where the turn's own text changed, and goes where they
        cannot be found any more. Words that stand within something removed are removed as a whole: half a card number
        is none to a detector.
        """
        words = evidence.text
        if words is None:
            return replace(evidence, said=self.text(evidence.said))
        text = redact_text(words, self.profile).text
        whole = self._turns.get(evidence.turn or 0)
        span = evidence.span if text == words else None
        # What a quotation turns into is not counted a second time: the turn itself is.
        clean = None if whole is None else redact_text(whole, self.profile).text
        if clean is not None and clean != whole:
            text = text if text in clean else REMOVED
            span = _only_place(clean, text)
        return replace(evidence, said=self._said(evidence.said, words, text), text=text, span=span)

    def rule(self, rule: RuleTrace) -> RuleTrace:
        return replace(rule, trace=self._node(rule.trace))

    def _said(self, said: str, words: str, text: str) -> str:
        return redact_text(said.replace(words, text) if words else said, self.profile).text

    def _node(self, node: TraceNode) -> TraceNode:
        return replace(
            node,
            evidence=tuple(self.evidence(evidence) for evidence in node.evidence),
            children=tuple(self._node(child) for child in node.children),
        )


def _only_place(text: str, words: str) -> tuple[int, int] | None:
    """Where `words` stand in `text`, if they stand there once."""
    place = text.find(words)
    if not words or place < 0 or text.find(words, place + 1) >= 0:
        return None
    return place, place + len(words)
