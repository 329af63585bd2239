"""
Pages and search. Lists read the store itself; search reads an index that lags (the caller passes what it knows).
source: Zendesk API, "Pagination" and "Search", and recorded answers, read 2026-11-21.
"""

from __future__ import annotations

import base64
import binascii
import operator
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from connectors.sandbox.answers import Request
from connectors.sandbox.zendesk.account import Account, Ticket

PAGE_LIMIT = 100
TIMES = re.compile(r"(created|updated)(>=|<=|>|<|:)(.+)")
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    ":": str.startswith,
}
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the keys that stand beside them in the answer."""

    rows: list[Row]
    rest: dict[str, Any]
    by_cursor: bool


def page_of(rows: Sequence[Row], request: Request) -> Page[Row]:
    """By cursor if `page[size]` or a cursor is named, else by page number (both recorded)."""
    if any(key.startswith("page[") for key in request.args):
        return _cursor_page(rows, request)
    size = _number(request.args.get("per_page"), PAGE_LIMIT)
    number = max(1, _number(request.args.get("page"), 1, 10_000))
    start = (number - 1) * size
    rest = {
        "next_page": _link(request, page=str(number + 1)) if start + size < len(rows) else None,
        "previous_page": _link(request, page=str(number - 1)) if number > 1 else None,
        "count": len(rows),
    }
    return Page(list(rows[start : start + size]), rest, by_cursor=False)


def _cursor_page(rows: Sequence[Row], request: Request) -> Page[Row]:
    size = _number(request.args.get("page[size]"), PAGE_LIMIT)
    start = 0
    if after := request.args.get("page[after]"):
        start = _position(after)
    elif before := request.args.get("page[before]"):
        start = max(0, _position(before) - size)
    end = min(start + size, len(rows))
    first, last = _cursor(start), _cursor(end)
    meta = {"has_more": end < len(rows), "after_cursor": last, "before_cursor": first}
    links = {
        "prev": _link(request, **{"page[before]": first, "page[after]": None}),
        "next": _link(request, **{"page[after]": last, "page[before]": None}),
    }
    return Page(list(rows[start:end]), {"meta": meta, "links": links}, by_cursor=True)


def _cursor(position: int) -> str:
    return base64.b64encode(f'{{"o":"nice_id","v":"{position}"}}'.encode()).decode()


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().split('"')[-2])
    except (binascii.Error, ValueError, IndexError):
        return 0


def _number(text: str | None, default: int, most: int = PAGE_LIMIT) -> int:
    return min(max(1, int(text)), most) if text and text.isdigit() else default


def _link(request: Request, **changed: str | None) -> str:
    arguments = {**request.args.to_dict(), **changed}
    query = urlencode({key: value for key, value in arguments.items() if value is not None})
    return f"{request.base}{request.path}?{query}"


def search(tickets: Iterable[Ticket], query: str, account: Account) -> list[Ticket]:
    """Tickets for which every `key:value` holds, and every bare word stands in subject or description."""
    try:
        words = shlex.split(query)
    except ValueError:  # an open quotation mark
        words = query.replace('"', " ").split()
    return [ticket for ticket in tickets if all(_holds(ticket, word, account) for word in words)]


def in_order(tickets: Iterable[Ticket], by: str | None, order: str | None) -> list[Ticket]:
    """As `sort_by` and `sort_order` say; by relevance, which here is the id, if they say nothing we know."""
    key = by if by in ("created_at", "updated_at", "priority", "status") else "id"
    return sorted(tickets, key=lambda ticket: (ticket.values[key] or 0, ticket.values["id"]), reverse=order == "desc")


def _holds(ticket: Ticket, word: str, account: Account) -> bool:
    values = ticket.values
    if moved := TIMES.fullmatch(word):
        return OPERATORS[moved[2]](values[f"{moved[1]}_at"], moved[3])
    key, colon, value = word.partition(":")
    if not colon:
        return word.casefold() in f"{values['subject']} {values['description']}".casefold()
    if key == "type":
        return value == "ticket" or value == values["type"]
    if key in ("external_id", "status", "priority"):
        return str(values[key]) == value
    if key in ("tags", "tag"):
        return value in values["tags"]
    if key == "requester":
        return str(account.users[values["requester_id"]]["email"]).casefold() == value.casefold()
    if key.startswith("custom_field_"):
        return str(ticket.fields.get(int(key[13:] or 0))) == value if key[13:].isdigit() else False
    return True  # order_by and the like narrow nothing here
