"""
What the bot has promised and nobody has kept: it told the customer that a person comes, and no handoff followed.

Heard only in the bot's own turns since it last took over; with a handoff they are no longer the bot's part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from packets.conversation import Conversation, Holder
from packets.decision import Evidence
from packets.event import Turn
from policies.detect.language import read_with
from policies.detect.pack import Pack
from policies.detect.scan import scan

HANDOFF_PROMISE = "handoff_promise"  # the label under which packs recognise it
_SENTENCE_ENDS = re.compile("[.!?…？！。\n]")


@dataclass(frozen=True, slots=True)
class Promise:
    """heard_at: when it reached us, by our clock."""

    heard_at: datetime
    evidence: Evidence


def promise_of(conversation: Conversation, packs: Mapping[str, Pack], *, new_only: bool = False) -> Promise | None:
    """
    The oldest promise that is still open, if one is. Also of a conversation that was ended meanwhile: whoever was told
    to wait for a person may be waiting.

    new_only: look at the newest event's words alone.
    """
    course = conversation.course
    if conversation.holder not in (Holder.BOT, Holder.CLOSED) or course.resolved is True:
        return None
    turns = {turn.position: turn for turn in (conversation.new_turns if new_only else conversation.recent)}
    for uttered in course.uttered:
        turn = turns.get(uttered.turn)
        evidence = turn and _promised(turn, conversation.language, packs)
        if evidence:
            return Promise(uttered.heard_at, evidence)
    return None


def _promised(turn: Turn, language: str | None, packs: Mapping[str, Pack]) -> Evidence | None:
    for pack in read_with(turn.text, language, packs).packs:
        for found in scan(pack.bot, turn.text) if pack.bot else ():
            if found.label == HANDOFF_PROMISE and found.guard is None and not _asks(turn.text, found.end):
                words = turn.text[found.start : found.end]
                return Evidence(f"the bot said “{words}”", turn.position, words, (found.start, found.end), found.rule)
    return None


def _asks(text: str, after: int) -> bool:
    """An offer is no promise: the sentence ends with a question mark."""
    end = _SENTENCE_ENDS.search(text, after)
    return end is not None and end[0] in "?？"
