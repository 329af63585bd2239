"""
What Zendesk answers, in our words: tickets, audits, refusals. Pure.

Errors of a field are told without quoting, because they go to logs and consoles.
source: Zendesk Support API, OpenAPI 2.0.0 and recorded answers, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.helpdesks.zendesk.wire import PRIORITIES
from packets.draft import Rating, TicketRef, TicketState, TicketStatus

# With custom statuses `status` is the category, so an account's own statuses are covered. A word we do not know counts
# as open: a clock that runs on is the safer mistake.
STATUSES = {
    "new": TicketStatus.NEW,
    "open": TicketStatus.OPEN,
    "pending": TicketStatus.WAITING_ON_CUSTOMER,
    "hold": TicketStatus.WAITING_ON_THIRD_PARTY,
    "solved": TicketStatus.SOLVED,
    "closed": TicketStatus.CLOSED,
    "archived": TicketStatus.CLOSED,
    "scrubbed": TicketStatus.CLOSED,
    "deleted": TicketStatus.CANCELLED,
}
FINAL = frozenset({"solved", "closed"})

MARKER = "baton"  # key in an audit's `metadata.custom`, the one place where a marker of one write can be read back
_NUMBER = re.compile(r"[0-9]{1,20}")

# What Zendesk says of a field quotes the customer's words at times ("Requester: Ana Ruiz is suspended."), so only
# phrases that are known to quote nothing are passed on.
_SAFE_PHRASES = (
    "closed prevents ticket update",
    "is too short",
    "is too long",
    "is invalid",
    "is not valid",
    "is suspended",
    "is required",
    "cannot be blank",
    "is not properly formatted",
)
_SAFE_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")


def ticket_ref(ticket: Mapping[str, Any], base_url: str) -> TicketRef | None:
    """The id and the address agents open; not the answer's `url`, which may name another host. None = no ticket."""
    number = ticket.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return TicketRef(str(number), f"{base_url}/agent/tickets/{number}")


def ticket_state(ticket: Mapping[str, Any], ref: TicketRef, audits: Sequence[Mapping[str, Any]]) -> TicketState:
    """The ticket as it is, without the first reply: whether an author is a person of ours, only their users know."""
    return TicketState(
        ref=ref,
        status=status(ticket.get("status")),
        priority=PRIORITIES.get(str(ticket.get("priority"))),
        solved_at=_solved_at(audits) if ticket.get("status") in FINAL else None,
        assignee=str(ticket["assignee_id"]) if ticket.get("assignee_id") else None,
        updated_at=moment(ticket.get("updated_at")),
        group=str(ticket["group_id"]) if ticket.get("group_id") else None,
        rating=rating(ticket.get("satisfaction_rating")),
        packet_id=str(ticket["external_id"]) if ticket.get("external_id") else None,
    )


def rating(given: object) -> Rating | None:
    """`satisfaction_rating: {score}`; "offered" and "unoffered" are none. source: OpenAPI 2.0.0, read 2026-11-21."""
    score = given.get("score") if isinstance(given, Mapping) else given
    return {"good": Rating.GOOD, "bad": Rating.BAD}.get(str(score).split("_")[0])


def status(word: object) -> TicketStatus:
    return STATUSES.get(str(word).lower(), TicketStatus.OPEN)


def public_comments(audits: Iterable[Mapping[str, Any]]) -> list[tuple[int, datetime]]:
    """Author and time of everything said in public, oldest first."""
    return [
        (event["author_id"], said_at)
        for audit in audits
        if (said_at := moment(audit.get("created_at"))) is not None
        for event in _events(audit)
        if event.get("type") == "Comment" and event.get("public") is True and isinstance(event.get("author_id"), int)
    ]


def priority_set_by(audits: Iterable[Mapping[str, Any]]) -> int | None:
    """
    Who set the priority last; None: nobody has. An audit's author is who caused it, so a trigger that fires on our own
    write counts as us; one with a rule as its origin (-1) does not.
    """
    author = None
    for audit in audits:
        for event in _events(audit):
            if event.get("field_name") == "priority" and event.get("value") and isinstance(audit.get("author_id"), int):
                author = audit["author_id"]
    return author


def is_suspended(body: object, email: str) -> bool:
    """Whether the search for users has found exactly this address, suspended."""
    users = body.get("users") if isinstance(body, Mapping) else None
    return any(
        str(user.get("email")).lower() == email and user.get("suspended") is True
        for user in (users if isinstance(users, list) else [])
        if isinstance(user, Mapping)
    )


def is_marked(audits: Iterable[Mapping[str, Any]], marker: str) -> bool:
    """Whether one of these writes was made with our marker."""
    return any(_custom(audit).get(MARKER) == marker for audit in audits)


def moment(text: object) -> datetime | None:
    """An ISO 8601 time in UTC; events carry up to nine digits of a second, of which Python takes six."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        then = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()))
        return (then if then.tzinfo else then.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def field_errors(body: object) -> tuple[str, ...]:
    """`details` of a 422: {field: [{description, error?, ticket_field_id?}]}, told without quoting."""
    details = body.get("details") if isinstance(body, Mapping) else None
    if not isinstance(details, Mapping):
        return ()
    return tuple(
        f"{name if _SAFE_CODE.fullmatch(str(name)) else 'a field'}: {_safe_problem(problem)}"
        for name, problems in list(details.items())[:20]
        for problem in (problems if isinstance(problems, list) else [problems])[:5]
    )


def error_code(body: object) -> str:
    """`error` of an error body: a string, or an object with a title; "" if there is none we may repeat."""
    told = body.get("error") if isinstance(body, Mapping) else None
    told = told.get("title") if isinstance(told, Mapping) else told
    return told if isinstance(told, str) and _SAFE_CODE.fullmatch(told) else ""


def ticket_limit_resets(headers: Mapping[str, str]) -> float | None:
    """
    Seconds until the limit of updates of one ticket ends, if that one is used up while the account's is not.
    source: recorded header `zendesk-ratelimit-per-ticket-updates: total=30; remaining=29; resets=468`.
    """
    told = dict(re.findall(r"(\w+)=(\d{1,9})", headers.get("zendesk-ratelimit-per-ticket-updates") or ""))
    if told.get("remaining") != "0" or headers.get("x-rate-limit-remaining") == "0":
        return None
    return float(told.get("resets", "600"))


def _safe_problem(problem: object) -> str:
    told = problem if isinstance(problem, Mapping) else {"description": problem}
    code, words = told.get("error"), str(told.get("description"))
    safe = [code] if isinstance(code, str) and _SAFE_CODE.fullmatch(code) else []
    safe += [phrase for phrase in _SAFE_PHRASES if phrase in words]
    number = str(told.get("ticket_field_id"))
    where = f" (ticket field {number})" if _NUMBER.fullmatch(number) else ""
    return (", ".join(safe) or "refused") + where


def _solved_at(audits: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When it was solved and has not been opened since; that an automation closed it later changes nothing."""
    since: datetime | None = None
    for audit in audits:
        for event in _events(audit):
            if event.get("field_name") == "status" and event.get("type") in ("Create", "Change"):
                since = (since or moment(audit.get("created_at"))) if event.get("value") in FINAL else None
    return since


def _events(audit: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    events = audit.get("events")
    return [event for event in events if isinstance(event, Mapping)] if isinstance(events, list) else []


def _custom(audit: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = audit.get("metadata")
    custom = metadata.get("custom") if isinstance(metadata, Mapping) else None
    return custom if isinstance(custom, Mapping) else {}
