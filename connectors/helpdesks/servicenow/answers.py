"""
What a ServiceNow instance answers, in our words: incidents, journals, refusals. Pure.

A look-up is believed only if its rows show that the instance really looked.
source: ServiceNow documentation, "Table API" (ServiceNow/ServiceNowDocs, rest-apis/c_TableAPI.md), read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.errors import Refused
from connectors.helpdesks.servicenow.wire import (
    CANCELLED,
    CLOSED,
    CORRELATION_DISPLAY,
    IMPACT_URGENCY,
    IN_PROGRESS,
    JOURNALS,
    KEY,
    ON_HOLD,
    PRIORITIES,
    RESOLVED,
    SYS_ID,
    SYSTEM,
    TABLE,
    value,
)
from connectors.helpdesks.text import has_marker
from packets.draft import TicketRef, TicketState, TicketStatus

AWAITING_CALLER = "1"
STATES = {
    "1": TicketStatus.NEW,
    IN_PROGRESS: TicketStatus.OPEN,
    ON_HOLD: TicketStatus.WAITING_ON_THIRD_PARTY,  # unless the hold reason says the caller
    RESOLVED: TicketStatus.SOLVED,
    CLOSED: TicketStatus.CLOSED,
    CANCELLED: TicketStatus.CANCELLED,
}

_BUSINESS_RULE = re.compile(r"aborted by Business Rule '([^'^]{1,80})")
_DATA_POLICY = re.compile(r"Data Policy Exception: ?([A-Za-z0-9 ,.:_()-]{0,200})")


def dropped(row: Mapping[str, Any], sent: Mapping[str, str]) -> list[str]:
    """The columns that were sent and came back empty. Journals always do."""
    return [name for name, text in sent.items() if text and name not in JOURNALS and not value(row, name)]


def is_rated_otherwise(row: Mapping[str, Any], sent: Mapping[str, str]) -> bool:
    """Whether the instance made another priority of impact and urgency than the base matrix does."""
    wanted = {pair: priority for priority, pair in IMPACT_URGENCY.items()}.get(
        (sent.get("impact", ""), sent.get("urgency", ""))
    )
    return wanted is not None and PRIORITIES.get(value(row, "priority")) is not wanted


def result_of(body: Any) -> Any:
    """
    What a good answer carries, else None. A transaction cancelled at its time limit answers 200 with an `error`,
    sometimes behind the start of a result. source: gflewis/sndml3 issue 38, read 2026-11-21.
    """
    return body.get("result") if isinstance(body, Mapping) and "error" not in body else None


def ours(rows: Iterable[Any], key: str) -> list[Mapping[str, Any]]:
    """
    The rows of a look-up by `correlation_id` that are really ours, oldest first.

    ServiceNow ignores a part of a query it does not understand or may not read, and then answers with all incidents;
    and it leaves out of a row what we may not read. Either way the answer says nothing about our key: Refused.
    """
    found = []
    for row in rows:
        if not isinstance(row, Mapping) or "correlation_id" not in row:
            raise Refused(SYSTEM, "our user may not read correlation_id of incidents, so no ticket can be found again")
        told = value(row, "correlation_id")
        if told.casefold() != key.casefold():  # the database compares without regard to case
            raise Refused(SYSTEM, "the instance ignored our query on correlation_id; may our user read that column?")
        if told == key:
            found.append(row)
    return sorted(found, key=lambda row: (value(row, "sys_created_on"), value(row, "sys_id")))


def changed_ours(rows: Iterable[Any], since: datetime) -> list[Mapping[str, Any]]:
    """
    The rows of a look for our incidents changed since a time, each checked. One that is not ours shows that the
    instance ignored the query, and then its first page says nothing about our incidents: Refused.
    """
    found = []
    for row in rows:
        if not isinstance(row, Mapping) or value(row, "correlation_display") != CORRELATION_DISPLAY:
            raise Refused(
                SYSTEM, "the instance ignored our query on correlation_display; may our user read that column?"
            )
        changed_at = moment(value(row, "sys_updated_on"))
        # The grain is a second: one that changed within the second of `since` counts.
        if KEY.fullmatch(value(row, "correlation_id")) and (
            changed_at is None or changed_at >= since.replace(microsecond=0)
        ):
            found.append(row)
    return found


def ticket_ref(row: Any, base_url: str) -> TicketRef | None:
    """None if the row has no sys_id."""
    sys_id = value(row, "sys_id") if isinstance(row, Mapping) else ""
    if not SYS_ID.fullmatch(sys_id):
        return None
    address = quote(f"{TABLE}.do?sys_id={sys_id}", safe="")
    return TicketRef(sys_id, f"{base_url}/nav_to.do?uri={address}", value(row, "number") or None)


def status(state: str, hold_reason: str = "") -> TicketStatus:
    """An instance's own states count as open: a clock that runs on is the safer mistake."""
    if state == ON_HOLD and hold_reason == AWAITING_CALLER:
        return TicketStatus.WAITING_ON_CUSTOMER
    return STATES.get(state, TicketStatus.OPEN)


def ticket_state(row: Mapping[str, Any], ref: TicketRef, first_reply_at: datetime | None) -> TicketState:
    now = status(value(row, "state"), value(row, "hold_reason"))
    is_over = now in (TicketStatus.SOLVED, TicketStatus.CLOSED)
    return TicketState(
        ref=ref,
        status=now,
        priority=PRIORITIES.get(value(row, "priority")),
        first_human_reply_at=first_reply_at,
        solved_at=(moment(value(row, "resolved_at")) or moment(value(row, "closed_at"))) if is_over else None,
        assignee=value(row, "assigned_to") or None,
        updated_at=moment(value(row, "sys_updated_on")),
        group=value(row, "assignment_group") or None,
        packet_id=value(row, "correlation_id") or None,
    )


def journal_of(rows: Iterable[Any], sys_id: str, element: str) -> list[Mapping[str, str]]:
    """The entries of one journal of one incident, each row checked, oldest first."""
    mine = [
        {name: value(row, name) for name in ("value", "sys_created_on", "sys_created_by")}
        for row in rows
        if isinstance(row, Mapping) and value(row, "element_id") == sys_id and value(row, "element") == element
    ]
    return sorted(mine, key=lambda entry: entry["sys_created_on"])


def is_noted(entries: Iterable[Mapping[str, str]], key: str) -> bool:
    return any(has_marker(entry["value"], key) for entry in entries)


def moment(text: str) -> datetime | None:
    """`YYYY-MM-DD HH:MM:SS`, which is UTC though nothing says so; None if it is no such time."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def refusal(body: Any) -> str:
    """
    Why the instance refused, as far as it may be shown: the rest of its text can quote what the customer wrote.
    A 403 is as often a data policy or business rule as a missing right.
    source: rest-api-explorer/r_RESTAPIHTTPResponseCodes.md, read 2026-11-21.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    detail = error.get("detail") if isinstance(error, Mapping) else None
    detail = detail if isinstance(detail, str) else ""
    if rule := _BUSINESS_RULE.search(detail):
        return f"the business rule '{rule[1]}' refused it"
    if policy := _DATA_POLICY.search(detail):
        return f"a data policy refused it: {policy[1].strip()}"
    if "ACL" in detail or "security constraints" in detail:
        return "an access rule (ACL) refused it; check the roles of Baton's user"
    return "the instance refused it, by an access rule, a data policy or a business rule (see its REST log)"
