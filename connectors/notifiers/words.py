"""What every card says, in no chat's dialect. Words of ours and of the policy only."""

from __future__ import annotations

from connectors.ports import Card, Standing
from packets.render.fields import time_text
from packets.render.sanitise import one_line

TASK = "High Priority task"
MOST = 300  # characters of one line


def headline(card: Card) -> str:
    text = one_line(card.headline)[:MOST]
    return f"{TASK}: {text}" if card.task else text


def lines(card: Card) -> tuple[tuple[str, str], ...]:
    """(label, value), in the order people need them; what is not known is left out."""
    found = (
        ("Goes to", card.route),
        ("Tier", card.tier),
        ("Due", time_text(card.due_at)),
        ("Why", card.why),
        ("Do next", card.do_next),
        ("Asked", ", ".join(card.asked)),
        ("Handoff", card.handoff_id),
    )
    return tuple((label, one_line(value)[:MOST]) for label, value in found if value)


def standing(card: Card) -> str:
    """What became of it; "" while it waits."""
    match card.standing:
        case Standing.TAKEN:
            return f"Taken by {one_line(card.by or 'somebody')[:MOST]}"
        case Standing.DONE:
            return "Done: nobody is needed any more"
    return ""
