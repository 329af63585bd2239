"""
Which values of a signal are worth trying: finitely many, so that rules can be compared by trying them all.

For each condition: the arguments of all its uses in the policy → independent axes, each a list of values as `given:` of
a test takes them. They must reach every combination of answers the uses can give; "nothing given" is tried always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import combinations, permutations, product
from typing import Any

from packets.conversation import RECENT_TURNS
from packets.event import Channel
from policies.analyse.globs import telling_texts

Uses = Sequence[tuple[Any, ...]]
Axes = list[list[Any]]

MOST_COURSES = 800  # of anger over several turns
MOST_IGNORED = 6  # names that uses of distinct_problems ignore


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
    return _runs(uses, least=0.0)


def _sentiments(uses: Uses) -> Axes:
    return _runs(uses, least=-1.0)


def _runs(uses: Uses, least: float) -> Axes:
    """
    Sequences told apart by how many of the newest turns lie below each threshold. A turn below a low threshold lies
    below a higher one, too, so these runs grow with the threshold; no more turns are kept than RECENT_TURNS.
    """
    limits = sorted({below for below, _ in uses})
    runs = sorted({0, *(min(n, RECENT_TURNS) for _, newest in uses for n in (newest - 1, newest))})
    return [[_sequence(limits, chain, least) for chain in _growing(limits, runs, 0, least)]]


def _growing(limits: Sequence[float], runs: Sequence[int], shortest: int, least: float) -> Iterator[tuple[int, ...]]:
    if not limits:
        yield ()
        return
    for run in runs:
        if run >= shortest and (limits[0] > least or run == 0):  # nothing is below the least
            yield from ((run, *rest) for rest in _growing(limits[1:], runs, run, least))


def _sequence(limits: Sequence[float], chain: tuple[int, ...], least: float) -> list[float]:
    newest_first: list[float] = []
    for i, run in enumerate(chain):
        newest_first += [limits[i - 1] if i else least] * (run - len(newest_first))
    if len(newest_first) < RECENT_TURNS:
        newest_first.append(limits[-1])
    return newest_first[::-1]


def _angers(uses: Uses) -> Axes:
    """Every course of as many turns as are looked at, at the levels that matter; if that is too many, only runs."""
    levels, newest = sorted({0.0, *(at for at, _, _ in uses)}), max(of or times for _, times, of in uses)
    if len(levels) ** newest <= MOST_COURSES:
        return [[list(course) for course in product(levels, repeat=newest) if any(course)]]
    return [[[0.0] * (newest - run) + [level] * run for level in levels[1:] for run in range(1, newest + 1)]]


def _tasks(uses: Uses) -> Axes:
    """Failures of one task and of several: told apart by the worst and by the sum."""
    worst = {1, *_around(times for times, same in uses if same)}
    sums = {*worst, *_around(times for times, same in uses if not same)}
    return [[_split(total, most) for most in sorted(worst) for total in sorted(sums) if total >= most]]


def _split(total: int, most: int) -> dict[str, int]:
    parts = [most] * (total // most) + ([total % most] if total % most else [])
    return {f"task_{i}" if i > 1 else "task": n for i, n in enumerate(parts, start=1)}


def _voices(uses: Uses) -> Axes:
    loud = sorted({use[0] for use in uses if use[0] is not None})
    low = sorted({use[1] for use in uses if use[1] is not None})
    parts = {
        "loudness": [None, *({*loud, 1.0} if loud else ())],
        "tone_score": [None, *({*low, -1.0} if low else ())],
        "raised_voice": [None, *([True, False] if any(use[2] is not None for use in uses) else ())],
    }
    return [_together(parts)]


def _loops(uses: Uses) -> Axes:
    kinds = {same: [None, *_around(times for kind, times in uses if kind == same)] for same, _ in uses}
    return [_together(kinds)]


def _together(parts: Mapping[str, Sequence[Any]]) -> list[Any]:
    """All combinations of what is given side by side in one value; None is left out."""
    ways = ({n: v for n, v in zip(parts, way, strict=True) if v is not None} for way in product(*parts.values()))
    return [way for way in ways if way]


def _problems(uses: Uses) -> Axes:
    """So many matters of their own, beside any of those that some use ignores."""
    ignored = sorted({name for _, names in uses for name in names})[:MOST_IGNORED]
    counts = sorted({0, *_around(more + 1 for more, _ in uses)})
    some = [list(names) for n in range(len(ignored) + 1) for names in combinations(ignored, n)]
    ways = ([*(f"matter_{i + 1}" for i in range(count)), *names] for names in some for count in counts)
    return [[way for way in ways if way]]


def _durations(uses: Uses) -> Axes:
    return [[f"{int(limit.total_seconds()) + 1}s" for (limit,) in sorted(set(uses))]]


def _turns(uses: Uses) -> Axes:
    return [sorted({more + 1 for (more,) in uses})]


def _attributes(uses: Uses) -> Axes:
    return _named([(name, wanted, above) for name, wanted, above in uses])


def _fields(uses: Uses) -> Axes:
    return _named([(name, wanted, above) for name, wanted, above, _ in uses])


def _named(uses: Uses) -> Axes:
    """For each name what it is compared with, numbers at and above each limit, and something else."""
    axes = []
    for name in sorted({name for name, _, _ in uses}):
        wanted = [value for n, value, _ in uses if n == name and value is not None]
        limits = sorted({limit for n, _, limit in uses if n == name and limit is not None})
        numbers = [*limits, limits[-1] + 1] if limits else []
        axes.append([{name: value} for value in _once_each([*wanted, *numbers, "something else"])])
    return axes


def _once_each(values: Sequence[Any]) -> list[Any]:
    """true and 1 are two things here."""
    return list({(type(value).__name__, value): value for value in values}.values())


def _channels(uses: Uses) -> Axes:
    named = sorted({name for (name,) in uses})
    return [[*named, *[c.value for c in Channel if c.value not in named][:1]]]


def _languages(uses: Uses) -> Axes:
    return [[*sorted({name for (name,) in uses}), "xx"]]


def _patterns(uses: Uses) -> Axes:
    return [telling_texts(sorted({pattern for (pattern,) in uses}))]


def _steps(uses: Uses) -> Axes:
    """Left at each step, or silent there for long enough."""
    left: list[Any] = sorted({step for step, _ in uses})
    silent = sorted({(step, _seconds(wait)) for step, wait in uses if wait is not None})
    return [[*left, *({"step": step, "silent_for": wait} for step, wait in silent), "another step"]]


def _silences(uses: Uses) -> Axes:
    return [[_seconds(wait) for (wait,) in sorted(set(uses))]]


def _contacts(uses: Uses) -> Axes:
    """So many earlier contacts, each just inside a window."""
    counts = _around(times for _, times in uses)
    return [[[_seconds(within)] * n for within in sorted({within for within, _ in uses}) for n in counts]]


def _seconds(wait: timedelta) -> str:
    return f"{int(wait.total_seconds())}s"


def _happened(uses: Uses) -> Axes:
    return [[True]]


def _capabilities(uses: Uses) -> Axes:
    """Several scenarios may be asked for at once: an axis for each level, with the attempts that matter."""
    attempts: dict[str, set[int]] = {}
    for (asked,) in uses:
        attempts.setdefault(asked.level.value, {0}).add(asked.attempts)
    return [
        [{"level": level, "attempts": n} if n else level for n in sorted(tried)] for level, tried in attempts.items()
    ]


SAMPLES: Mapping[str, Callable[[Uses], Axes]] = {
    "anger": _angers,
    "bot_asked_for": _once,
    "bot_confidence": _confidences,
    "bot_error": _happened,
    "bot_silent": _silences,
    "bot_version": _patterns,
    "capability": _capabilities,
    "channel": _channels,
    "customer": _attributes,
    "customer_asked_for": _once,
    "customer_silent": _silences,
    "distinct_problems": _problems,
    "duration": _durations,
    "ended_after": _steps,
    "field": _fields,
    "language": _languages,
    "loop": _loops,
    "promise_unkept": _silences,
    "remembered": _once,
    "repeat_contact": _contacts,
    "sentiment": _sentiments,
    "source": _patterns,
    "task_failed": _tasks,
    "topic": _topics,
    "transfer_failed": _happened,
    "turns": _turns,
    "unanswered": _unmatched,
    "unmatched": _unmatched,
    "unscanned_language": _happened,
    "vendor_silent": _happened,
    "voice": _voices,
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
