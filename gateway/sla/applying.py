"""
Putting the tiers and calendars of the policy in force to the clocks that run already. A change is a fact on each clock
it changes, so it can be told and explained like any other; stopped clocks get none.

Handoff by handoff, each in a transaction of its own: it may be broken off anywhere and begun again, and what was
changed before is then found to be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.handoffs.store import Handoff
from gateway.sla.facts import OURS
from gateway.sla.previewing import MovedClock, new_terms
from gateway.sla.refold import recorded_clocks, refold_locked
from gateway.sla.store import ENDED, ClockRow
from gateway.sla.zones import customer_zone
from policies.model import PolicySet
from policies.sla.facts import Fact, Kind
from policies.sla.preview import Recorded, preview_open
from policies.sla.terms import Terms

if TYPE_CHECKING:
    from gateway.wiring import Env, Transaction

_HANDOFFS_AT_ONCE = 200
_CHANGES = (Kind.PRIORITY, Kind.POLICY_EDITED)


@dataclass(frozen=True, slots=True)
class Applied:
    """
    looked_at: clocks that have not stopped. without: those of a tier or metric the policy does not have. edited: those
    on which a change was recorded now; moved: those among them whose due time, or miss, is another since.
    """

    looked_at: int = 0
    without: int = 0
    edited: int = 0
    moved: tuple[MovedClock, ...] = ()


def apply_policy(env: Env, policy: PolicySet, mode: str) -> Applied:
    """Change every clock that runs, `mode` being one of ON_POLICY_EDIT. Harmless to repeat."""
    total = Applied()
    for handoff_id in _running(env):
        with env.transaction() as tx:
            one = apply_to_handoff(tx, handoff_id, policy, mode, env.now())
        total = Applied(
            total.looked_at + one.looked_at,
            total.without + one.without,
            total.edited + one.edited,
            total.moved + one.moved,
        )
    return total


def _running(env: Env) -> Iterator[str]:
    last = ""
    while True:
        with env.reading() as tx:
            found = tx.clocks.running_after(last, _HANDOFFS_AT_ONCE)
        if not found:
            return
        yield from found
        last = found[-1]


def apply_to_handoff(tx: Transaction, handoff_id: str, policy: PolicySet, mode: str, now: datetime) -> Applied:
    handoff = tx.handoffs.lock(handoff_id)
    if handoff is None:
        return Applied()
    zone, moved = customer_zone(tx, handoff, policy.tiers.values()), list[MovedClock]()
    looked_at = without = edited = 0
    for row, recorded in recorded_clocks(tx, handoff_id):
        if row.state in ENDED:
            continue
        looked_at += 1
        terms = new_terms(policy, row, handoff.route, zone)
        if terms is None:
            without += 1
        elif not _are_same(terms, _newest_terms(recorded)):
            found = preview_open([recorded], terms, mode=mode, now=now)
            moved += [MovedClock(handoff_id, row.metric, row.tier, one) for one in found]
            _record(tx, handoff, row, policy, mode, zone, now)
            edited += 1
    if edited:
        refold_locked(tx, handoff, now)
    return Applied(looked_at, without, edited, tuple(moved))


def _newest_terms(recorded: Recorded) -> Terms:
    """What the clock was given last, whatever became of it: the same once more would change nothing."""
    changes = [fact for fact in recorded.facts if fact.kind in _CHANGES and fact.terms is not None]
    newest = max(changes, key=lambda fact: (fact.occurred_at or fact.received_at, fact.received_at), default=None)
    return recorded.terms if newest is None or newest.terms is None else recorded.book[newest.terms]


def _are_same(new: Terms, held: Terms) -> bool:
    """Another revision of the policy that promises the same is no change."""
    return replace(new, policy=held.policy) == held


def _record(
    tx: Transaction, handoff: Handoff, row: ClockRow, policy: PolicySet, mode: str, zone: str | None, now: datetime
) -> None:
    key = tx.terms.keep(policy, policy.tiers[row.tier], handoff.route, zone)
    name = f"{handoff.id}:policy:{key}:{now.isoformat()}:{row.metric}"
    tx.facts.add(handoff.id, Fact(OURS, name, Kind.POLICY_EDITED, now, now, terms=key, mode=mode), row.metric)
