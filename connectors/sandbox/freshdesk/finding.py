"""
Two finders: the list reads the store at once, search reads an index that lags and has a small query language.
source: Freshdesk API v2, "List all tickets" and "Filter tickets" as quoted by third parties, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, json_answer
from connectors.sandbox.freshdesk import refusals
from connectors.sandbox.freshdesk.account import Account, Ticket, stamp
from connectors.sandbox.freshdesk.refusals import Problem

LIST_KEYS: Final = frozenset(
    (
        *("email", "requester_id", "unique_external_id", "company_id", "updated_since", "filter", "include"),
        *("order_by", "order_type", "page", "per_page"),
    )
)
ORDERS: Final = ("created_at", "due_by", "updated_at", "status")
QUERY_LIMIT: Final = 512  # characters


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list is asked for."""

    requester: tuple[str, str] | None
    updated_since: datetime | None
    created_since: datetime | None
    order_by: str
    descending: bool
    page: int
    per_page: int
    include: set[str] = field(default_factory=set)


def list_query(request: Request, now: datetime) -> ListQuery:
    """Read and check the arguments; without `updated_since` only the last 30 days are listed."""
    arguments = request.args
    unknown = [key for key in arguments if key not in LIST_KEYS]
    if unknown:
        raise refusals.invalid(
            [Problem(key, "Unexpected/invalid field in request", "invalid_field") for key in unknown]
        )
    since = _time(arguments.get("updated_since"))
    order_by = arguments.get("order_by", "created_at")
    if order_by not in ORDERS:
        raise refusals.invalid([Problem("order_by", f"It should be one of these values: '{','.join(ORDERS)}'")])
    who = next(
        ((key, arguments[key]) for key in ("email", "requester_id", "unique_external_id") if key in arguments), None
    )
    return ListQuery(
        requester=who,
        updated_since=since,
        created_since=now - timedelta(days=30) if since is None else None,
        order_by=order_by,
        descending=arguments.get("order_type", "desc") != "asc",
        page=page_number(request),
        per_page=page_size(request),
        include=set(filter(None, arguments.get("include", "").split(","))),
    )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        message = "It should be in the combined date and time ISO8601 format"
        raise refusals.invalid([Problem("updated_since", message)]) from error


def listed(account: Account, query: ListQuery, unknown_contact_is_400: bool) -> list[Ticket]:
    """The tickets asked for, in order."""
    tickets = list(account.tickets.values())
    if query.requester is not None:
        key, value = query.requester
        contact = account.contact("id" if key == "requester_id" else key, value)
        if contact is None and unknown_contact_is_400:
            raise refusals.invalid([Problem(key, f"There is no contact matching the given {key}")])
        own = account.by_requester.get(contact["id"], []) if contact else []
        tickets = [account.tickets[ticket_id] for ticket_id in own]
    if query.updated_since is not None:
        since = stamp(query.updated_since)  # whole seconds, as the stored times are
        tickets = [ticket for ticket in tickets if ticket.values["updated_at"] >= since]
    if query.created_since is not None:
        tickets = [ticket for ticket in tickets if ticket.created_at >= query.created_since]
    tickets.sort(key=lambda t: (str(t.values[query.order_by] or ""), t.values["id"]), reverse=query.descending)
    return tickets


def page_number(request: Request, most: int = 300) -> int:
    """The page asked for, from 1."""
    return _number(request, "page", 1, most)


def page_size(request: Request) -> int:
    """Rows to a page: 30 unless asked otherwise, at most 100."""
    return _number(request, "per_page", 30, 100)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= most:
        message = f"It should be a Positive Integer less than or equal to {most}"
        raise refusals.invalid([Problem(name, message)])
    return int(text)


def page_answer(request: Request, rows: Sequence[Any], page: int, per_page: int) -> Response:
    """One page as a bare list; a Link header when there is another."""
    start = (page - 1) * per_page
    headers = {}
    if start + per_page < len(rows):
        query = urlencode({**request.args.to_dict(), "page": str(page + 1)})
        headers["Link"] = f'<{request.base}{request.path}?{query}>; rel="next"'
    return json_answer(list(rows[start : start + per_page]), 200, headers)


# The query language: (priority:4 OR cf_x:'a') AND created_at:>'2026-01-01'

TOKEN: Final = re.compile(r"\s*(\(|\)|AND\b|OR\b|([a-z_0-9]+):([<>]?)('(?:[^'\\]|\\.)*'|[^\s()]+))", re.IGNORECASE)
SEARCHABLE: Final = ("status", "priority", "type", "group_id", "tag", "created_at", "updated_at", "due_by")
Test = Callable[[Ticket], bool]


def search(tickets: Sequence[Ticket], query: str, account: Account) -> list[Ticket]:
    """Every ticket the query holds for. The double quotes are part of the parameter."""
    if len(query) > QUERY_LIMIT:
        raise refusals.invalid(
            [Problem("query", f"Has {len(query)} characters, it can have maximum of {QUERY_LIMIT} characters")]
        )
    if len(query) < 2 or query[0] != '"' or query[-1] != '"':
        raise refusals.invalid([Problem("query", "Given query is invalid")])
    test = _Parser(query[1:-1], account).parse()
    return [ticket for ticket in tickets if test(ticket)]


class _Parser:
    """Recursive descent over AND, OR and parentheses; AND binds closer."""

    def __init__(self, text: str, account: Account) -> None:
        self._account = account
        self._tokens: list[re.Match[str]] = []
        position = 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            if match is None:
                raise refusals.invalid([Problem("query", "Given query is invalid")])
            self._tokens.append(match)
            position = match.end()

    def parse(self) -> Test:
        test = self._either()
        if self._tokens:
            raise refusals.invalid([Problem("query", "Given query is invalid")])
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._next_is("OR"):
            tests.append(self._all())
        return lambda ticket: any(test(ticket) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._next_is("AND"):
            tests.append(self._one())
        return lambda ticket: all(test(ticket) for test in tests)

    def _next_is(self, word: str) -> bool:
        if self._tokens and self._tokens[0].group(1).upper() == word:
            self._tokens.pop(0)
            return True
        return False

    def _one(self) -> Test:
        if self._next_is("("):
            test = self._either()
            if not self._next_is(")"):
                raise refusals.invalid([Problem("query", "Given query is invalid")])
            return test
        if not self._tokens or self._tokens[0].group(2) is None:
            raise refusals.invalid([Problem("query", "Given query is invalid")])
        token = self._tokens.pop(0)
        return self._comparison(token.group(2), token.group(3), token.group(4).strip("'"))

    def _comparison(self, name: str, operator: str, value: str) -> Test:
        if name not in SEARCHABLE and name not in self._account.field_types:
            raise refusals.invalid([Problem(name, "Unexpected/invalid field in request", "invalid_field")])

        def test(ticket: Ticket) -> bool:
            if name == "tag":
                return value in ticket.values["tags"]
            actual = ticket.fields.get(name) if name in ticket.fields else ticket.values.get(name)
            if value == "null":
                return actual is None
            if actual is None:
                return False
            if operator:
                return str(actual) >= value if operator == ">" else str(actual) <= value
            return str(actual) == value

        return test
