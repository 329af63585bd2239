"""
Who can take a handoff: teams, their people, and the choice among them. Pure; who is loaded with how much is told.

A team bears the name of a route's destination, so that every route has its people without being told so twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from packets.decision import Seniority
from policies.sla.hours import ALWAYS, Hours
from policies.sla.wall import seconds_of

_RANK = {seniority: rank for rank, seniority in enumerate(Seniority)}


@dataclass(frozen=True, slots=True)
class Member:
    """One person. reach: where to tell them: `slack:U123`. capacity: handoffs at a time. hours None: the team's."""

    name: str
    reach: str
    seniority: Seniority = Seniority.REGULAR
    skills: frozenset[str] = frozenset()
    capacity: int = 3
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """
    How a team calls back: slots of so many seconds, so many at a time, none sooner than `lead` seconds from now.
    organizer: the address that stands on invitations.
    """

    slot: int = 1800
    capacity: int = 1
    lead: int = 3600
    civil: tuple[int, int] = (9 * 60, 20 * 60)  # minutes of the customer's day in which a call is decent
    organizer: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    members: tuple[Member, ...]
    hours: Hours = ALWAYS
    manager: str | None = None
    callbacks: Callbacks | None = None  # None: this team calls nobody back

    def member(self, name: str) -> Member | None:
        return next((member for member in self.members if member.name == name), None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who it should be: at least so senior, with all of these skills, and none of `not_` (declined, asked before)."""

    seniority: Seniority | None = None
    skills: frozenset[str] = frozenset()
    not_: frozenset[str] = frozenset()


def choose(
    team: Team, wanted: Wanted, *, at: datetime, load: Mapping[str, int], up_to: int = 1, or_anyone: bool = False
) -> tuple[Member, ...]:
    """
    Up to so many people who are on duty, free, senior and skilled enough: the least loaded for their capacity first,
    then the least senior who will do, then by name. Nobody: an empty tuple.

    load: handoffs each has now. or_anyone: rather a person who is free without the seniority or the skills than nobody.
    """
    free = [member for member in on_duty(team, at, wanted.not_) if load.get(member.name, 0) < member.capacity]
    fit = [member for member in free if suits(member, wanted)]
    if not fit and or_anyone:
        fit = free
    return tuple(sorted(fit, key=lambda m: (_share(m, load), _RANK[m.seniority], m.name))[:up_to])


def on_duty(team: Team, at: datetime, without: Collection[str] = ()) -> list[Member]:
    second = seconds_of(at)
    return [m for m in team.members if m.name not in without and (m.hours or team.hours).is_open(second)]


def suits(member: Member, wanted: Wanted) -> bool:
    senior = wanted.seniority is None or _RANK[member.seniority] >= _RANK[wanted.seniority]
    return senior and wanted.skills <= member.skills


def room(team: Team, *, at: datetime, load: Mapping[str, int]) -> int:
    """How many more handoffs the people on duty can take now; 0: offer a callback."""
    return sum(max(0, member.capacity - load.get(member.name, 0)) for member in on_duty(team, at))


def is_free_for_more(team: Team, *, at: datetime, load: Mapping[str, int], open_handoffs: int) -> bool:
    """
    Whether one more handoff finds somebody on duty who has room. load: of those whose handoffs are known to be theirs.
    open_handoffs: all the team has; where nobody knows whose they are, they still fill its people's capacity.
    """
    capacity = sum(member.capacity for member in on_duty(team, at))
    return open_handoffs < capacity and room(team, at=at, load=load) > 0


def _share(member: Member, load: Mapping[str, int]) -> Fraction:
    return Fraction(load.get(member.name, 0), member.capacity)
