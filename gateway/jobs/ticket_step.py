"""Job: what a step of a ladder does on the ticket: pass it to another team, give its manager a High Priority task."""

from __future__ import annotations

import logging
from datetime import timedelta

from connectors.errors import ConnectorError
from gateway.delivery.store import Delivery, DeliveryState
from gateway.handoffs.store import Handoff
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.notify.model import Run, is_taken
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env
from packets.draft import Priority, TicketUpdate
from policies.sla.ladder import Reach

log = logging.getLogger(__name__)
LOOK_AGAIN = timedelta(seconds=30)  # while there is no ticket yet
TASK_TAG = "baton_manager_task"


def ticket_step(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _step(env, visit)


def _step(env: Env, visit: Visit) -> None:
    taken = visit.claim
    run_id, turn, step = taken.slot.split(".")
    with env.transaction() as tx:
        tx.work.hold(taken)
        handoff, delivery = tx.handoffs.get(taken.subject_id), tx.deliveries.of_handoff(taken.subject_id)
        run, reach = tx.notify.run(run_id), tx.notify.step(run_id, int(turn), int(step))
        over = run is None or reach is None or handoff is None or is_taken(handoff, run)
        if over or delivery is None or not visit.helpdesk or delivery.state is DeliveryState.DEAD:
            tx.work.finish(taken, env.now())
            return
        if delivery.reached is None:
            tx.work.again(taken, env.now() + LOOK_AGAIN)
            return
        update = update_of(handoff, run, reach, key=f"{run_id}-{turn}-{step}") if run and reach and handoff else None
        if update and update.priority and handoff:
            wanted = f"{handoff.our_priorities or ''},{update.priority.value}".strip(",")
            tx.handoffs.change(handoff.id, our_priorities=",".join(dict.fromkeys(wanted.split(","))))
    if update is None:
        return
    try:
        env.helpdesk(delivery.helpdesk).update_ticket(delivery.reached, update)
    except ConnectorError as error:
        visit.failed(error)
        _put_off(env, visit, delivery, error)
        return
    visit.answered()
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(delivery.id, env.now(), "ladder", "done", None, 0)
        tx.work.finish(taken, env.now())
    log.info("ladder_on_ticket", extra={"handoff": taken.subject_id, "step": taken.slot})


def update_of(handoff: Handoff, run: Run, reach: Reach, *, key: str) -> TicketUpdate:
    """The note says what was done and why; a repeated try finds it and does nothing."""
    said = [f"Ladder {run.ladder}: nobody has come since {run.begun_at:%Y-%m-%d %H:%M} UTC."]
    if reach.reassign:
        said.append(f"Passed to {reach.reassign}.")
    if reach.manager:
        said.append(f"High Priority task for {reach.manager}: find somebody who takes this now.")
    return TicketUpdate(
        priority=_at_least_high(handoff) if reach.manager and handoff.priority_is_ours else None,
        tags=(TASK_TAG,) if reach.manager else (),
        group=reach.reassign,
        note="\n".join(said),
        note_key=key,
    )


def _at_least_high(handoff: Handoff) -> Priority:
    wanted = {Priority.HIGH.value, *(handoff.our_priorities or "").split(",")}
    return next(priority for priority in Priority if priority.value in wanted)


def _put_off(env: Env, visit: Visit, delivery: Delivery, error: ConnectorError) -> None:
    taken, look_after = visit.claim, env.helpdesk(delivery.helpdesk).capabilities.lookup_after
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(delivery.id, env.now(), "ladder", type(error).__name__, str(error), 0)
        put_off(tx, taken, error, env.now(), look_after=look_after)
    log.warning("ladder_not_on_ticket", extra={"handoff": taken.subject_id, "error": type(error).__name__})
