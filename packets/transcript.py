"""
The whole transcript, read from the event log when a packet is assembled. The log is the truth; nothing is cut here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from packets.event import Event, EventKind, Turn

FULL = "full"


@dataclass(frozen=True, slots=True)
class Transcript:
    """
    Every turn in the order it was said. completeness: full, partial (the vendor sent only part) or none.
    """

    turns: tuple[Turn, ...]
    completeness: str = FULL
    summary: str | None = None


_Place = tuple[datetime, int, int]  # when it was said, the how-manieth that came, how many before that one


def transcript(events: Iterable[Event]) -> Transcript:
    """
    Merge what the events brought: the same message id is one turn (the newest wording wins), order is by the time
    said, and turns of one time keep the order in which they came. A turn without a time of its own that stands before
    one we know, in a transcript fetched later, was said before it.
    """
    turns: dict[str, tuple[_Place, Turn]] = {}
    told: str | None = None
    summary: str | None = None
    for number, event in enumerate(events):
        told = event.transcript or told
        summary = (event.bot_outcome.summary if event.bot_outcome else None) or summary
        for place, turn in enumerate(event.turns):
            key = turn.message_id or f"{number}/{place}"
            if key in turns:
                at = turns[key][0]
            elif event.kind is EventKind.MESSAGE_UPDATED:
                continue  # an edit of something never seen: the log keeps it, the transcript cannot place it
            elif turn.occurred_at is None and (known := _next_known(event.turns, place, turns)):
                at = known
            else:
                at = (turn.occurred_at or event.occurred_at, len(turns), 0)
            turns[key] = (at, replace(turn, occurred_at=at[0]))
    ordered = sorted(turns.values(), key=lambda pair: pair[0])
    placed = tuple(replace(turn, position=i) for i, (_, turn) in enumerate(ordered, start=1))
    return Transcript(placed, completeness=told or (FULL if placed else "none"), summary=summary)


def _next_known(turns: tuple[Turn, ...], place: int, seen: Mapping[str, tuple[_Place, Turn]]) -> _Place | None:
    """Just before the next turn of this event that had come before, if there is one."""
    for ahead, turn in enumerate(turns[place + 1 :], start=1):
        if turn.message_id and turn.message_id in seen:
            at, number, before = seen[turn.message_id][0]
            return at, number, before - ahead
    return None
