"""
Many conversations judged over several processes, in the order of the corpus whatever the number of processes.

Processes are spawned, not forked: each loads the policies anew from their texts. At most a few chunks are under way, so
memory does not grow with the corpus.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from policies.corpus import Entry, read
from policies.load import policy_from_files
from policies.model import PolicySet
from policies.replay import Verdict, verdicts

CHUNK = 50  # conversations handed to a process at once
AHEAD = 3  # chunks under way for each process

Judged = tuple[int, tuple[Verdict, ...]]  # the entry's size, and one verdict for each policy


def judged(entries: Iterable[Entry], policies: Sequence[PolicySet], *, jobs: int) -> Generator[Judged]:
    """
    What each policy makes of each conversation, in order.

    raises: CorpusError at the first entry that cannot be read; what stands before it has been given by then.
    """
    if jobs <= 1:
        for entry in entries:
            yield entry.size, verdicts(read(entry), policies)
        return
    files = [policy.files for policy in policies]
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(files,))
    try:
        yield from _in_order(pool, iter(entries), jobs * AHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(pool: ProcessPoolExecutor, entries: Iterator[Entry], ahead: int) -> Iterator[Judged]:
    waiting: deque[Future[tuple[list[Judged], Exception | None]]] = deque()
    while True:
        while len(waiting) < ahead and (chunk := list(islice(entries, CHUNK))):
            waiting.append(pool.submit(_work, chunk))
        if not waiting:
            return
        done, error = waiting.popleft().result()
        yield from done
        if error is not None:
            raise error


_policies: tuple[PolicySet, ...] = ()  # of this worker process


def _start(files: Sequence[Mapping[str, str]]) -> None:
    global _policies
    _policies = tuple(policy_from_files(texts) for texts in files)


def _work(chunk: Sequence[Entry]) -> tuple[list[Judged], Exception | None]:
    """The verdicts up to the first entry that cannot be read, and what was wrong with it."""
    done: list[Judged] = []
    try:
        for entry in chunk:
            done.append((entry.size, verdicts(read(entry), _policies)))
    except Exception as error:
        return done, error
    return done, None
