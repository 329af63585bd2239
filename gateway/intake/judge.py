"""
Judging one conversation and acting on the decision: for the turn that just came in, later for a turn that could not be
judged then, and for a silence. If the policy cannot decide, the bot goes on and a person finds out: never the other way
round.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.callbacks.book import take_wish, withdraw
from gateway.callbacks.offer import Told, offer
from gateway.conversations.store import ConversationRow
from gateway.customers.known import history_of, keep
from gateway.db.heartbeat import source_heard_at
from gateway.db.work import Work
from gateway.handoffs.news import goes_on
from gateway.handoffs.open import open_handoff
from gateway.handoffs.store import Handoff
from gateway.handoffs.waiting import words_for_now
from gateway.ids import new_id
from gateway.sla.tiering import wishes_of
from packets.conversation import CALLBACKS
from packets.decision import Action, Decision, Mode
from packets.event import Event, EventKind
from packets.redact.decision import redact_decision
from packets.redact.profile import PROFILES
from policies import decide as deciding
from policies.history import History
from policies.model import PolicySet
from policies.signals import signals_of
from policies.sla.choose import TierWish
from policies.waiting import next_look

if TYPE_CHECKING:
    from gateway.wiring import Env, Transaction

log = logging.getLogger(__name__)

TIMER = "judge_silent"  # the kind of work that judges a silence; one row a conversation


@dataclass(frozen=True, slots=True)
class Judged:
    row: ConversationRow  # not yet saved
    decision: Decision
    handoff: Handoff | None  # the open one, new or old
    is_new: bool = False  # this very decision opened it
    callback: Told | None = None  # what is said about calls: times that are free, an appointment


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
    """
    Decide on the newest event, store the decision, and open a handoff if people must take over and none is open. Sets
    the timer for the silence that may follow. late: as of the time of the event, for what came or did not come since
    is judged by itself.
    """
    policy, moment = env.policy.current, event.received_at if late else now
    row, history, decision, topics = _decided(
        env, tx, row, policy, source_heard_at=moment, now=moment, subject=event_row_id
    )
    if decision is None:
        tx.later(Work("judge_late", event_row_id, now))
        decision = Decision(Action.CONTINUE, now, policy.revision, facts={"undecided": True})
    judged = _acted(env, tx, row, decision, policy, topics, decision_id=event_row_id, now=now, late=late, event=event)
    return replace(judged, row=_with_timer(tx, judged.row, policy, history, now))


def judge_silence(
    env: Env, tx: Transaction, row: ConversationRow, now: datetime
) -> tuple[Judged | None, datetime | None]:
    """
    Decide on a conversation in which nothing has come, and open a handoff if people must take over.

    returns: what came of it (None: the policy could not decide), and when to look next.
    """
    policy = env.policy.current
    heard_at = source_heard_at(tx.connection, row.state.source)
    row, history, decision, topics = _decided(env, tx, row, policy, source_heard_at=heard_at, now=now, subject=row.id)
    if decision is None:
        return None, None
    judged = Judged(row, decision, None)
    if decision.because:
        judged = _acted(env, tx, row, decision, policy, topics, decision_id=new_id("dcn"), now=now)
    look = None if judged.handoff else next_look(judged.row.state, policy, now=now, history=history)
    return judged, look


def _decided(
    env: Env, tx: Transaction, row: ConversationRow, policy: PolicySet, *, source_heard_at: datetime | None,
    now: datetime, subject: str,
) -> tuple[ConversationRow, History, Decision | None, tuple[str, ...]]:  # fmt: skip
    """
    The decision, with what it knew of the customer, written down with it, and the topics heard. None: a bug in a
    condition.
    """
    heartbeat = env.settings.sources[row.state.source].heartbeat
    known, history = history_of(tx, row, policy, heartbeat=heartbeat, source_heard_at=source_heard_at)
    try:
        state = policy.calibration(row.state)
        signals = signals_of(state, policy.packs, policy.capabilities, history=history, now=now)
        decision, issues = deciding.judge(signals, policy, now=now, brief=True), signals.issues
    except Exception:
        # It must not lose the turn or stop the bot. The log has the frames, not the words.
        log.exception("decision_failed", extra={"conversation": row.id, "event_id": subject, "policy": policy.revision})
        return row, history, None, ()
    return keep(tx, row, known, decision, history, issues, now), history, decision, tuple(signals.labels)


def _acted(
    env: Env, tx: Transaction, row: ConversationRow, decision: Decision, policy: PolicySet, topics: tuple[str, ...], *,
    decision_id: str, now: datetime, late: bool = False, event: Event | None = None,
) -> Judged:  # fmt: skip
    if env.policy.remember(tx.connection, policy, now):
        tx.new_revisions.add(policy.revision)
    source = env.settings.sources[row.state.source]
    profile = PROFILES[env.settings.helpdesks[source.helpdesk].redact]
    handoff = tx.handoffs.get(row.open_handoff_id) if row.open_handoff_id else None
    about_a_call = event is not None and event.kind in CALLBACKS
    if about_a_call and handoff is None:
        decision = _somebody_calls(decision)
    opens = decision.action is Action.ESCALATE and handoff is None
    told = offer(tx, policy, row.state, decision, now) if opens and not about_a_call else None
    to_keep = decision
    wishes: tuple[TierWish, ...] = ()
    if decision.action is Action.ESCALATE:
        wishes = wishes_of(decision, policy, topics=topics, attributes=row.state.customer.attributes, at=now)
    if opens:
        row, handoff = open_handoff(
            tx, row, decision, policy, events=_log(tx, row, event), event_row_id=decision_id, wishes=wishes,
            nobody_is_free=told is not None, helpdesk=source.helpdesk, redact=profile.name, now=now,
        )  # fmt: skip
        words = words_for_now(handoff, policy, row.state, decision.customer_message)
        decision, told = _with_offer(replace(decision, customer_message=words), told)
        # Of a wait the rule's own words are kept: they are said when they have become true.
        to_keep = to_keep if handoff.awaits_accept else decision
    elif event is not None:
        goes_on(tx, row, handoff, event, decision, policy, wishes, now)
    if event is not None and handoff is not None:
        told = _said_of_calls(tx, row, handoff, event, policy, now) or told
    turns = (*row.state.recent, *row.state.new_turns)  # the newest in full
    stored = redact_decision(to_keep, profile, turns) if decision.because else to_keep
    tx.intake.add_decision(decision_id, row.id, stored, late=late)
    return Judged(row, decision, handoff, is_new=opens, callback=told)


def _somebody_calls(decision: Decision) -> Decision:
    """
    The vendor has spoken of a call with its customer, who counts on it: a policy that has no rule for that keeps nobody
    from calling. One that could not decide is asked again.
    """
    if decision.action is Action.ESCALATE or decision.facts.get("undecided"):
        return decision
    return replace(decision, action=Action.ESCALATE, mode=Mode.CALLBACK, customer_message=None)


def _with_offer(decision: Decision, told: Told | None) -> tuple[Decision, Told | None]:
    """The times are said together with the decision's own words, so that they reach whoever is told those later."""
    if told is None or told.message is None:
        return decision, told
    words = " ".join(filter(None, (decision.customer_message, told.message)))
    return replace(decision, customer_message=words), replace(told, message=None)


def _said_of_calls(
    tx: Transaction, row: ConversationRow, handoff: Handoff, event: Event, policy: PolicySet, now: datetime
) -> Told | None:
    if event.kind in CALLBACKS:
        return take_wish(tx, policy, row.state, handoff, event, now)
    if event.kind is EventKind.HANDOFF_CANCELLED:
        return withdraw(tx, policy, row.state, handoff, event.occurred_at, now)
    return None


def _log(tx: Transaction, row: ConversationRow, newest: Event | None) -> Sequence[Event]:
    found = tx.intake.events_of(row.id)
    return found if newest is None or any(e.event_id == newest.event_id for e in found) else [*found, newest]


def _with_timer(
    tx: Transaction, row: ConversationRow, policy: PolicySet, history: History, now: datetime
) -> ConversationRow:
    """
    One timer at most, and moved only to be earlier: one that is due too early finds out by itself and sets itself
    anew, so that most turns write none.
    """
    look = None if row.open_handoff_id else next_look(row.state, policy, now=now, history=history)
    if look is None or (row.look_at is not None and row.look_at <= look):
        return row
    tx.wait(Work(TIMER, row.id, look))
    return replace(row, look_at=look)
