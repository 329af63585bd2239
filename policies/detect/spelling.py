"""
Spelling of one language: contractions, common misspellings, and typos of the few words that matter.

Only unknown words are mended, and only towards trigger words. Each answer is kept: a word costs its work once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

_TRIPLED = re.compile(r"(.)\1{2,}")
_TWO_ERRORS_FROM = 10  # letters; shorter words would meet too many real ones
_RUN_ON_FROM = 5
LONGEST_WORD = 40  # letters; longer ones are links and noise


class Spelling:
    """
    Call it with one lower-case token, get the words it stands for.

    words: token → its spelling, possibly several words. endings: contraction → words ("n't" → "not").
    beginnings: elided words ("l'" → "le", as in "l'agent").
    triggers: words typos are mended towards. known: real words, never mended.
    glue: short words that may run together with triggers ("tosomeone").
    """

    def __init__(
        self,
        words: Mapping[str, str] | None = None,
        endings: Mapping[str, str] | None = None,
        beginnings: Mapping[str, str] | None = None,
        triggers: Collection[str] = (),
        known: Iterable[str] = (),
        glue: Collection[str] = (),
    ) -> None:
        self.words = {token: tuple(text.split()) for token, text in (words or {}).items()}
        self._endings = tuple((end, tuple(text.split())) for end, text in (endings or {}).items())
        self._beginnings = tuple((start, tuple(text.split())) for start, text in (beginnings or {}).items())
        self._triggers = frozenset(triggers)
        self._longest = max(map(len, self._triggers), default=0)
        self._parts = frozenset(triggers) | frozenset(glue)
        self._longest_part = max(map(len, self._parts), default=0)
        self._glue = frozenset(glue)
        self._known = frozenset(known) | self._triggers | self._glue
        self._shortened: dict[str, list[str]] = {}
        for trigger in sorted(self._triggers):
            for variant in _shortened(trigger, _errors(trigger)):
                self._shortened.setdefault(variant, []).append(trigger)
        self._cached = lru_cache(maxsize=8192)(self._spell)

    def __call__(self, token: str) -> tuple[str, ...]:
        return self._cached(token)

    def forget(self) -> None:
        """As if no word had been met yet: for measuring what a first meeting costs."""
        self._cached.cache_clear()

    def is_trigger(self, word: str) -> bool:
        return word in self._triggers

    def is_dear(self, token: str) -> bool:
        """Whether looking for the word meant costs much: a long word nobody knows, which may hold two errors."""
        return len(token) >= _TWO_ERRORS_FROM and token not in self._known and token not in self.words

    def _spell(self, token: str) -> tuple[str, ...]:
        if token in self.words:
            return self.words[token]
        if len(token) > LONGEST_WORD:
            return (token.replace("'", ""),)
        if "'" in token:
            return self._contraction(token)
        if len(token) > 2 and "." in token:
            return (token.replace(".", ""),)  # U.S.C.
        if len(token) < 4 or token in self._known or not token.isalpha():
            return (token,)
        if not self._triggers:
            return (token,)
        for squeezed in (_TRIPLED.sub(r"\1", token), _TRIPLED.sub(r"\1\1", token)):  # humaaan, neeeed
            if squeezed in self.words or squeezed in self._known:
                return self.words.get(squeezed, (squeezed,))
        mended = self._mended(_TRIPLED.sub(r"\1", token))
        return (mended,) if mended else self._run_on(token) or (token,)

    def _contraction(self, token: str) -> tuple[str, ...]:
        for end, words in self._endings:
            if token.endswith(end) and len(token) > len(end):
                return (*self._spell(token[: -len(end)]), *words)
        for start, words in self._beginnings:
            if token.startswith(start) and len(token) > len(start):
                return (*words, *self._spell(token[len(start) :]))
        return (token.replace("'", ""),)

    def _mended(self, token: str) -> str | None:
        """The one trigger within reach; None if there is none or several are equally near."""
        most = _errors(token)
        if len(token) > self._longest + most:
            return None  # out of reach of every trigger; trying its forms is what long hostile words would cost
        near: dict[str, int] = {}
        for variant in _shortened(token, most):
            for trigger in self._shortened.get(variant, ()):
                if trigger not in near:
                    near[trigger] = distance(token, trigger)
        within = sorted((d, t) for t, d in near.items() if d <= min(most, _errors(t)))
        if not within or (len(within) > 1 and within[0][0] == within[1][0]):
            return None
        return within[0][1]

    def _run_on(self, token: str) -> tuple[str, ...] | None:
        """Split a run-on (speakwith) when all of it is words we look for and they are not all tiny."""
        if len(token) < _RUN_ON_FROM:
            return None
        best: list[tuple[str, ...] | None] = [()] + [None] * len(token)
        for start, before in enumerate(best):  # only where words so far end may the next begin: mostly nowhere
            if before is None:
                continue
            for end in range(start + 1, min(len(token), start + self._longest_part) + 1):
                current = best[end]
                if token[start:end] in self._parts and (current is None or len(before) + 1 < len(current)):
                    best[end] = (*before, token[start:end])
        split = best[-1]
        return split if split and max(map(len, split)) >= 4 else None


def _errors(word: str) -> int:
    return 2 if len(word) >= _TWO_ERRORS_FROM else 1


def _shortened(word: str, errors: int) -> set[str]:
    """The word and every form with up to `errors` letters left out: two words within reach share one."""
    forms = {word}
    newest = {word}
    for _ in range(errors):
        newest = {form[:i] + form[i + 1 :] for form in newest for i in range(len(form))}
        forms |= newest
    return forms


def distance(a: str, b: str) -> int:
    """Edits from a to b: insert, delete, replace, or swap two neighbours (restricted Damerau-Levenshtein)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
