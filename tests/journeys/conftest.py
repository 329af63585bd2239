"""The installations that the journeys share: one on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from journeys_support import DESKS, Installation, installation


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation on each kind of database, shared by the journeys of a module."""
    folder = tmp_path_factory.mktemp("whole")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'baton.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres_database")
    yield from installation(url, folder)


@pytest.fixture
def baton(whole: Installation) -> Installation:
    """The installation with its sandboxes free of faults."""
    for desk in DESKS:
        requests.delete(f"{whole.sandbox(desk)}/_sandbox/faults", timeout=20).raise_for_status()
    return whole
