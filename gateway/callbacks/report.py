"""What people say of a call: it was made, or it was not. For the API and the command line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from gateway.callbacks.book import settle
from gateway.callbacks.store import Appointment, Standing
from gateway.sla.refold import refold
from gateway.status.apply import lock_handoff

if TYPE_CHECKING:
    from gateway.wiring import Transaction

OUTCOMES = (Standing.KEPT.value, Standing.MISSED.value)


class NotNow(Exception):
    """The appointment stands otherwise; says how, and what can be done."""


def report(tx: Transaction, handoff_id: str, outcome: Standing, now: datetime) -> Appointment:
    """
    The handoff's newest appointment with this outcome; it may have it already. A missed one may still be kept, late.
    Raises LookupError (no such handoff, or it has no appointment), NotNow.
    """
    handoff = lock_handoff(tx, handoff_id)
    found = tx.appointments.last(handoff_id) if handoff else None
    if handoff is None or found is None:
        raise LookupError(handoff_id)
    if found.state is outcome:
        return found
    if found.state is Standing.CANCELLED:
        raise NotNow("The appointment was cancelled: there was nothing to keep or to miss.")
    if outcome is Standing.MISSED:
        if found.state is Standing.KEPT:
            raise NotNow("The appointment is kept already: a later call is a new appointment.")
        if now < found.starts_at:
            raise NotNow("The appointment has not begun: it cannot be missed yet.")
    done = settle(tx, handoff, found, outcome, now, now)
    if outcome is Standing.MISSED:
        tx.call_missed(handoff_id, now)
    refold(tx, handoff_id, now)
    return done
