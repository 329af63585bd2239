"""
Judging one conversation and acting on the decision. Used for the turn that just came in and, when judging failed then,
once more later. If the policy cannot decide, the bot goes on and a person finds out: never the other way round.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.conversations.store import ConversationRow
from gateway.db.work import Work
from gateway.handoffs.open import open_handoff
from gateway.handoffs.store import Handoff
from packets.decision import Action, Decision
from packets.event import Event
from packets.redact.decision import redact_decision
from packets.redact.profile import PROFILES
from policies.decide import decide
from policies.model import PolicySet

if TYPE_CHECKING:
    from gateway.wiring import Env, Transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    row: ConversationRow  # not yet saved
    decision: Decision
    handoff: Handoff | None  # the open one, new or old
    is_new: bool = False  # this very decision opened it


def judge(
    env: Env,
    tx: Transaction,
    row: ConversationRow,
    *,
    event: Event,
    event_row_id: str,
    now: datetime,
    late: bool = False,
) -> Judged:
    """Decide, store the decision, and open a handoff if people must take over and none is open."""
    policy = env.policy.current
    env.policy.remember(tx.connection, policy, env.now)
    source = env.settings.sources[row.state.source]
    profile = PROFILES[env.settings.helpdesks[source.helpdesk].redact]
    decision = _decide(tx, row, policy, event_row_id, now)
    stored = redact_decision(decision, profile, row.state.recent) if decision.because else decision
    tx.intake.add_decision(event_row_id, row.id, stored, late=late)
    handoff = tx.handoffs.get(row.open_handoff_id) if row.open_handoff_id else None
    opens = decision.action is Action.ESCALATE and handoff is None
    if opens:
        row, handoff = open_handoff(
            tx, row, decision, policy, events=_log(tx, row, event), event_row_id=event_row_id,
            helpdesk=source.helpdesk, redact=profile.name, now=now,
        )  # fmt: skip
    return Judged(row, decision, handoff, is_new=opens)


def _log(tx: Transaction, row: ConversationRow, newest: Event) -> Sequence[Event]:
    found = tx.intake.events_of(row.id)
    return found if any(e.event_id == newest.event_id for e in found) else [*found, newest]


def _decide(tx: Transaction, row: ConversationRow, policy: PolicySet, event_row_id: str, now: datetime) -> Decision:
    try:
        return decide(row.state, policy, now=now, brief=True)
    except Exception:
        # A bug in a condition must not lose the turn or stop the bot. The log has the frames, not the words.
        log.exception(
            "decision_failed", extra={"conversation": row.id, "event_id": event_row_id, "policy": policy.revision}
        )
        tx.later(Work("judge_late", event_row_id, now))
        return Decision(Action.CONTINUE, now, policy.revision, facts={"undecided": True})
