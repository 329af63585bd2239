"""
A ladder: who is told when a target is missed, step by step, until somebody takes the handoff. Pure stepping.

Given what happened so far, `climb` says what is due now and when to look again; a timer or a retry that comes late asks
again and gets the same answer. A ladder is copied when it begins, so editing one never changes one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from packets.decision import Seniority
from policies.sla.hours import Hours
from policies.sla.wall import instant, seconds_of

BUSINESS, CALENDAR = "business", "calendar"
MOST_ASKED = 5
MOST_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Ask:
    """People to ask at once; the first to accept has it. team None: the handoff's own."""

    team: str | None = None
    up_to: int = MOST_ASKED
    seniority: Seniority | None = None
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """
    What to do `after` seconds since the step before (the first: since the ladder began), in open or in real time.

    notify: channels. reassign: a team. tag_manager: a team whose manager gets a High Priority task; "" = the
    handoff's own. when: `call_missed` = only if a call was. only_when_open: wait for the next opening.
    """

    after: int = 0
    in_: str = BUSINESS
    notify: tuple[str, ...] = ()
    ask: Ask | None = None
    reassign: str | None = None
    tag_manager: str | None = None
    when: str | None = None
    only_when_open: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """warn: channels told of warnings. repeat: how often all steps come again, `repeat_after` seconds after."""

    name: str
    steps: tuple[Step, ...]
    warn: tuple[str, ...] = ()
    repeat: int = 0
    repeat_after: int = 1800
    fallback: str | None = None


class Did(StrEnum):
    """What is recorded of a ladder that runs."""

    DELIVERED = "delivered"  # a step; everything in it was handed to who delivers
    SKIPPED = "skipped"  # a step that reached nobody
    FALLBACK = "fallback"  # nobody was reached at all, the fallback was told
    ACKNOWLEDGED = "acknowledged"
    CLAIMED = "claimed"  # the ticket has an owner, or somebody accepted
    DECLINED = "declined"
    CALL_MISSED = "call_missed"


@dataclass(frozen=True, slots=True)
class Rung:
    """One thing recorded. turn: 0 for the first time through. asked: who was asked; who: who answered."""

    did: Did
    at: datetime
    turn: int = 0
    step: int = 0
    who: str | None = None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Who a step reaches right now. Empty: nobody, the step is skipped."""

    channels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    reassign: str | None = None
    manager: str | None = None

    def __bool__(self) -> bool:
        return bool(self.channels or self.people or self.reassign or self.manager)


@dataclass(frozen=True, slots=True)
class Due:
    """A step to deliver now, or (reach empty) to record as skipped. fallback: told because nobody was reached."""

    turn: int
    step: int
    due_at: datetime
    reach: Reach
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Climb:
    """due: in order; record each before asking again. next_at: when the next step comes. stopped_by: who took it."""

    due: tuple[Due, ...] = ()
    next_at: datetime | None = None
    stopped_by: Rung | None = None
    finished: bool = False


def climb(
    ladder: Ladder,
    *,
    begun_at: datetime,
    hours: Hours,
    rungs: Sequence[Rung],
    reach: Callable[[Step], Reach],
    now: datetime,
) -> Climb:
    """
    What of the ladder is due at `now`. Ask it again at delivery: who accepted meanwhile has stopped it.

    rungs: everything recorded so far. reach: whom a step reaches at `now` (rosters, notifiers that exist).
    A step that reaches nobody is skipped at once, and the time before it is not waited for.
    """
    if taken := accepted(rungs):
        return Climb(stopped_by=taken)
    done = {(r.turn, r.step): r for r in rungs if r.did in (Did.DELIVERED, Did.SKIPPED)}
    due: list[Due] = []
    since = last = seconds_of(begun_at)  # since: the last step that reached somebody; last: the last one at all
    for turn in range(ladder.repeat + 1):
        for i, step in enumerate(ladder.steps):
            if recorded := done.get((turn, i)):
                last = seconds_of(recorded.at)
                since = last if recorded.did is Did.DELIVERED else since
                continue
            again = turn > 0 and i == 0
            at = _due_at(step, last if again else since, step.after + (ladder.repeat_after if again else 0), hours)
            could = reach(step)
            early = at is not None and instant(at) > now
            if early and (again or (could and not _declined_by_all(done, rungs, turn, i))):
                return Climb(tuple(due), instant(at or 0))
            # A condition is asked when its time has come, not before: the call may be missed yet.
            found = could if step.when is None or _call_missed(rungs) else Reach()
            due.append(Due(turn, i, now if at is None or early else instant(at), found))
            if found:
                return Climb(tuple(due))
            last = seconds_of(now)
        if turn == 0 and (told := _fallback(ladder, rungs, now)):
            return Climb((*due, told))
    return Climb(tuple(due), finished=True)


def accepted(rungs: Sequence[Rung]) -> Rung | None:
    """Whoever took it first; who comes later is told who has it. At the same second, the one recorded first."""
    taken = [rung for rung in rungs if rung.did in (Did.ACKNOWLEDGED, Did.CLAIMED)]
    return min(taken, key=lambda rung: rung.at, default=None)


def preview(ladder: Ladder, begun_at: datetime, hours: Hours) -> list[tuple[datetime, int, Step]]:
    """When each step would come if every one reaches somebody and nobody answers: (when, turn, step)."""
    told: list[tuple[datetime, int, Step]] = []
    since = seconds_of(begun_at)
    for turn in range(ladder.repeat + 1):
        for i, step in enumerate(ladder.steps):
            at = _due_at(step, since, step.after + (ladder.repeat_after if turn and i == 0 else 0), hours)
            if at is not None:
                told.append((instant(at), turn, step))
                since = at
    return told


def reaches_somebody(step: Step) -> bool:
    """Whether a step can end in a person being told at all."""
    return bool(step.notify or step.ask or step.tag_manager is not None)


def _due_at(step: Step, since: int, after: int, hours: Hours) -> int | None:
    at = since + after if step.in_ == CALENDAR or after == 0 else hours.add(since, after)
    return hours.next_open(at) if at is not None and step.only_when_open else at


def _call_missed(rungs: Sequence[Rung]) -> bool:
    return any(rung.did is Did.CALL_MISSED for rung in rungs)


def _declined_by_all(done: dict[tuple[int, int], Rung], rungs: Sequence[Rung], turn: int, step: int) -> bool:
    """Everybody whom the last delivered step asked has said no: nothing is waited for."""
    before = [rung for at, rung in sorted(done.items()) if at < (turn, step) and rung.did is Did.DELIVERED]
    if not before or not before[-1].asked:
        return False
    declined = {rung.who for rung in rungs if rung.did is Did.DECLINED and rung.at >= before[-1].at}
    return set(before[-1].asked) <= declined


def _fallback(ladder: Ladder, rungs: Sequence[Rung], now: datetime) -> Due | None:
    """What is told when all steps have been tried once and reached nobody."""
    reached = any(rung.did in (Did.DELIVERED, Did.FALLBACK) for rung in rungs)
    if reached or ladder.fallback is None:
        return None
    return Due(0, len(ladder.steps), now, Reach((ladder.fallback,)), ladder.fallback)
