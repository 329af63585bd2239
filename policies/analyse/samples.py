"""
Which values of a signal are worth trying: finitely many, so that rules can be compared by trying them all.

For each condition: the arguments of all its uses in the policy → independent axes, each a list of values as `given:` of
a test takes them. They must reach every combination of answers the uses can give; "nothing given" is tried always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

from packets.conversation import RECENT_TURNS

Uses = Sequence[tuple[Any, ...]]
Axes = list[list[Any]]


def _topics(uses: Uses) -> Axes:
    return [[label] for label in sorted({label for (label,) in uses})]


def _once(uses: Uses) -> Axes:
    return [sorted({word for (word,) in uses})]


def _unmatched(uses: Uses) -> Axes:
    return [_around(times for (times,) in uses)]


def _around(limits: Iterable[int]) -> list[int]:
    """Just below and just at each limit; 0 is what nothing given means."""
    return sorted({n for limit in limits for n in (limit - 1, limit) if n > 0})


def _confidences(uses: Uses) -> Axes:
    """
    Sequences told apart by how many of the newest turns lie below each threshold. A turn below a low threshold lies
    below a higher one, too, so these runs grow with the threshold; no more turns are kept than RECENT_TURNS.
    """
    limits = sorted({below for below, _ in uses})
    runs = sorted({0, *(min(n, RECENT_TURNS) for _, newest in uses for n in (newest - 1, newest))})
    return [[_sequence(limits, chain) for chain in _growing(limits, runs, 0)]]


def _growing(limits: Sequence[float], runs: Sequence[int], least: int) -> Iterator[tuple[int, ...]]:
    if not limits:
        yield ()
        return
    for run in runs:
        if run >= least and (limits[0] > 0 or run == 0):  # nothing is below 0
            yield from ((run, *rest) for rest in _growing(limits[1:], runs, run))


def _sequence(limits: Sequence[float], chain: tuple[int, ...]) -> list[float]:
    newest_first: list[float] = []
    for i, run in enumerate(chain):
        newest_first += [limits[i - 1] if i else 0.0] * (run - len(newest_first))
    if len(newest_first) < RECENT_TURNS:
        newest_first.append(limits[-1])
    return newest_first[::-1]


def _tasks(uses: Uses) -> Axes:
    """Failures of one task and of several: told apart by the worst and by the sum."""
    worst = {1, *_around(times for times, same in uses if same)}
    sums = {*worst, *_around(times for times, same in uses if not same)}
    return [[_split(total, most) for most in sorted(worst) for total in sorted(sums) if total >= most]]


def _split(total: int, most: int) -> dict[str, int]:
    parts = [most] * (total // most) + ([total % most] if total % most else [])
    return {f"task_{i}" if i > 1 else "task": n for i, n in enumerate(parts, start=1)}


SAMPLES: Mapping[str, Callable[[Uses], Axes]] = {
    "topic": _topics,
    "customer_asked_for": _once,
    "bot_asked_for": _once,
    "unmatched": _unmatched,
    "bot_confidence": _confidences,
    "task_failed": _tasks,
}


def guesses(uses: Uses) -> list[Any]:
    """
    For a condition not listed above: values made of its own arguments. What the condition does not take is dropped by
    the caller; a use that no guess makes hold counts as one that may hold or not.
    """
    found: list[Any] = [True]
    for use in uses:
        found += [value for argument in use for value in _near(argument)]
        found += [value for one, other in permutations(use, 2) for value in _joint(one, other)]
    return [value for i, value in enumerate(found) if value not in found[:i]]


def _joint(one: Any, other: Any) -> list[Any]:
    """A name and what it stands at; a value and how many turns in a row."""
    if isinstance(one, str):
        return [{one: value} for value in ([other, not other] if isinstance(other, bool) else _near(other))]
    if isinstance(one, float) and isinstance(other, int) and not isinstance(other, bool):
        return [[value] * times for value in _near(one) for times in (other - 1, other) if 0 < times <= RECENT_TURNS]
    return []


def _near(argument: Any) -> list[Any]:
    if isinstance(argument, bool) or argument is None:
        return []
    if isinstance(argument, int):
        return [n for n in (argument - 1, argument, argument + 1) if n >= 0]
    if isinstance(argument, float):
        return [argument - 0.01, argument, argument + 0.01]
    if isinstance(argument, timedelta):
        seconds = int(argument.total_seconds())
        return [f"{s}s" for s in (seconds - 1, seconds, seconds + 1) if s > 0]
    if isinstance(argument, str):
        return [argument, [argument]]
    if isinstance(argument, tuple | list | frozenset | set):
        return [value for item in argument for value in _near(item)]
    return []
