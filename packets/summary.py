"""
A short summary where the vendor gives none: the customer's first statement of the problem, what was tried, their newest
line. Taken from the transcript word for word, so that it can be wrong about nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from packets.conversation import Conversation
from packets.event import Role, Turn, Visibility
from packets.handoff import Attempt
from packets.render.sanitise import shortened
from packets.transcript import Transcript
from packets.words import listed, times

_QUOTE = 300  # characters of one quotation
_FEWEST_WORDS = 3  # "hi" and "agent please" state no problem
_GREETING = re.compile(
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|hallo|guten (?:tag|morgen|abend)|hola|buenos días|bonjour)\b"
    r"(?:\s+(?:there|again|zusammen|all))?[\s,.!:]*",
    re.IGNORECASE,
)


def summary_of(transcript: Transcript, conversation: Conversation, tried: Sequence[Attempt]) -> str | None:
    """The vendor's summary, or ours; None if nobody said anything."""
    return transcript.summary or conversation.summary or _extracted(transcript.turns, tried)


def problem_of(turns: Sequence[Turn]) -> str | None:
    """The customer's first words that state a problem, on one line and without the greeting; None if none do."""
    stated = next((turn.text for turn in turns if _by_customer(turn) and _states_a_problem(turn.text)), None)
    return " ".join(_GREETING.sub("", stated.strip(), count=1).split()) if stated else None


def _first_problem(said: Sequence[Turn]) -> Turn:
    return next((turn for turn in said if _states_a_problem(turn.text)), said[0])


def _extracted(turns: Sequence[Turn], tried: Sequence[Attempt]) -> str | None:
    said = [turn for turn in turns if _by_customer(turn)]
    if not said:
        return _what_was_tried(tried)
    first = _first_problem(said)
    parts = [f"Customer (turn {first.position}): “{_quote(first.text)}”"]
    if tried:
        parts.append(_what_was_tried(tried) or "")
    if said[-1] is not first:
        parts.append(f"Newest (turn {said[-1].position}): “{_quote(said[-1].text)}”")
    return "\n".join(parts)


def _by_customer(turn: Turn) -> bool:
    return turn.role is Role.CUSTOMER and turn.visibility is Visibility.PUBLIC and bool(turn.text.strip())


def _states_a_problem(text: str) -> bool:
    return len(_GREETING.sub("", text.strip(), count=1).split()) >= _FEWEST_WORDS


def _quote(text: str) -> str:
    return shortened(" ".join(text.split()), _QUOTE)


def _what_was_tried(tried: Sequence[Attempt]) -> str | None:
    if not tried:
        return None
    return "Bot tried: " + listed(f"{a.what} ({'worked' if a.ok else 'failed'} {times(a.times)})" for a in tried) + "."
