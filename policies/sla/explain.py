"""
Why a clock shows its value: every stretch of it, running, paused or closed, with its cause and seconds; and the sum.

`explain` is data for programs, `explanation_text` the same for people. Both come from the fold alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from policies.sla.clock import Cycle, Slice
from policies.sla.tiers import SOLVED_PAUSE
from policies.sla.units import show_duration
from policies.sla.wall import instant, seconds_of

RUNNING, PAUSED, CLOSED = "running", "paused", "closed"


@dataclass(frozen=True, slots=True)
class ExplainedStretch:
    """One stretch. seconds: its length in real time; counted: those of it that count. calendar: names and versions."""

    starts_at: datetime
    ends_at: datetime
    kind: str
    cause: str
    seconds: int
    counted: int
    calendar: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    One cycle of one clock. The stretches lie without gaps from its start to its stop (or now), and their counted
    seconds sum to elapsed_seconds.
    """

    metric: str
    cycle: int
    tier: str
    policy: str
    calendar: str
    zone: str
    zone_source: str
    state: str
    version: int
    target: str
    target_seconds: int | None
    elapsed_seconds: int
    due_at: datetime | None
    due_if_resumed_now: datetime | None
    breached_at: datetime | None
    breach_cause: str | None
    stretches: tuple[ExplainedStretch, ...]


def explain(cycle: Cycle, *, now: datetime) -> Explanation:
    terms, breach = cycle.terms, cycle.breach
    until = seconds_of(cycle.stopped_at or now)
    return Explanation(
        metric=terms.target.metric,
        cycle=cycle.number,
        tier=terms.tier,
        policy=terms.policy,
        calendar=terms.hours.version,
        zone=terms.hours.zone,
        zone_source=terms.zone_source,
        state=cycle.state.value,
        version=cycle.version,
        target=str(terms.target.within),
        target_seconds=cycle.target_seconds,
        elapsed_seconds=cycle.elapsed_seconds,
        due_at=cycle.due_at,
        due_if_resumed_now=cycle.due_if_resumed_now,
        breached_at=breach.breached_at if breach else None,
        breach_cause=breach.cause if breach else None,
        stretches=tuple(stretch for piece in cycle.slices for stretch in _stretches(piece, until)),
    )


def explanation_text(told: Explanation) -> str:
    """
    For people; times in the calendar's zone.

        first_human_response, tier short: running, 45m of 1h
          Fri 4 Jun 2027 16:30:00 EDT  running      30m
          Fri 4 Jun 2027 17:00:00 EDT  closed   64h       outside ny_support@…
    """
    target = "?" if told.target_seconds is None else _length(told.target_seconds)
    measured = f"{_length(told.elapsed_seconds)} of {target}"
    lines = [
        f"{told.metric}, cycle {told.cycle}, tier {told.tier}: {told.state}, {measured}",
        f"  policy {told.policy or '?'} · calendar {told.calendar} · zone {told.zone} ({told.zone_source})",
    ]
    rows = [
        (
            _moment(s.starts_at, told.zone),
            s.kind,
            _length(s.seconds),
            f"+ {_length(s.counted)}" if s.counted else "",
            s.cause,
        )
        for s in told.stretches
    ]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    for row in rows:
        cells = (
            row[0].ljust(widths[0]),
            row[1].ljust(widths[1]),
            row[2].rjust(widths[2]),
            row[3].ljust(widths[3]),
            row[4],
        )
        lines.append(f"  {'  '.join(cells)}".rstrip())
    lines.append(f"  sum {measured}" + _ending(told))
    return "\n".join(lines)


def _ending(told: Explanation) -> str:
    if told.due_at is None:
        if told.due_if_resumed_now is None:
            return ", no due time"
        return f", paused; resumed now it would be due {_moment(told.due_if_resumed_now, told.zone)}"
    text = f", due {_moment(told.due_at, told.zone)}"
    if told.breached_at is not None:
        text += f", missed {_moment(told.breached_at, told.zone)} ({told.breach_cause})"
    return text


def _stretches(piece: Slice, until: int) -> Iterator[ExplainedStretch]:
    """A slice cut where its calendar opens and closes. What is paused is not cut: nothing of it counts."""
    end = until if piece.end is None else min(piece.end, until)
    if end <= piece.start:
        return
    if piece.paused_by:
        yield _told(piece, piece.start, end, PAUSED, _because(piece))
        return
    at = piece.start
    for opening, close in piece.hours.windows(piece.start, end):
        if opening > at:
            yield _told(piece, at, opening, CLOSED, "outside hours")
        yield _told(piece, opening, close, RUNNING, "the longest pause is over" if piece.note == "max_pause" else "")
        at = close
    if at < end:
        yield _told(piece, at, end, CLOSED, "outside hours")


def _told(piece: Slice, start: int, end: int, kind: str, cause: str) -> ExplainedStretch:
    counted = end - start if kind == RUNNING else 0
    return ExplainedStretch(instant(start), instant(end), kind, cause, end - start, counted, piece.hours.version)


def _because(piece: Slice) -> str:
    words = {SOLVED_PAUSE: "solved, and opened again later"}
    return ", ".join(words.get(reason, reason.replace("_", " ")) for reason in sorted(piece.paused_by))


def _length(seconds: int) -> str:
    sign = "-" if seconds < 0 else ""
    return sign + show_duration(timedelta(seconds=abs(seconds)))


def _moment(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S %Z}"
