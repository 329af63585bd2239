"""
Job: something about an appointment may be due: remind whoever calls, let its clocks go on, find out that nobody has
called. Our own rows only; it looks at the appointment as it is now, so that firing late, twice or in vain is harmless.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gateway.callbacks.book import looks_at, missed, resume
from gateway.callbacks.store import Appointment, Standing
from gateway.db.work import Claim, LostClaim
from gateway.handoffs.store import Handoff
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.sla.refold import refold
from gateway.status.apply import lock_handoff
from gateway.wiring import Env, Transaction
from policies.model import PolicySet
from policies.sla.roster import Team
from policies.sla.tiers import CALLBACK


def callback_timer(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.transaction() as tx:
            _look(env, tx, taken)
    except LostClaim:
        return


def _look(env: Env, tx: Transaction, taken: Claim) -> None:
    found = tx.appointments.get(taken.subject_id)
    # The conversation before the work row, as everywhere: or two transactions could wait for each other.
    handoff = lock_handoff(tx, found.handoff_id) if found else None
    tx.work.hold(taken)
    appointment, now = tx.appointments.get(taken.subject_id), env.now()
    if handoff is None or appointment is None:
        raise LookupError(f"work {taken.work_id} names appointment {taken.subject_id}, which is not there")
    next_at = None
    if appointment.state is Standing.BOOKED:
        _act(env, tx, handoff, appointment, now)
        next_at = looks_at(appointment, now)
    if next_at is not None:
        tx.work.again(taken, next_at)
    else:
        tx.work.finish(taken, now)


def _act(env: Env, tx: Transaction, handoff: Handoff, appointment: Appointment, now: datetime) -> None:
    if now < appointment.starts_at:
        if appointment.reminded_at is None:
            channels = whom_to_remind(env.policy.current, handoff, appointment, env.settings.notifiers.keys())
            tx.remind_chats(handoff.id, appointment.id, channels, now)
            tx.appointments.change(appointment.id, reminded_at=now)
        return
    resume(tx, appointment, appointment.starts_at, now)
    refold(tx, handoff.id, now)
    missed(tx, handoff, now)  # also where no clock of the tier has noticed


def whom_to_remind(
    policy: PolicySet, handoff: Handoff, appointment: Appointment, notifiers: Collection[str]
) -> tuple[str, ...]:
    """Whoever has the handoff; nobody yet: the channels that are warned of a missed call, else the team's manager."""
    team = policy.rosters.get(appointment.team)
    target = policy.tier(handoff.tier).targets.get(CALLBACK)
    ladder = policy.ladders.get(target.ladder or "") if target else None
    warned, manager = ladder.warn if ladder else (), team.manager if team else None
    for channels in (_reach(team, handoff.accepted_by), warned, _reach(team, manager)):
        known = tuple(channel for channel in channels if channel.partition(":")[0] in notifiers)
        if known:
            return known
    return ()


def _reach(team: Team | None, name: str | None) -> tuple[str, ...]:
    member = team.member(name) if team and name else None
    return (member.reach,) if member else ()
