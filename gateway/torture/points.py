"""
`baton torture points`: every effect of one handoff's whole way, one after the other, ended in every bad way there is.

A first run without harm counts the effects. Then each effect × each way is a run of its own: begin fresh, end that
effect that way, let everything be done that is still to do, and look at what people got.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.torture.bench import Bench, NeverSettled
from gateway.torture.effects import WAYS, Effect, Effects, Way
from gateway.torture.tally import Tally
from gateway.torture.whole import Verdict

MOST_RUNS = 3  # of one point: on a busy machine a call may time out that nobody harmed


class NotRepeatable(Exception):
    """Runs took different ways before anything was harmed, so a point has no certain place."""


@dataclass(frozen=True, slots=True)
class Point:
    """One effect and how it ends; `then` a second one, counted from the first: harm while the first is made good."""

    effect: Effect
    way: Way
    then: tuple[int, Way] | None = None

    def __str__(self) -> str:
        more = f", then {self.then[1].value} {self.then[0]} effects later" if self.then else ""
        return f"{self.effect}: {self.way.value}{more}"

    @property
    def aim(self) -> dict[int, Way]:
        return {self.effect.number: self.way} | ({self.effect.number + self.then[0]: self.then[1]} if self.then else {})


def clean_run(bench: Bench) -> list[Effect]:
    """One run without harm: its effects. Raises NeverSettled if even that does not come to a whole ticket."""
    bench.fresh(Effects())
    bench.play()
    if verdict := bench.verdict():
        raise NeverSettled(f"without any harm: {verdict}")
    return bench.effects.seen


def all_points(effects: Sequence[Effect]) -> list[Point]:
    return [Point(effect, way) for effect in effects for way in WAYS[effect.kind]]


def twice(points: Sequence[Point], count: int, chance: random.Random) -> list[Point]:
    """Points whose recovery is harmed too: `count` of them, drawn by lot."""
    drawn = (chance.choice(points) for _ in range(count))
    return [Point(p.effect, p.way, (chance.randint(1, 12), chance.choice(list(Way)))) for p in drawn]


def torture_points(
    bench: Bench,
    tally: Tally,
    name: str,
    *,
    chance: random.Random,
    most: int | None = None,
    doubles: int = 0,
    told: Callable[[str], None] = lambda line: None,
) -> None:
    """
    Run them all into `tally`; name: of helpdesk and database, for findings.

    most: only so many, drawn by lot. doubles: so many runs more that are harmed twice.
    """
    effects = clean_run(bench)
    points = all_points(effects)
    chosen = points if most is None or most >= len(points) else chance.sample(points, most)
    for point in (*chosen, *twice(points, doubles, chance)):
        verdict = _run(bench, point, effects, tally.seed)
        tally.cases += 1
        tally.accepted += bench.handoff_id is not None
        tally.attempts += bench.attempts()
        tally.take(f"{name}, {point}", verdict)
        if verdict:
            told(f"{name}, {point}: {verdict}")
    tally.notes[name] = f"{len(effects)} effects, {len(chosen)} of {len(points)} points, {doubles} harmed twice"


def _run(bench: Bench, point: Point, clean: Sequence[Effect], seed: int) -> Verdict:
    """Raises NotRepeatable."""
    for _ in range(MOST_RUNS):
        random.seed(seed)  # the jitter of retries
        bench.fresh(Effects(aim=point.aim))
        try:
            bench.play()
            verdict = bench.verdict()
        except NeverSettled as error:
            verdict = Verdict(lost=(str(error),))
        strayed = _strayed(point, bench.effects, clean)
        if strayed is None:
            return verdict
    raise NotRepeatable(f"{point}: {MOST_RUNS} runs went another way before they were harmed: {strayed}")


def _strayed(point: Point, found: Effects, clean: Sequence[Effect]) -> str | None:
    """Where this run left the way of the clean one before its point; None: it did not, and what it shows holds."""
    for seen, expected in zip(found.seen[: point.effect.number], clean, strict=False):
        if seen != expected:
            return f"{seen} instead of {expected}"
    return None if found.hit else "it ended before the point"


def effects_table(effects: Sequence[Effect]) -> Iterator[str]:
    """For people: every effect with the ways it is ended."""
    for effect in effects:
        yield f"{effect}   [{', '.join(way.value for way in WAYS[effect.kind])}]"
