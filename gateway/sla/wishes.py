"""SQL for the reasons a handoff has its tier: what its rules, topics, customer, route and people asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from gateway.db.tables import tier_wishes
from gateway.db.work import insert_or
from gateway.ids import new_id
from packets.draft import Priority
from policies.sla.choose import By, TierWish


@dataclass(frozen=True, slots=True)
class PersonsPriority:
    """A person set this priority on the ticket; which tier that means is still to be found."""

    id: str
    priority: Priority
    at: datetime


class WishStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, handoff_id: str, wishes: Iterable[TierWish], policy_revision: str) -> None:
        """Each once."""
        rows = [
            {
                "id": new_id("wsh"), "handoff_id": handoff_id, "tier": wish.tier, "by": wish.by.value,
                "what": wish.what[:255], "policy_revision": policy_revision, "at": wish.at,
            }
            for wish in wishes
        ]  # fmt: skip
        if rows:
            self._db.execute(insert_or(self._db, tier_wishes).on_conflict_do_nothing(), rows)

    def of_handoff(self, handoff_id: str) -> list[tuple[TierWish, str]]:
        """(wish, revision of the policy that has its tier), oldest first."""
        statement = select(tier_wishes).where(tier_wishes.c.handoff_id == handoff_id, tier_wishes.c.tier.is_not(None))
        rows = self._db.execute(statement.order_by(tier_wishes.c.at))
        return [(TierWish(row.tier, By(row.by), row.what, row.at), row.policy_revision) for row in rows]

    def person_set(self, handoff_id: str, priority: Priority, at: datetime) -> bool:
        """A person set a priority. False: the same as they set before, or something newer is known."""
        statement = select(tier_wishes.c.what, tier_wishes.c.at).where(
            tier_wishes.c.handoff_id == handoff_id, tier_wishes.c.by == By.PERSON.value
        )
        last = self._db.execute(statement.order_by(tier_wishes.c.at.desc()).limit(1)).one_or_none()
        if last is not None and (last.at >= at or last.what == priority.value):
            return False
        values = {"id": new_id("wsh"), "handoff_id": handoff_id, "by": By.PERSON.value, "what": priority.value}
        self._db.execute(insert_or(self._db, tier_wishes).values(**values, policy_revision="", at=at))
        return True

    def unread(self, handoff_id: str) -> list[PersonsPriority]:
        """What people set and nobody has yet translated into a tier, oldest first."""
        statement = select(tier_wishes).where(tier_wishes.c.handoff_id == handoff_id, tier_wishes.c.tier.is_(None))
        rows = self._db.execute(statement.order_by(tier_wishes.c.at))
        return [PersonsPriority(row.id, Priority(row.what), row.at) for row in rows]

    def read(self, wish_id: str, tier: str, policy_revision: str) -> None:
        self._db.execute(
            update(tier_wishes)
            .where(tier_wishes.c.id == wish_id)
            .values(tier=tier, policy_revision=policy_revision)
        )  # fmt: skip
