"""One bench per helpdesk on SQLite, made once: a run takes a fifth of a second, reading the policy longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from gateway.torture.bench import Bench, bench
from gateway.torture.scratch import scratch_database


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bench]]:
    """By kind of helpdesk; each is made when first asked for. Only one may be used at a time in a thread."""
    made: dict[str, Bench] = {}
    with ExitStack() as stack:

        def of(kind: str) -> Bench:
            if kind not in made:
                scratch = stack.enter_context(scratch_database(None, tmp_path_factory.mktemp(kind)))
                made[kind] = stack.enter_context(bench(kind, scratch.url, scratch.empty))
            return made[kind]

        yield of
