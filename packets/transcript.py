"""
The whole transcript, read from the event log when a packet is assembled. The log is the truth; nothing is cut here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from packets.event import Event, EventKind, Turn


@dataclass(frozen=True, slots=True)
class Transcript:
    """
    Every turn in the order it was said. completeness: full, partial (the vendor sent only part) or none.
    """

    turns: tuple[Turn, ...]
    completeness: str = "full"
    summary: str | None = None


def transcript(events: Iterable[Event]) -> Transcript:
    """
    Merge what the events brought: the same message id is one turn (the newest wording wins), order is by the time
    said, and turns of one time keep the order in which they came.
    """
    turns: dict[str, tuple[datetime, Turn]] = {}
    told: str | None = None
    summary: str | None = None
    for number, event in enumerate(events):
        told = event.transcript or told
        summary = (event.bot_outcome.summary if event.bot_outcome else None) or summary
        for place, turn in enumerate(event.turns):
            key = turn.message_id or f"{number}/{place}"
            said_at = turn.occurred_at or event.occurred_at
            if key in turns:
                said_at = turns[key][0]
            elif event.kind is EventKind.MESSAGE_UPDATED:
                continue  # an edit of something never seen: the log keeps it, the transcript cannot place it
            turns[key] = (said_at, replace(turn, occurred_at=said_at))
    ordered = sorted(turns.values(), key=lambda pair: pair[0])
    placed = tuple(replace(turn, position=i) for i, (_, turn) in enumerate(ordered, start=1))
    return Transcript(placed, completeness=told or ("full" if placed else "none"), summary=summary)
