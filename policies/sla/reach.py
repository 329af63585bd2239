"""Whom a step of a ladder reaches right now: the rosters, who is on duty and free, and the channels there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from packets.decision import Seniority
from policies.sla.ladder import Did, Reach, Rung, Step
from policies.sla.roster import Team, Wanted, choose

_RANK = list(Seniority)


def reach_of(
    step: Step,
    *,
    rosters: Mapping[str, Team],
    own_team: str,
    wanted: Wanted,
    rungs: Iterable[Rung],
    load: Mapping[str, int],
    has_channel: Callable[[str], bool],
    at: datetime,
) -> Reach:
    """
    own_team: the destination of the handoff's route. wanted: what the handoff itself asks for (a decision's seniority);
    a step may ask for more. Who has declined is not asked again. has_channel: whether a notifier is configured for it.
    """
    people: tuple[str, ...] = ()
    team = rosters.get(step.ask.team or own_team) if step.ask else None
    if step.ask and team:
        declined = frozenset(rung.who for rung in rungs if rung.did is Did.DECLINED and rung.who)
        more = Wanted(
            seniority=_higher(wanted.seniority, step.ask.seniority),
            skills=wanted.skills | step.ask.skills,
            not_=wanted.not_ | declined,
        )
        people = tuple(m.name for m in choose(team, more, at=at, load=load, up_to=step.ask.up_to))
    managed = rosters.get(step.tag_manager or own_team) if step.tag_manager is not None else None
    return Reach(
        channels=tuple(channel for channel in step.notify if has_channel(channel)),
        people=people,
        reassign=step.reassign,
        manager=managed.manager if managed else None,
    )


def _higher(one: Seniority | None, other: Seniority | None) -> Seniority | None:
    return max((seniority for seniority in (one, other) if seniority), key=_RANK.index, default=None)
