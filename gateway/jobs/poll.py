"""
Job: ask a helpdesk which of our tickets changed, and act on what no webhook told. One row a helpdesk, due again and
again; how far it has looked stands in the account's row.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from connectors.errors import ConnectorError
from gateway.db.work import Work
from gateway.handoffs.store import Handoff, HandoffStatus
from gateway.jobs.environment import current
from gateway.jobs.failing import due_after
from gateway.status.apply import FINAL, apply_state, lock_handoff
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env
from packets.draft import TicketState, TicketStatus

log = logging.getLogger(__name__)
OVERLAP = timedelta(minutes=5)  # clocks differ, and a change may show late
FIRST_LOOK = timedelta(hours=24)
FULL = 100  # an answer of so many may not have been all
MOST_ROUNDS = 20
GRAIN = timedelta(seconds=1)  # of the times helpdesks tell


def plan_polls(env: Env) -> None:
    """See to it that every configured helpdesk is polled: a row that is there already stays as it is."""
    with env.transaction() as tx:
        for name, helpdesk in env.settings.helpdesks.items():
            tx.work.once(Work("poll", name, env.now() + helpdesk.poll_every, lane=name), "delivery")


def poll(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _poll(env, visit)


def _poll(env: Env, visit: Visit) -> None:
    name = visit.helpdesk
    if not name:
        with env.transaction() as tx:
            tx.work.finish(visit.claim, env.now())  # no such helpdesk any more
        return
    try:
        _look(env, visit, name)
    except ConnectorError as error:
        visit.failed(error)
        due_at = due_after(error, visit.claim.tries, env.now(), random.random())  # noqa: S311
        log.warning("poll_failed", extra={"helpdesk": name, "error": type(error).__name__})
        with env.transaction() as tx:
            later = env.now() + env.settings.helpdesks[name].poll_every
            tx.work.again(visit.claim, max(due_at or later, later), str(error))
        return
    with env.transaction() as tx:
        tx.work.finish(visit.claim, env.now())
        tx.later(Work("poll", name, env.now() + env.settings.helpdesks[name].poll_every, lane=name))


def _look(env: Env, visit: Visit, name: str) -> None:
    """
    All that changed since the last poll, and a little before. Whatever one answer cannot hold is asked for from its
    newest change on: from the overlap again, a crowd of changes would fill every answer for ever.
    """
    with env.reading() as tx:
        cursor = tx.traffic.polled_up_to(name) or env.now() - FIRST_LOOK
    since, late = cursor - OVERLAP, True
    for _ in range(MOST_ROUNDS):
        more_from = _round(env, visit, name, since, cursor, late=late)
        if more_from is None:
            return
        since, late = more_from, False
    log.warning("poll_not_through", extra={"helpdesk": name, "count": MOST_ROUNDS})


def _round(env: Env, visit: Visit, name: str, since: datetime, cursor: datetime, *, late: bool) -> datetime | None:
    """One answer. returns: from when on there may be more."""
    began = env.now()
    states = env.helpdesk(name).changed_since(since, late=late)
    visit.answered()
    missed = sum(_take(env, name, state) for state in states)
    newest = max((s.updated_at for s in states if s.updated_at is not None), default=None)
    is_all = len(states) < FULL or newest is None
    with env.transaction() as tx:
        # First, as everywhere: the account, then the work row.
        tx.traffic.polled(name, max(cursor, began if is_all or newest is None else newest))
        visit.claim = tx.work.renew(visit.claim, env.now() + env.helpdesk_lease)
    if missed:
        log.info("poll_found", extra={"helpdesk": name, "count": missed})
    if is_all or newest is None:
        return None
    # More changes of one second than an answer holds: those left out are not seen, but the poll goes on.
    return newest if late or newest > since else since + GRAIN


def _take(env: Env, helpdesk: str, state: TicketState) -> bool:
    """Act on one state, if it was not looked at before. True: it moved its handoff, and no webhook had told us."""
    with env.reading() as tx:
        delivery = tx.deliveries.by_ticket(helpdesk, state.ref.ticket_id)
        if delivery is None or state.updated_at is None or tx.handoffs.was_seen(delivery.handoff_id, state.updated_at):
            return False
    with env.transaction() as tx:
        before = lock_handoff(tx, delivery.handoff_id)
        if before is None:
            return False
        tx.handoffs.change(before.id, ticket_seen_at=state.updated_at)
        # Nobody may be told that nobody answered before the ticket itself was asked.
        if state.status not in FINAL or not _may_hide_an_answer(before, state):
            apply_state(tx, before, state, env.now())
        after = tx.handoffs.get(before.id)
    if after is None:
        return False
    if _may_hide_an_answer(after, state):
        with env.transaction() as tx:
            tx.unless_waiting(Work("read_ticket", after.id, env.now(), lane=helpdesk), env.now())
    return after.status is not before.status


def _may_hide_an_answer(handoff: Handoff, state: TicketState) -> bool:
    """A list does not tell whether a person has answered; only the ticket itself does."""
    waits = handoff.status in (HandoffStatus.WAITING, HandoffStatus.CLAIMED)
    return waits and state.status is not TicketStatus.NEW and state.first_human_reply_at is None
