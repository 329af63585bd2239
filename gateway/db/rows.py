"""
Rows that a transaction writes at its end, together: one statement for all rows of a kind, however many calls share the
transaction. Whoever reads what may be waiting here writes it first (`flush`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Executable


def by_source(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """
    (source, key) pairs as source → keys, for one look-up a source: SQLite reads the whole table when it is asked for
    pairs, and goes through the index when it is asked for the keys of one source.
    """
    found: dict[str, list[str]] = {}
    for source, key in keys:
        found.setdefault(source, []).append(key)
    return found


class WaitingRows:
    """One per transaction. Statements run in the order in which each was first used."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._rows: dict[Executable, list[dict[str, Any]]] = {}

    def add(self, statement: Executable, row: dict[str, Any]) -> None:
        """`statement` is one made once and used for every row of its kind."""
        self._rows.setdefault(statement, []).append(row)

    def flush(self) -> None:
        """Write what waits. Raises IntegrityError for whichever row the database refuses."""
        waiting, self._rows = self._rows, {}
        for statement, rows in waiting.items():
            self._db.execute(statement, rows)
