"""
Calls that come in at the same moment share one transaction. A commit waits for the disk and every statement for the
database; shared by eight calls they cost each an eighth. A call alone waits for nobody: it goes at once, and those that
come meanwhile go together after it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Run: TypeAlias = Callable[[Sequence[T]], Sequence[R]]

log = logging.getLogger(__name__)

MOST = 16  # in one batch


@dataclass(slots=True, eq=False)
class _Place(Generic[T, R]):
    """
    One item in the queue. Woken with a result, with the error of all, to run apart, or with neither: then it is the
    next to lead.
    """

    item: T
    woken: threading.Event = field(default_factory=threading.Event)
    result: R | None = None
    error: Exception | None = None
    apart: bool = False


class Together(Generic[T, R]):
    """
    Runs items from many threads, all that wait at the same time as one batch.

    A batch that fails has done nothing: every item is then run by itself in its own thread, so that an error reaches
    only the call whose error it is. An error that would meet each of them again is raised to all at once instead.

    is_everybodys: whether it is such an error (the database is away).
    """

    def __init__(self, is_everybodys: Callable[[Exception], bool] = lambda error: False) -> None:
        self._is_everybodys = is_everybodys
        self._guard = threading.Lock()
        self._queue: deque[_Place[T, R]] = deque()
        self._led = False  # some thread is running a batch, or about to

    def do(self, item: T, run: Run[T, R]) -> R:
        """
        The result of this item. Raises what `run([item])` raises.

        run: does a whole batch, or raises and has done nothing; the same for every caller, for any of them may lead.
        """
        mine: _Place[T, R] = _Place(item)
        with self._guard:
            self._queue.append(mine)
            follows, self._led = self._led, True
        if follows:
            mine.woken.wait()
        if mine.result is None and mine.error is None and not mine.apart:
            self._lead(run)
        if mine.error is not None:
            raise mine.error
        return run([item])[0] if mine.result is None else mine.result

    def _lead(self, run: Run[T, R]) -> None:
        """Run the batch at the head of the queue, then hand the lead to whoever stands there next."""
        with self._guard:
            batch = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
        try:
            results = run([place.item for place in batch])
            for place, result in zip(batch, results, strict=True):
                place.result = result
        except Exception as error:
            if len(batch) == 1:
                raise
            if self._is_everybodys(error):
                for place in batch:
                    place.error = error
            else:
                log.info("taken_apart", extra={"count": len(batch), "error": type(error).__name__})
        finally:
            with self._guard:
                following = [self._queue[0]] if self._queue else []
                self._led = bool(following)
            for place in batch:
                place.apart = place.result is None and place.error is None
            for place in [*batch, *following]:
                place.woken.set()
