"""
Which packs a text is read with: a cheap vote of function words, so that no pack overhears another language ("Brand" is
fire in German and nothing in "brand new").

Also says when nobody here reads a text: its words were not looked at, and a policy may want to know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from policies.detect.normalise import HEAD, TAIL, plain_word
from policies.detect.pack import Pack

FEW_WORDS = 8  # a text of so many words may have none of any language's common ones
_ONE_OR_THE_OTHER = 4  # in so few words one vote more decides nothing
_ENOUGH_LETTERS = 2
_LONG = 600  # characters; so long a text is in one language, or two
_MOST_OF_A_LONG_ONE = 2
_MIXED_IN = 2  # words that are common in one language and in none of those a text is read with
_WORD = re.compile(r"[^\W\d_]+")

# The commonest words of languages we have no pack for, so that they are not taken for a neighbour: Dutch for German,
# Romanian for Italian. None of them is among the function words of a pack we ship.
_OTHERS = {
    "nl": "ik het een niet van zijn mijn naar wil kan graag voor met dit bij heb heeft geen nog maar ook",
    "sv": "jag och det att inte med kan vill har mitt till ett som detta prata hej vad",
    "da": "jeg og det ikke med kan vil har min til et som dette tale hej hvad af",
    "fi": "mina haluan on ja ei en kanssa voinko minun tama mutta olen voi",
    "pl": "nie jest na sie czy moj moja chce prosze moge dlaczego jak dla mam jestem",
    "cs": "neni jsem chci prosim muj moje jak kde proc mam nebo ale byl",
    "ro": "nu este sunt vreau cu pentru meu mea va rog am acest dar cum",
    "tr": "bir ve bu ile icin istiyorum degil var yok ben benim nasil lutfen",
    "hu": "nem az egy hogy van kerem szeretnek vagyok meg es mert miert",
    "id": "saya tidak dan yang ini dengan ingin untuk bisa tolong mau di apa",
}
OTHERS: Mapping[str, frozenset[str]] = {code: frozenset(words.split()) for code, words in _OTHERS.items()}


@dataclass(frozen=True, slots=True)
class Reading:
    """packs: those the text is looked through with. unscanned: none of them reads its language."""

    packs: tuple[Pack, ...]
    unscanned: bool = False


def read_with(text: str, language: str | None, packs: Mapping[str, Pack]) -> Reading:
    """
    The packs whose language `text` may be in: those whose common words it uses most, the declared one, and all of them
    when a short text gives no sign, as one word does: better to look in vain than to overhear a customer.

    language: what the vendor declares ("de-AT"); a hint, never the last word.
    """
    words = _words(text)
    if not words:
        return Reading((), unscanned=False)
    if _in_another_script(words):
        return Reading(tuple(_declared(language, packs)), unscanned=True)
    votes = {code: len(words & pack.function_words) for code, pack in packs.items()}
    most = max(votes.values(), default=0)
    if most < _strongest_other(words):
        return Reading(tuple(_declared(language, packs)), unscanned=True)
    if most == 0:
        return _without_a_sign(words, language, packs)
    declared = _code(language)
    least = max(1, most - 1) if len(words) <= _ONE_OR_THE_OTHER else most
    reading = [code for code in packs if code == declared or votes[code] >= least]
    reading += _mixed_in(words, reading, packs)
    if len(text) > _LONG:  # a tie of many is no language but a test of our patience
        reading = sorted(reading, key=lambda code: (code != declared, -votes[code]))[:_MOST_OF_A_LONG_ONE]
    return Reading(tuple(packs[code] for code in reading))


def _mixed_in(words: frozenset[str], reading: list[str], packs: Mapping[str, Pack]) -> list[str]:
    """Languages a customer slips into ("hey, quiero un agente please, my english is bad")."""
    rest = words.difference(*(packs[code].function_words for code in reading))
    return [c for c, pack in packs.items() if c not in reading and len(rest & pack.function_words) >= _MIXED_IN]


def _without_a_sign(words: frozenset[str], language: str | None, packs: Mapping[str, Pack]) -> Reading:
    declared = _code(language)
    if len(words) > FEW_WORDS:  # a sentence without one common word of any language we read
        return Reading(tuple(_declared(language, packs)), unscanned=True)
    return Reading(tuple(packs.values()), unscanned=declared is not None and declared not in packs)


def _declared(language: str | None, packs: Mapping[str, Pack]) -> list[Pack]:
    return [pack for code, pack in packs.items() if code == _code(language)]


def _code(language: str | None) -> str | None:
    return language.lower().replace("_", "-").split("-")[0] if language else None


def _words(text: str) -> frozenset[str]:
    scanned = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} {text[-TAIL:]}"
    if scanned.isascii():
        return frozenset(_WORD.findall(scanned.lower()))
    return frozenset(filter(None, map(plain_word, _WORD.findall(scanned))))


def _in_another_script(words: frozenset[str]) -> bool:
    """Most letters are not Latin: no pack can know them."""
    letters = "".join(words)
    if letters.isascii():
        return False
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return foreign >= _ENOUGH_LETTERS and foreign * 2 > len(letters)


def _strongest_other(words: frozenset[str]) -> int:
    return max(len(words & common) for common in OTHERS.values())
