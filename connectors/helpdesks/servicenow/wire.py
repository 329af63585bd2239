"""
ServiceNow's spelling of our tickets (incidents of the Table API), both ways. Pure.

Every value is a string, in and out; an empty one is "". A reference is an object when set and "" when not.
source: ServiceNow documentation, "Table API" (ServiceNow/ServiceNowDocs, rest-apis/c_TableAPI.md), read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.errors import Refused
from connectors.helpdesks.text import cut
from connectors.ports import FieldMap
from packets.draft import (
    DraftAttachment,
    Priority,
    Requester,
    TicketDraft,
    TicketRef,
    TicketState,
    TicketStatus,
    TicketUpdate,
)
from packets.render.sanitise import harmless, one_line

SYSTEM = "ServiceNow"
TABLE = "incident"
CORRELATION_DISPLAY = "Baton"

# (impact, urgency) → the base system's matrix makes the priority of them. One is the most urgent here.
# source: it-service-management/incident-management/def-prio-lookup-rules.md, read 2026-11-21.
IMPACT_URGENCY = {
    Priority.CRITICAL: ("1", "1"),
    Priority.HIGH: ("2", "1"),
    Priority.NORMAL: ("2", "2"),
    Priority.LOW: ("3", "2"),
}
PRIORITIES = {"1": Priority.CRITICAL, "2": Priority.HIGH, "3": Priority.NORMAL, "4": Priority.LOW, "5": Priority.LOW}

ON_HOLD = "3"
AWAITING_CALLER = "1"
STATES = {
    "1": TicketStatus.NEW,
    "2": TicketStatus.OPEN,
    ON_HOLD: TicketStatus.WAITING_ON_THIRD_PARTY,  # unless the hold reason says the caller
    "6": TicketStatus.SOLVED,
    "7": TicketStatus.CLOSED,
    "8": TicketStatus.CANCELLED,
}

LONGEST_SHORT_DESCRIPTION = 160
LONGEST_DESCRIPTION = 4_000  # of the base dictionary; longer text would be cut silently
LONGEST_COLUMN = 255
LONGEST_TAG = 80

NOTE_FILE = "handoff-note.txt"
CUT_NOTE = f"This note is cut. The whole of it is in the attached {NOTE_FILE}.\n\n"

JOURNALS = frozenset({"work_notes", "comments"})  # writing appends; reading gives ""

# Ours to leave alone: calculated by the instance, of its own SLA engine, or what only people decide.
NOT_OURS = frozenset(
    {
        *("sys_id", "number", "priority", "state", "incident_state", "hold_reason", "close_code", "close_notes"),
        *("sla_due", "made_sla", "escalation", "correlation_id", "correlation_display"),
        *JOURNALS,
    }
)

_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SYS_ID = re.compile(r"[0-9a-f]{32}")
_COLUMN = re.compile(r"[a-z0-9_]{1,80}")
_BUSINESS_RULE = re.compile(r"aborted by Business Rule '([^'^]{1,80})")
_DATA_POLICY = re.compile(r"Data Policy Exception: ?([A-Za-z0-9 ,.:_()-]{0,200})")


def checked_key(key: str) -> str:
    """The key, if it is safe inside `sysparm_query`: `^` and `javascript:` mean something there."""
    if not _KEY.fullmatch(key):
        raise Refused(SYSTEM, "a packet id may hold only letters, digits, _ and - (it is part of a query)")
    return key


def checked_sys_id(sys_id: str) -> str:
    if not _SYS_ID.fullmatch(sys_id):
        raise Refused(SYSTEM, "a ticket id that is no sys_id (32 hex digits)")
    return sys_id


def incident(draft: TicketDraft, key: str, field_map: FieldMap, caller: str | None, note_limit: int) -> dict[str, str]:
    """
    The body that creates one incident, the packet's note included.

    caller: sys_id of the customer's own user; None = nobody knows them, then the account's guest caller is used and
        the description says who it is.
    """
    impact, urgency = IMPACT_URGENCY[draft.priority]
    body = {
        **columns(draft.fields, field_map),
        "short_description": cut(one_line(draft.subject), LONGEST_SHORT_DESCRIPTION) or "Conversation from a chatbot",
        "description": cut(_description(draft, is_known=caller is not None), LONGEST_DESCRIPTION),
        "impact": impact,
        "urgency": urgency,
        "contact_type": "chat",
        "correlation_id": checked_key(key),
        "correlation_display": CORRELATION_DISPLAY,
        "work_notes": note(draft, key, note_limit),
    }
    if column := field_map.fields.get("packet_id"):
        body[column] = key
    references = {
        "caller_id": caller or field_map.defaults.get("caller_id"),
        "assignment_group": field_map.groups.get(draft.group or "") or field_map.groups.get("default"),
    }
    body.update({name: sys_id for name, sys_id in references.items() if sys_id})
    tags = field_map.fields.get("tags")
    if tags and draft.tags:
        body[tags] = _joined_tags("", draft.tags)
    return body


def check_field_map(field_map: FieldMap) -> list[str]:
    """What cannot work, said for whoever wrote the file. The packet id may be mapped to the correlation_id."""
    columns_of = {name: c for name, c in field_map.fields.items() if (name, c) != ("packet_id", "correlation_id")}
    return [
        f"the field map puts {name!r} into {column!r}, which Baton must leave alone; use a u_ column"
        for name, column in sorted(columns_of.items())
        if column in NOT_OURS or not _COLUMN.fullmatch(column)
    ]


def columns(fields: Mapping[str, str], field_map: FieldMap) -> dict[str, str]:
    """Our fields under this instance's column names; the packet id and the tags are not among them."""
    return {
        field_map.fields[name]: cut(one_line(text), LONGEST_COLUMN)
        for name, text in fields.items()
        if name in field_map.fields and name not in ("packet_id", "tags")
    }


def marker(key: str) -> str:
    return f"Baton reference: {key}"


def note(draft: TicketDraft, key: str, limit: int) -> str:
    """The packet as plain text: journals escape HTML, unless it stands in [code], which `harmless` has broken up."""
    return _note_and_files(draft, key, limit)[0]


def files(draft: TicketDraft, key: str, limit: int) -> tuple[DraftAttachment, ...]:
    """What must be attached because `note` could not hold it."""
    return _note_and_files(draft, key, limit)[1]


def _note_and_files(draft: TicketDraft, key: str, limit: int) -> tuple[str, tuple[DraftAttachment, ...]]:
    """
    The whole note; if that is too long the short one with the transcript; and if even that is (facts without end), its
    beginning with the whole note as a second file.
    """
    end = f"\n\n{marker(key)}"
    transcript = (draft.transcript_attachment,) if draft.transcript_attachment else ()
    whole, short = harmless(draft.note_text) + end, harmless(draft.note_short_text) + end
    if len(whole) <= limit:
        return whole, ()
    if len(short) <= limit:
        return short, transcript
    begun = CUT_NOTE + harmless(draft.note_short_text)[: limit - len(CUT_NOTE) - len(end)]
    return begun + end, (*transcript, DraftAttachment(NOTE_FILE, draft.note_text))


def _description(draft: TicketDraft, *, is_known: bool) -> str:
    said = harmless(draft.public_text).strip()
    return said if is_known else f"{said}\n\n{_who(draft.requester)}".strip()


def _who(person: Requester) -> str:
    told = {
        "Customer": person.name,
        "E-mail": person.email,
        "Phone": person.phone,
        "Customer id": person.external_id,
    }
    return "\n".join(f"{label}: {cut(one_line(v), LONGEST_COLUMN)}" for label, v in told.items() if v)


def changes(row: Mapping[str, Any], update: TicketUpdate, field_map: FieldMap) -> dict[str, str]:
    """What of `update` the incident lacks; empty = nothing to do."""
    wanted = columns(update.fields, field_map)
    if update.priority:
        wanted["impact"], wanted["urgency"] = IMPACT_URGENCY[update.priority]
    column = field_map.fields.get("tags")
    if column and update.tags:
        wanted[column] = _joined_tags(value(row, column), update.tags)
    return {name: text for name, text in wanted.items() if value(row, name) != text}


def _joined_tags(there: str, added: Iterable[str]) -> str:
    """ServiceNow has no list of tags to write to, so they stand in one column, comma-separated."""
    old = [tag.strip() for tag in there.split(",") if tag.strip()]
    return ",".join(dict.fromkeys((*old, *(cut(one_line(tag.replace(",", " ")), LONGEST_TAG) for tag in added))))


def value(row: Mapping[str, Any], column: str) -> str:
    """A column's value, whichever of its shapes it came in: text, a reference object, or nothing."""
    found = row.get(column)
    if isinstance(found, Mapping):
        found = found.get("value")
    return found if isinstance(found, str) else ""


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


def ticket_ref(row: Any, base_url: str) -> TicketRef | None:
    """None if the row has no sys_id."""
    sys_id = value(row, "sys_id") if isinstance(row, Mapping) else ""
    if not _SYS_ID.fullmatch(sys_id):
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
    )


def journal_of(rows: Iterable[Any], sys_id: str, element: str) -> list[Mapping[str, str]]:
    """The entries of one journal of one incident, each row checked, oldest first."""
    mine = [
        {name: value(row, name) for name in ("value", "sys_created_on", "sys_created_by")}
        for row in rows
        if isinstance(row, Mapping) and value(row, "element_id") == sys_id and value(row, "element") == element
    ]
    return sorted(mine, key=lambda entry: entry["sys_created_on"])


def has_marker(entries: Iterable[Mapping[str, str]], key: str) -> bool:
    pattern = re.compile(re.escape(marker(key)) + r"(?![A-Za-z0-9_-])")
    return any(pattern.search(entry["value"]) for entry in entries)


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
