"""Calls that wait at the same time are run as one batch; what goes wrong in it reaches only its own call."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.intake.together import MOST, Together


class Bench:
    """Runs batches of numbers, doubled; the first batch stays in hand until let go."""

    def __init__(self, *, bad=(), is_everybodys=lambda error: False):
        self.together = Together(is_everybodys)
        self.bad = set(bad)
        self.batches = []
        self.first_runs = threading.Event()
        self.let_go = threading.Event()

    def run(self, items):
        self.batches.append(list(items))
        if len(self.batches) == 1:
            self.first_runs.set()
            assert self.let_go.wait(5)
        if self.bad & set(items):
            raise ValueError(sorted(self.bad & set(items)))
        return [2 * item for item in items]

    def do(self, item):
        return self.together.do(item, self.run)

    def all_at_once(self, items):
        """The first item alone; the others queue up behind it. Returns their futures, all finished."""
        first, *others = items
        with ThreadPoolExecutor(len(items)) as pool:
            futures = [pool.submit(self.do, first)]
            assert self.first_runs.wait(5)
            futures += [pool.submit(self.do, item) for item in others]
            for _ in range(5000):
                if len(self.together._queue) == len(others):
                    break
                time.sleep(0.001)
            self.let_go.set()
        return futures


def test_a_call_alone_goes_at_once():
    bench = Bench()
    bench.let_go.set()

    assert bench.do(4) == 8
    assert bench.do(5) == 10
    assert bench.batches == [[4], [5]]


def test_calls_that_come_meanwhile_go_together_and_each_gets_its_own_result():
    bench = Bench()

    futures = bench.all_at_once([1, 2, 3, 4, 5])

    assert [f.result() for f in futures] == [2, 4, 6, 8, 10]
    assert [sorted(batch) for batch in bench.batches] == [[1], [2, 3, 4, 5]]


def test_a_batch_has_a_largest_size_and_nobody_is_left_behind():
    bench = Bench()
    items = list(range(2 * MOST))

    futures = bench.all_at_once(items)

    assert [f.result() for f in futures] == [2 * item for item in items]
    assert [len(batch) for batch in bench.batches] == [1, MOST, MOST - 1]


def test_when_a_batch_fails_only_the_call_at_fault_sees_an_error():
    bench = Bench(bad=[3])

    futures = bench.all_at_once([1, 2, 3, 4])

    assert [f.result() for f in futures if f.exception() is None] == [2, 4, 8]
    with pytest.raises(ValueError, match="3"):
        futures[2].result()
    assert sorted(bench.batches[2:]) == [[2], [3], [4]]


def test_an_error_of_a_call_alone_is_raised_to_it_without_a_second_try():
    bench = Bench(bad=[7])
    bench.let_go.set()

    with pytest.raises(ValueError, match="7"):
        bench.do(7)

    assert bench.batches == [[7]]
    assert bench.do(8) == 16


def test_an_error_that_would_meet_everybody_again_is_told_to_all_at_once():
    bench = Bench(bad=[3], is_everybodys=lambda error: isinstance(error, ValueError))

    futures = bench.all_at_once([1, 2, 3, 4])

    assert futures[0].result() == 2
    assert [type(f.exception()) for f in futures[1:]] == [ValueError] * 3
    assert bench.batches == [[1], [2, 3, 4]]
    assert bench.do(8) == 16
