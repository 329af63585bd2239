"""
Making a Pack from its YAML file (already checked against `schema.PackSchema`).

A pack proves itself: every rule's own examples are run when it is read, and a pack whose examples fail is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from policies.detect.normalise import normalise, plain_word
from policies.detect.pack import Guard, Pack, Phrase, intent_key
from policies.detect.pattern import BadPattern, Pattern, Piece, rarest, read_pattern
from policies.detect.scan import search
from policies.detect.spelling import Spelling
from policies.problems import Problem, did_you_mean
from policies.yamlfile import Path, YamlFile

CUSTOMER, BOT = "rules", "bot"  # the keys of a pack under which what they say stands
_SENTENCE = re.compile("[.;!?] ")
DEFAULT_SCORE = 0.9  # of a rule that names none
# More patterns than `re` itself remembers; a policy is read again whenever one of its files changes.
_compiled = lru_cache(maxsize=4096)(re.compile)


def read_pack(file: YamlFile) -> tuple[Pack, list[Problem]]:
    """
    The pack of a file that fits `schema.PackSchema`, and what is wrong with its patterns and examples. With problems it
    must not be used; it is there so that rules naming its labels are not blamed as well.
    """
    builder = _Builder(file, CUSTOMER)
    pack = builder.build()
    problems = builder.problems or list(_failed_examples(pack, file, CUSTOMER))
    if BOT in file.value:
        of_bot = _Builder(file, BOT)
        pack = replace(pack, bot=replace(of_bot.build(), clause_start=_SENTENCE))
        problems += [p for p in of_bot.problems if p not in problems]
        problems += [] if problems or pack.bot is None else _failed_examples(pack.bot, file, BOT)
    return pack, problems


class _Builder:
    def __init__(self, file: YamlFile, section: str) -> None:
        self.file = file
        self.section = section
        self.data: Mapping[str, Any] = file.value
        self.lists: dict[str, list[str]] = self.data.get("lists", {})
        self.common = frozenset(self.data.get("function_words", ()))
        self.problems: list[Problem] = []
        self.words: set[str] = set()
        self.lists_read: dict[str, Piece] = {}
        self.spelling = self._spelling(known=())

    def build(self) -> Pack:
        guards = {name: self._guard(name, spec) for name, spec in self.data.get("guards", {}).items()}
        phrases = [p for i, rule in enumerate(self.data[self.section]) for p in self._phrases(i, rule, guards)]
        starts = self._union(self.data.get("clause_starts", []), ("clause_starts",))
        waiting: dict[str, list[int]] = {}
        for number, phrase in enumerate(phrases):
            for word in rarest(phrase.needs, self.common):
                waiting.setdefault(word, []).append(number)
        return Pack(
            language=self.data["pack"],
            phrases=tuple(phrases),
            waiting={word: tuple(numbers) for word, numbers in waiting.items()},
            # Words the patterns know are spelled right; only now are they all known.
            spelling=self._spelling(known=self.words),
            clause_start=re.compile(rf"[.,;:!?] |{starts.pattern}" if starts else "[.,;:!?] "),
            intents={intent_key(n): label for label, names in self.data.get("intents", {}).items() for n in names},
            function_words=frozenset(plain_word(word) for word in self.common),
        )

    def _spelling(self, known: Iterable[str]) -> Spelling:
        spec = self.data.get("spelling", {})
        return Spelling(
            words=spec.get("words"),
            endings=spec.get("endings"),
            beginnings=spec.get("beginnings"),
            triggers=spec.get("mend", ()),
            known={*known, *self.common, *spec.get("leave", ())},
            glue=spec.get("glue", ()),
        )

    def _guard(self, name: str, spec: Mapping[str, Any]) -> Guard:
        parts = {part: self._union(spec.get(part, []), ("guards", name, part)) for part in _GUARD_PARTS}
        before = parts.pop("before")
        return Guard(name, before=re.compile(rf"(?:{before.pattern})\Z") if before else None, **parts)

    def _phrases(self, i: int, rule: Mapping[str, Any], guards: Mapping[str, Guard]) -> list[Phrase]:
        place: Path = (self.section, i)
        for n, name in enumerate(rule.get("unless", [])):
            if name not in guards:
                self._wrong((*place, "unless", n), f"unknown guard '{name}'", did_you_mean(name, guards))
        unless = tuple(guards[name] for name in rule.get("unless", []) if name in guards)
        not_near = self._union(rule.get("not_near", []), (*place, "not_near"))
        found = ((self._pattern(text, (*place, "any", n))) for n, text in enumerate(rule["any"]))
        score, enabled = rule.get("score", DEFAULT_SCORE), rule.get("enabled", True)
        return [
            Phrase(rule["id"], rule["label"], _compiled(p.regex), p.needs, unless, not_near, score, enabled)
            for p in found
            if p
        ]

    def _union(self, texts: list[str], place: Path) -> re.Pattern[str] | None:
        patterns = [p.regex for n, text in enumerate(texts) if (p := self._pattern(text, (*place, n)))]
        return _compiled("|".join(patterns)) if patterns else None

    def _pattern(self, text: str, place: Path) -> Pattern | None:
        try:
            pattern = read_pattern(text, self.lists, self._spelled, self.common, self.lists_read)
        except BadPattern as error:
            self._wrong(place, str(error), None)
            return None
        self.words |= pattern.words
        return pattern

    def _spelled(self, word: str) -> tuple[str, ...]:
        """As a customer's word will be read: contractions written out; typos are not mended in patterns."""
        plain = plain_word(word) or word
        return self.spelling(plain) if "'" in plain or plain in self.spelling.words else (plain,)

    def _wrong(self, place: Path, text: str, suggestion: str | None) -> None:
        self.problems.append(self.file.problem(place, text, suggestion))


_GUARD_PARTS = ("before", "around", "within", "unless")


def _failed_examples(pack: Pack, file: YamlFile, section: str) -> Iterable[Problem]:
    for i, rule in enumerate(file.value[section]):
        for kind, should_fire in (("fire", True), ("quiet", False)):
            for n, example in enumerate(rule["tests"].get(kind, ())):
                found = search(pack, normalise(example, pack.spelling), rule=rule["id"])
                if any(f.guard is None for f in found) != should_fire:
                    seen = f" ({found[0].guard})" if found and should_fire else ""
                    text = f"rule '{rule['id']}' {'does not fire' if should_fire else 'fires'} on its example{seen}"
                    yield file.problem((section, i, "tests", kind, n), text)
    for n, example in enumerate(file.value.get("quiet", ()) if section == CUSTOMER else ()):
        for hit in search(pack, normalise(example, pack.spelling)):
            if hit.guard is None:
                yield file.problem(("quiet", n), f"rule '{hit.rule}' fires on a sentence that should leave all quiet")
