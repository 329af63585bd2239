"""
Which tier a handoff has, from all that ever asked for one: a stricter reason that comes later raises it, nothing lowers
it silently, and what a person set stays until a person sets something else.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from gateway.sla.facts import OURS
from gateway.sla.refold import recorded_clocks, refold
from gateway.sla.zones import customer_zone
from packets.decision import Decision
from policies.model import PolicySet
from policies.sla.choose import By, TierWish, choose_tier, tier_for_priority, wishes_for
from policies.sla.facts import Fact, Kind
from policies.sla.plan import plan_clocks
from policies.sla.tiers import ON_PRIORITY_CHANGE, Change, Tier

if TYPE_CHECKING:
    from gateway.wiring import Transaction

log = logging.getLogger(__name__)


def wishes_of(
    decision: Decision, policy: PolicySet, *, topics: Collection[str], attributes: Mapping[str, Any], at: datetime
) -> tuple[TierWish, ...]:
    """What a decision's rules, the topics heard, the customer and the route ask for."""
    fired = set(decision.because)
    rules = [(rule.id, rule.then.tier) for rule in policy.rules if rule.id in fired and rule.then.tier]
    route = policy.route(decision.route).name
    return wishes_for(policy.tiers, at=at, rules=rules, topics=topics, attributes=attributes, route=route)


def raise_tier(tx: Transaction, handoff: Handoff, policy: PolicySet, wishes: Iterable[TierWish], now: datetime) -> None:
    """More is known of a handoff that people have already: whatever is stricter than what holds takes its place."""
    locked = tx.handoffs.lock(handoff.id)
    if locked is None:
        return
    new = [wish for wish in wishes if wish.by is not By.DEFAULT]
    tx.wishes.add(handoff.id, new, policy.revision)
    heard = [wish for wish, _ in tx.wishes.of_handoff(handoff.id)]
    choice = choose_tier(policy.tiers, heard or new) if heard or new else None
    if choice is None or choice.because.by is By.PERSON or choice.tier == locked.tier:
        return
    if policy.tier(choice.tier).strictness < policy.tier(locked.tier).strictness:
        change_tier(tx, locked, policy, policy.tier(choice.tier), at=now, now=now, because=choice.because)


def person_decides(tx: Transaction, handoff: Handoff, policy: PolicySet, now: datetime) -> Handoff:
    """What people set as priority since we looked last: the tier they mean holds from the moment they set it."""
    for said in tx.wishes.unread(handoff.id):
        tier = policy.tier(tier_for_priority(policy.tiers, said.priority, handoff.tier))
        tx.wishes.read(said.id, tier.name, policy.revision)
        if tier.name != handoff.tier:
            wish = TierWish(tier.name, By.PERSON, said.priority.value, said.at)
            change_tier(tx, handoff, policy, tier, at=said.at, now=now, because=wish)
            handoff = tx.handoffs.get(handoff.id) or handoff
    return handoff


def change_tier(
    tx: Transaction, handoff: Handoff, policy: PolicySet, tier: Tier, *, at: datetime, now: datetime, because: TierWish
) -> None:
    """From `at` on the handoff has this tier: on its clocks, on its ticket, in what its vendor is told."""
    key = tx.terms.keep(policy, tier, handoff.route, customer_zone(tx, handoff, [tier]))
    for metric, mode in _modes(tx, handoff, tier, at, now, because):
        name = f"{handoff.id}:tier:{tier.name}:{at.isoformat()}:{metric}"
        tx.facts.add(handoff.id, Fact(OURS, name, Kind.PRIORITY, at, now, terms=key, mode=mode), metric)
    ours = [name for name in (handoff.our_priorities or "").split(",") if name]
    tx.handoffs.change(
        handoff.id,
        tier=tier.name,
        our_priorities=",".join(dict.fromkeys([*ours, tier.priority.value])),
        sla_assigned_at=None,
    )
    refold(tx, handoff.id, now)
    tx.later(Work("assign_sla", handoff.id, now, lane=handoff.helpdesk))
    log.info(
        "tier_changed",
        extra={"handoff": handoff.id, "tier": tier.name, "was": handoff.tier, "by": because.by.value},
    )  # fmt: skip


def _modes(
    tx: Transaction, handoff: Handoff, tier: Tier, at: datetime, now: datetime, because: TierWish
) -> Iterable[tuple[str, str | None]]:
    """
    (metric, what the change does to its clock; None: what its tier says). A clock that would begin anew and so be due
    later than it is keeps its target: only a person may give more time.
    """
    anew = {plan.metric: plan.due_at for plan in plan_clocks(tier, at)}
    for row, recorded in recorded_clocks(tx, handoff.id):
        if row.metric not in tier.targets:
            continue
        cycle = recorded.fold(now).current
        usual = ON_PRIORITY_CHANGE[cycle.terms.on_priority_change] if cycle else None
        sooner = cycle is not None and cycle.due_at is not None and cycle.due_at <= anew.get(row.metric, cycle.due_at)
        yield row.metric, "keep_first" if usual is Change.RESTART and sooner and because.by is not By.PERSON else None
