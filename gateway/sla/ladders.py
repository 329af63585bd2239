"""A ladder begins: its first step is taken at once, and the others follow as it says (policies/sla/ladder.py)."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.handoffs.store import Handoff

if TYPE_CHECKING:
    from gateway.wiring import Transaction

log = logging.getLogger(__name__)


def begin(tx: Transaction, handoff: Handoff, ladder: str, at: datetime) -> None:
    """The effect that calls for it is recorded already, once, with the ladder's name (sla_effects)."""
    log.warning("ladder_begun", extra={"handoff": handoff.id, "ladder": ladder})
