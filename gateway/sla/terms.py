"""The terms clocks run by: made from a tier when it is given, kept by key, read back for every fold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from gateway.db.tables import sla_terms
from gateway.db.work import insert_or
from policies.model import PolicySet
from policies.sla import plan
from policies.sla.stored import terms_from_json, terms_to_json
from policies.sla.terms import Terms, terms_of
from policies.sla.tiers import FIRST_HUMAN_RESPONSE, Tier

_OF_KEYS = select(sla_terms).where(sla_terms.c.key.in_(bindparam("keys", expanding=True)))


class TermsStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def keep(self, policy: PolicySet, tier: Tier, route: str, customer_zone: str | None) -> str:
        """Store the terms of each of the tier's metrics, once. returns: their key."""
        made = {metric: tier_terms(policy, tier, metric, route, customer_zone) for metric in tier.targets}
        usual = made[FIRST_HUMAN_RESPONSE]
        pinned = f":{usual.hours.zone}" if usual.zone_source in ("queue", "customer") else ""
        key = f"{policy.revision}:{tier.name}{pinned}"
        rows = [{"key": key, "metric": metric, "terms": terms_to_json(terms)} for metric, terms in made.items()]
        self._db.execute(insert_or(self._db, sla_terms).on_conflict_do_nothing(), rows)
        return key

    def read(self, keys: Collection[str]) -> dict[tuple[str, str], Terms]:
        """(key, metric) → terms."""
        rows = self._db.execute(_OF_KEYS, {"keys": list(keys)})
        return {(row.key, row.metric): terms_from_json(row.terms) for row in rows}


def tier_terms(policy: PolicySet, tier: Tier, metric: str, route: str, customer_zone: str | None) -> Terms:
    """What a clock of this tier that starts now is promised, for a handoff of this route and such a customer."""
    queue_zone = _queue_zone(policy, route)
    return terms_of(tier, metric, policy.revision, queue_zone=queue_zone, customer_zone=customer_zone)


def respond_by(policy: PolicySet, tier: Tier, route: str, customer_zone: str | None, started_at: datetime) -> datetime:
    """When a person must have answered at the latest, by the hours the clock will have."""
    hours = tier_terms(policy, tier, FIRST_HUMAN_RESPONSE, route, customer_zone).hours
    return plan.respond_by(replace(tier, hours=hours), started_at)


def _queue_zone(policy: PolicySet, route: str) -> str | None:
    team = policy.rosters.get(policy.route(route).destination or "")
    return team.hours.zone if team else None
