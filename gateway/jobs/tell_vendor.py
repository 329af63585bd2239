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
from gateway.handoffs.waiting import words_for_now
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.vendors.calling import Callee, callee_of
from gateway.vendors.notice import DONE, SENDING, STEP, next_notice, told_so_far, what_people_did
from gateway.wiring import Env, Transaction
from packets.decision import Mode
from packets.draft import TicketRef
from packets.render.fields import time_text
from policies.sla.tiers import FIRST_HUMAN_RESPONSE

log = logging.getLogger(__name__)
_OF_WHO_CAME = (NoticeKind.HANDED_OFF, NoticeKind.HUMAN_JOINED)
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
        about = callee_of(env, tx, taken.subject_id)
        if about is None:
            return None
        handoff, row, delivery = about.handoff, about.row, about.delivery
        told = told_so_far((step, outcome) for _, step, outcome, *_ in tx.deliveries.attempts_of(delivery.id))
        capabilities = env.vendor(env.settings.sources[handoff.source].vendor).capabilities
        is_newest = row.open_handoff_id in (None, handoff.id)
        awaits = handoff.awaits_accept
        kind = next_notice(handoff.status, told, capabilities.tells, is_newest=is_newest, awaits_accept=awaits)
        if kind is None:
            return None
        notice = Notice(
            key=f"{handoff.id}.{len(told) + 1}",
            kind=kind,
            vendor_conversation_id=row.state.vendor_conversation_id,
            text=_text(env, tx, about, kind),
            agent=_who_came(env, handoff) if kind in _OF_WHO_CAME else None,
            refs=row.state.refs,
            facts=_facts(handoff, delivery.ticket, kind),
            in_answer=_was_in_answer(tx, handoff, kind),
            connects=handoff.mode != Mode.CALLBACK,
        )
    return _Due(about.client, notice, handoff, delivery.id, once=kind not in capabilities.repeatable)


def _was_in_answer(tx: Transaction, handoff: Handoff, kind: NoticeKind) -> bool:
    """The answer to the vendor's own call carries what held then: where a handoff waits, that it waits."""
    then = NoticeKind.WAITING if handoff.accept_by else NoticeKind.HANDED_OFF
    return kind is then and tx.intake.answer_carried(handoff.event_id, handoff.id)


def _text(env: Env, tx: Transaction, about: Callee, kind: NoticeKind) -> str | None:
    handoff = about.handoff
    if kind in (NoticeKind.WAITING, NoticeKind.HANDED_OFF):
        decision = tx.intake.decision(handoff.event_id)
        words = decision.customer_message if decision else None
        if handoff.accept_by is None:
            return words
        return words_for_now(handoff, env.policy.at_revision(handoff.policy_revision), about.row.state, words)
    if kind is NoticeKind.CONTROL_RETURNED:
        response = [clock for clock in tx.clocks.of_handoff(handoff.id) if clock.metric == FIRST_HUMAN_RESPONSE]
        answered = any(clock.outcome in ("met", "missed") for clock in response)
        return what_people_did(handoff.ticket_status, answered=answered)
    return None


def _who_came(env: Env, handoff: Handoff) -> str | None:
    """By the name the rosters give them. Chats' own display names are nobody's business at a vendor."""
    known = any(team.member(handoff.accepted_by or "") for team in env.policy.current.rosters.values())
    return handoff.accepted_by if known else None


def _facts(handoff: Handoff, ticket: TicketRef | None, kind: NoticeKind) -> dict[str, str]:
    announced = handoff.announcement if kind is not NoticeKind.CONTROL_RETURNED else None
    return {
        "handoff_id": handoff.id,
        "status": handoff.status.value,
        "transfer": handoff.mode,
        "route": handoff.route,
        "tier": handoff.tier,
        "respond_by": time_text(handoff.respond_by),
        **({"ticket": ticket.number or ticket.ticket_id} if ticket else {}),
        **({"announcement": announced} if announced else {}),
        **({"accept_by": time_text(handoff.accept_by)} if handoff.accept_by and handoff.awaits_accept else {}),
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
