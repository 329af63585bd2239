"""
How angry a customer's turn is, 0 to 1: their words, how they are written, and the vendor's sentiment beside them.

The words are what the phrase packs call anger. Shouting (capitals, rows of exclamation marks) makes them weigh more and
means nothing by itself. The vendor's sentiment is weighed in, less than the words: general negative sentiment mistakes
bad news for bad temper, so without angry words it never makes a turn angry.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from packets.conversation import Conversation
from packets.course import MOODS, understood_intent
from packets.event import Role, Turn, Visibility
from policies.detect.language import read_with
from policies.detect.pack import Pack
from policies.detect.scan import scan

ANGER = "anger"
WORDS_ALONE = 0.8  # of a phrase rule's score: what angry words are worth without anything beside them
SHOUTED = 1.0  # in log-odds: a 0.72 becomes 0.87
VENDOR = 0.6  # the vendor's weight beside the words' 1, while nobody has measured what it is worth
PLEASED = 0.3  # a vendor's sentiment from which a turn is a good one
_THANKS = re.compile(r"\b(thanks|thank you|thx|danke|gracias|merci|obrigad[oa]|grazie)\b", re.I)
_SHOUTED_WORDS = 3  # written in capitals; fewer are names of things
_WORD = re.compile(r"[^\W\d_]{2,}")
_MARKS = re.compile(r"!\s*!|[?!]{3,}")


def tempers(conversation: Conversation, packs: Mapping[str, Pack], newest: int) -> tuple[float, ...]:
    """
    Of the newest customer turns since the bot took over, oldest first, at most so many. A turn that thanks, or that
    sounds pleased to the vendor, ends what was before it.
    """
    found: list[float] = []
    for turn in _customer_turns(conversation)[::-1][:newest]:
        angry = temper(turn, conversation.language, packs)
        found.append(angry)
        if angry < 0.5 and _is_good(turn):
            break
    return tuple(found[::-1])


def temper(turn: Turn, language: str | None, packs: Mapping[str, Pack]) -> float:
    """0 = no angry words."""
    reading = read_with(turn.text, language, packs)
    scores = [f.score for pack in reading.packs for f in scan(pack, turn.text) if f.label == ANGER and not f.guard]
    if not scores:
        return 0.0
    odds = _log_odds(WORDS_ALONE * max(scores)) + SHOUTED * is_shouted(turn.text)
    mood = _mood(turn)
    if mood is not None:
        odds = (odds + VENDOR * _log_odds((1 - mood) / 2)) / (1 + VENDOR)
    return 1 / (1 + math.exp(-odds))


def is_shouted(text: str) -> bool:
    words = _WORD.findall(text)
    loud = [word for word in words if word.isupper()]
    return (len(loud) >= _SHOUTED_WORDS and len(loud) * 2 > len(words)) or _MARKS.search(text) is not None


def _customer_turns(conversation: Conversation) -> list[Turn]:
    """Of the bot's present stretch, as far back as words are kept."""
    said = [t for t in conversation.recent if t.visibility is Visibility.PUBLIC and t.role in (Role.CUSTOMER, Role.BOT)]
    mine = said[-conversation.course.turns :] if conversation.course.turns else []
    return [turn for turn in mine if turn.role is Role.CUSTOMER]


def _is_good(turn: Turn) -> bool:
    mood = _mood(turn)
    if mood is not None and mood >= PLEASED:
        return True
    return (understood_intent(turn) or "").startswith("thank") or _THANKS.search(turn.text) is not None


def _mood(turn: Turn) -> float | None:
    told = turn.sentiment
    if told is None:
        return None
    return told.score if told.score is not None else MOODS.get(told.label)


def _log_odds(share: float) -> float:
    kept = min(max(share, 0.02), 0.98)
    return math.log(kept / (1 - kept))
