"""Job: tell a vendor what became of its conversation. One row a handoff; what to tell is found anew each time."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from connectors.errors import ConnectorError, Unsure
from connectors.ports import Notice, NoticeKind, VendorClient
from gateway.clock import took_ms
from gateway.db.work import Claim, LostClaim
from gateway.handoffs.store import Handoff
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.vendors.notice import DONE, SENDING, STEP, next_notice, told_so_far, what_people_did
from gateway.wiring import Env, Transaction
from packets.draft import TicketRef
from packets.render.fields import time_text
from policies.sla.tiers import FIRST_HUMAN_RESPONSE

log = logging.getLogger(__name__)
GIVE_UP_AFTER = timedelta(hours=24)  # a bot that hears a day later that somebody had joined hears nothing of use


@dataclass(frozen=True, slots=True)
class _Due:
    """A notice that is due and who carries it. once: better not at all than twice."""

    client: VendorClient
    notice: Notice
    handoff: Handoff
    delivery_id: str
    once: bool


def tell_vendor(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        while (due := _next(env, taken)) is not None:
            if not _told(env, taken, due):
                return
        with env.transaction() as tx:
            tx.work.finish(taken, env.now())
    except LostClaim:
        return


def _next(env: Env, taken: Claim) -> _Due | None:
    """The notice that is due, and who carries it."""
    with env.reading() as tx:
        handoff = tx.handoffs.get(taken.subject_id)
        client = env.vendor_client(handoff.source) if handoff else None
        if handoff is None or client is None:
            return None
        row, delivery = tx.conversations.get(handoff.conversation_id), tx.deliveries.of_handoff(handoff.id)
        if row is None or delivery is None:
            raise LookupError(f"handoff {handoff.id} has no conversation or no delivery")
        told = told_so_far((step, outcome) for _, step, outcome, *_ in tx.deliveries.attempts_of(delivery.id))
        capabilities = env.vendor(env.settings.sources[handoff.source].vendor).capabilities
        is_newest = row.open_handoff_id in (None, handoff.id)
        kind = next_notice(handoff.status, told, capabilities.tells, is_newest=is_newest)
        if kind is None:
            return None
        notice = Notice(
            key=f"{handoff.id}.{len(told) + 1}",
            kind=kind,
            vendor_conversation_id=row.state.vendor_conversation_id,
            text=_text(tx, handoff, kind),
            refs=row.state.refs,
            facts=_facts(handoff, delivery.ticket),
            in_answer=kind is NoticeKind.HANDED_OFF and tx.intake.answer_carried(handoff.event_id, handoff.id),
        )
    return _Due(client, notice, handoff, delivery.id, once=kind not in capabilities.repeatable)


def _text(tx: Transaction, handoff: Handoff, kind: NoticeKind) -> str | None:
    if kind is NoticeKind.HANDED_OFF:
        decision = tx.intake.decision(handoff.event_id)
        return decision.customer_message if decision else None
    if kind is NoticeKind.CONTROL_RETURNED:
        response = [clock for clock in tx.clocks.of_handoff(handoff.id) if clock.metric == FIRST_HUMAN_RESPONSE]
        answered = any(clock.outcome in ("met", "missed") for clock in response)
        return what_people_did(handoff.ticket_status, answered=answered)
    return None


def _facts(handoff: Handoff, ticket: TicketRef | None) -> dict[str, str]:
    return {
        "handoff_id": handoff.id,
        "status": handoff.status.value,
        "route": handoff.route,
        "tier": handoff.tier,
        "respond_by": time_text(handoff.respond_by),
        **({"ticket": ticket.number or ticket.ticket_id} if ticket else {}),
    }


def _told(env: Env, taken: Claim, due: _Due) -> bool:
    """True: told, go on with the next. False: the row has been put off or closed."""
    began = time.monotonic()
    if due.once:
        _write_down(env, taken, due, SENDING)
    try:
        due.client.tell(due.notice)
    except ConnectorError as error:
        return _not_told(env, taken, due, error, began)
    _write_down(env, taken, due, DONE, began=began)
    log.info("vendor_told", extra=_ids(due))
    return True


def _not_told(env: Env, taken: Claim, due: _Due, error: ConnectorError, began: float) -> bool:
    if due.once and isinstance(error, Unsure):
        # It may have been said, and would be read twice: it counts as told.
        _write_down(env, taken, due, DONE, str(error), began)
        log.warning("vendor_perhaps_told", extra=_ids(due))
        return True
    now = env.now()
    _write_down(env, taken, due, type(error).__name__, str(error), began)
    with env.transaction() as tx:
        again = put_off(tx, taken, error, now, until=due.handoff.promised_at + GIVE_UP_AFTER)
    extra = _ids(due) | {"error": type(error).__name__, "final": not again}
    log.warning("vendor_not_told", extra=extra)
    return False


def _write_down(
    env: Env, taken: Claim, due: _Due, outcome: str, detail: str | None = None, began: float | None = None
) -> None:
    took = 0 if began is None else took_ms(began)
    with env.transaction() as tx:
        tx.work.hold(taken)
        step = STEP + due.notice.kind.value
        tx.deliveries.add_attempt(due.delivery_id, env.now(), step, outcome, detail, took)


def _ids(due: _Due) -> dict[str, object]:
    return {"handoff": due.handoff.id, "source": due.handoff.source, "notice": due.notice.kind.value}
