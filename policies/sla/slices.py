"""
A cycle cut into slices, each under the same terms and the same waiting: what of one counts, when so many seconds have
counted, and where a pause has lasted too long. Cutting them is `fold.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.sla.clock import Slice
from policies.sla.terms import Terms
from policies.sla.tiers import SOLVED_PAUSE


def reach(slices: Sequence[Slice], counts: Sequence[int], seconds: int) -> int | None:
    """The first instant with so many counted seconds before it; None: not without something being resumed, or never."""
    left = seconds
    for piece, seconds_in in zip(slices[:-1], counts, strict=True):
        if seconds_in >= left:
            return piece.hours.add(piece.start, left)
        left -= seconds_in
    # The last one is taken as going on even when the clock was stopped in it: due is when it would have been due.
    last = slices[-1]
    return None if last.paused_by else last.hours.add(last.start, left)


def counted(piece: Slice, until: int | None = None) -> int:
    """Open seconds of a slice, up to its end or an earlier instant."""
    ends = [at for at in (piece.end, until) if at is not None]
    return 0 if piece.paused_by or not ends else piece.hours.elapsed(piece.start, min(ends))


def with_longest_pause(slices: list[Slice], terms: Terms) -> list[Slice]:
    """A pause that lasted longer than it may is over, as far as the clock is concerned."""
    if terms.target.max_pause is None or terms.target.on_max_pause != "resume":
        return slices
    made: list[Slice] = []
    ends: int | None = None
    paused = False
    for piece in slices:
        if not piece.paused_by or SOLVED_PAUSE in piece.paused_by:
            paused = False
            made.append(piece)
            continue
        if not paused:
            ends, paused = piece.hours.add(piece.start, terms.target.max_pause.seconds), True
        made += _split(piece, ends)
    return made


def _split(piece: Slice, at: int | None) -> list[Slice]:
    if at is None or (piece.end is not None and piece.end <= at):
        return [piece]
    resumed = Slice(max(at, piece.start), piece.end, piece.hours, frozenset(), "max_pause")
    return [resumed] if at <= piece.start else [Slice(piece.start, at, piece.hours, piece.paused_by), resumed]
