"""
Which tier a handoff has, and why. A stricter reason that comes later raises it, nothing lowers it silently; what a
person set stays until a person sets something else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from packets.draft import Priority
from policies.sla.tiers import Tier


class By(StrEnum):
    """Who or what asked for a tier."""

    RULE = "rule"
    TOPIC = "topic"
    CUSTOMER = "customer"
    ROUTE = "route"
    DEFAULT = "default"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class TierWish:
    """One reason for a tier. what: the rule, topic, attribute, route or person."""

    tier: str
    by: By
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The tier, the wish that decided, and every wish that was heard, in order."""

    tier: str
    because: TierWish
    wishes: tuple[TierWish, ...]


def wishes_for(
    tiers: Mapping[str, Tier],
    *,
    at: datetime,
    rules: Sequence[tuple[str, str]] = (),
    topics: Collection[str] = (),
    attributes: Mapping[str, Any] | None = None,
    route: str | None = None,
) -> tuple[TierWish, ...]:
    """
    What a handoff's own facts ask for; the default tier where nothing does.

    rules: (rule id, tier it names) of those that fired. topics, attributes, route: matched with `applies_to`.
    """
    found = [TierWish(tier, By.RULE, rule, at) for rule, tier in rules if tier in tiers]
    for tier in tiers.values():
        applies = tier.applies_to
        found += [TierWish(tier.name, By.TOPIC, topic, at) for topic in sorted(applies.topics & set(topics))]
        for wanted in applies.customers:
            if attributes is not None and all(_same(attributes.get(name), value) for name, value in wanted.items()):
                what = ", ".join(f"{name} {_shown(value)}" for name, value in wanted.items())
                found.append(TierWish(tier.name, By.CUSTOMER, what, at))
        if route in applies.routes:
            found.append(TierWish(tier.name, By.ROUTE, str(route), at))
    default = next((tier for tier in tiers.values() if tier.default), None)
    if not found and default is not None:
        found = [TierWish(default.name, By.DEFAULT, "nothing asked for another", at)]
    return tuple(found)


def choose_tier(tiers: Mapping[str, Tier], wishes: Iterable[TierWish]) -> TierChoice:
    """
    The tier of all wishes so far, whatever order they came in: the newest of people's, else the strictest.

    Raises ValueError when no wish names a tier that there is.
    """
    heard = tuple(wish for wish in sorted(wishes, key=lambda w: w.at) if wish.tier in tiers)
    if not heard:
        raise ValueError("no tier to choose: none of the wishes names one of the policy's tiers")
    people = [wish for wish in heard if wish.by is By.PERSON]
    decided = people[-1] if people else min(heard, key=lambda wish: tiers[wish.tier].strictness)
    return TierChoice(decided.tier, decided, heard)


def tier_for_priority(tiers: Mapping[str, Tier], priority: Priority, current: str) -> str:
    """
    The tier a person means who set this priority on the ticket: the current one if it fits, else the least strict of
    that priority, else of the nearest less urgent one; else the least strict of all.
    """
    if current in tiers and tiers[current].priority is priority:
        return current
    order = list(Priority)
    for wanted in order[order.index(priority) :]:
        fitting = [tier for tier in tiers.values() if tier.priority is wanted]
        if fitting:
            return max(fitting, key=lambda tier: tier.strictness).name
    return max(tiers.values(), key=lambda tier: tier.strictness).name


def _same(value: object, wanted: object) -> bool:
    return value == wanted or (value is not None and str(value).casefold() == str(wanted).casefold())


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
