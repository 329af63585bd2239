"""
`sysparm_query`, with the trap left in: a condition on a field that does not exist is dropped, and the query runs
without it, so a misspelt field answers with every row.
source: ServiceNow documentation, "Table API" (sysparm_query) and "Operators available for filters", read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

Row = Mapping[str, str]
Test = Callable[[str, str], bool]

# Longest first: `>=` must not be read as `>`.
OPERATORS: Final[Mapping[str, Test]] = {
    "ISNOTEMPTY": lambda actual, _: actual != "",
    "ISEMPTY": lambda actual, _: actual == "",
    "STARTSWITH": lambda actual, wanted: actual.casefold().startswith(wanted.casefold()),
    "ENDSWITH": lambda actual, wanted: actual.casefold().endswith(wanted.casefold()),
    "LIKE": lambda actual, wanted: wanted.casefold() in actual.casefold(),
    "IN": lambda actual, wanted: actual in wanted.split(","),
    "!=": lambda actual, wanted: actual != wanted,
    ">=": lambda actual, wanted: actual >= wanted,
    "<=": lambda actual, wanted: actual <= wanted,
    "=": lambda actual, wanted: actual.casefold() == wanted.casefold(),
    ">": lambda actual, wanted: actual > wanted,
    "<": lambda actual, wanted: actual < wanted,
}
CONDITION: Final = re.compile(r"([a-z_0-9.]+)(" + "|".join(map(re.escape, OPERATORS)) + r")(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """One readable part of a query."""

    field: str
    operator: str
    value: str

    def holds(self, row: Row) -> bool:
        """Whether this row passes."""
        return OPERATORS[self.operator](row.get(self.field, ""), self.value)


@dataclass(frozen=True, slots=True)
class Query:
    """
    groups: one of them must hold (^NQ); inside a group all of the alternatives (^), of which each is a choice (^OR).
    order: (field, descending), most important first.
    """

    groups: tuple[tuple[tuple[Condition, ...], ...], ...]
    order: tuple[tuple[str, bool], ...]

    def keys_of(self, field: str) -> str | None:
        """The value `field` must equal in every case, for a look-up by index."""
        if len(self.groups) != 1:
            return None
        for choice in self.groups[0]:
            if len(choice) == 1 and choice[0].field == field and choice[0].operator == "=":
                return choice[0].value
        return None

    def run(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that pass, in order."""
        found = [row for row in rows if self._holds(row)]
        for field, descending in reversed(self.order):
            found.sort(key=lambda row: row.get(field, ""), reverse=descending)
        return found

    def _holds(self, row: Row) -> bool:
        return any(all(any(one.holds(row) for one in choice) for choice in group) for group in self.groups)


def parse(text: str, columns: Collection[str]) -> Query:
    """Read a query for a table with these columns. What cannot be read is dropped without a word."""
    order: list[tuple[str, bool]] = []
    groups = []
    for part in text.split("^NQ"):
        choices: list[tuple[Condition, ...]] = []
        for term in part.split("^"):
            if term.startswith("ORDERBY"):
                field = term.removeprefix("ORDERBYDESC").removeprefix("ORDERBY")
                order += [(field, term.startswith("ORDERBYDESC"))] if field in columns else []
                continue
            is_alternative = term.startswith("OR") and bool(choices)
            condition = _condition(term[2:] if is_alternative else term, columns)
            if condition is None:
                continue
            if is_alternative:
                choices[-1] = (*choices[-1], condition)
            else:
                choices.append((condition,))
        groups.append(tuple(choices))
    return Query(tuple(groups), tuple(order))


def _condition(term: str, columns: Collection[str]) -> Condition | None:
    match = CONDITION.fullmatch(term)
    if match is None or match.group(1) not in columns:
        return None
    return Condition(*match.groups())
