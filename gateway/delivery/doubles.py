"""
More than one ticket for one handoff: the oldest is kept, the others are marked on the helpdesk and raised to people.
They are not closed: a closed ticket writes to the customer, and somebody may be at work on it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.delivery.problems import Problem
from gateway.delivery.store import Delivery
from packets.draft import TicketRef, TicketUpdate

if TYPE_CHECKING:
    from gateway.wiring import Transaction

log = logging.getLogger(__name__)
TAG = "baton_duplicate"


def raise_doubles(tx: Transaction, delivery: Delivery, tickets: Sequence[TicketRef], now: datetime) -> None:
    """tickets: all that carry the delivery's key, oldest first."""
    for extra in tickets[1:]:
        problem_id = tx.problems.doubled(delivery.helpdesk, delivery.handoff_id, extra, tickets[0], now)
        if problem_id is not None:
            tx.later(Work("mark_double", problem_id, now, lane=delivery.helpdesk))
            log.error("ticket_doubled", extra={"packet": delivery.id, "helpdesk": delivery.helpdesk,
                                               "ticket": extra.ticket_id, "count": len(tickets)})  # fmt: skip


def marking(problem: Problem) -> TicketUpdate:
    """What is written on the ticket that is one too many."""
    note = (
        f"This ticket is a {problem.detail}: Baton opened it twice for one conversation ({problem.handoff_id}).\n"
        "Please merge it into that one, or close it. Nothing more will be added here.\n"
    )
    return TicketUpdate(tags=(TAG,), note=note, note_key=problem.id)
