"""What another policy folder would do to the clocks that run and to last month's attainment. Reads; changes nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.sla.refold import recorded_clocks
from gateway.sla.store import ClockRow
from gateway.sla.terms import tier_terms
from gateway.sla.zones import customer_zone
from policies.model import PolicySet
from policies.sla.preview import Attainment, Moved, Recorded, attainment, preview_open, preview_past
from policies.sla.terms import Terms

if TYPE_CHECKING:
    from gateway.wiring import Transaction

LAST_MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class MovedClock:
    """A clock that would move, and whose it is."""

    handoff_id: str
    metric: str
    tier: str
    moved: Moved


@dataclass(frozen=True, slots=True)
class Compared:
    """Last month's attainment of one metric of one tier, as it was and as it would have been."""

    tier: str
    metric: str
    before: Attainment
    after: Attainment


@dataclass(frozen=True, slots=True)
class Preview:
    """looked_at: clocks. without: those whose tier, or whose metric in it, the new policy does not have: they stay."""

    looked_at: int
    without: int
    moved: tuple[MovedClock, ...]
    compared: tuple[Compared, ...]


def preview(tx: Transaction, policy: PolicySet, *, mode: str, now: datetime) -> Preview:
    moved: list[MovedClock] = []
    past: defaultdict[tuple[str, str], list[tuple[Recorded, Terms]]] = defaultdict(list)
    looked_at = without = 0
    for handoff_id in tx.clocks.since(now - LAST_MONTH):
        handoff = tx.handoffs.get(handoff_id)
        if handoff is None:
            continue
        zone = customer_zone(tx, handoff, policy.tiers.values())
        for row, recorded in recorded_clocks(tx, handoff_id):
            looked_at += 1
            terms = new_terms(policy, row, handoff.route, zone)
            if terms is None:
                without += 1
                continue
            past[row.tier, row.metric].append((recorded, terms))
            found = preview_open([recorded], terms, mode=mode, now=now)
            moved += [MovedClock(handoff_id, row.metric, row.tier, one) for one in found]
    compared = tuple(_compared(tier, metric, clocks, now) for (tier, metric), clocks in sorted(past.items()))
    return Preview(looked_at, without, tuple(moved), compared)


def new_terms(policy: PolicySet, row: ClockRow, route: str, zone: str | None) -> Terms | None:
    """What another policy promises for the clock's tier and metric. None: nothing, and the clock stays as it is."""
    tier = policy.tiers.get(row.tier)
    return tier_terms(policy, tier, row.metric, route, zone) if tier and row.metric in tier.targets else None


def _compared(tier: str, metric: str, clocks: list[tuple[Recorded, Terms]], now: datetime) -> Compared:
    since = now - LAST_MONTH
    before = attainment([recorded.fold(now) for recorded, _ in clocks], since=since, until=now, now=now)
    after = Attainment()
    for recorded, terms in clocks:
        one = preview_past([recorded], terms, since=since, until=now, now=now)[1]
        after = Attainment(after.met + one.met, after.missed + one.missed, after.beside + one.beside)
    return Compared(tier, metric, before, after)
