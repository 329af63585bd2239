"""
ServiceNow's spelling of our tickets (incidents of the Table API). Pure; what it answers: answers.py.

Every value is a string, in and out; an empty one is "". A reference is an object when set and "" when not.
source: ServiceNow documentation, "Table API" (ServiceNow/ServiceNowDocs, rest-apis/c_TableAPI.md), read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.errors import Refused
from connectors.helpdesks.text import cut, linked, marker, news
from connectors.ports import FieldMap
from packets.draft import (
    DraftAttachment,
    Priority,
    Requester,
    TicketDraft,
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

IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELLED = "2", "3", "6", "7", "8"

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

KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
SYS_ID = re.compile(r"[0-9a-f]{32}")
_COLUMN = re.compile(r"[a-z0-9_]{1,80}")


def checked_key(key: str) -> str:
    """The key, if it is safe inside `sysparm_query`: `^` and `javascript:` mean something there."""
    if not KEY.fullmatch(key):
        raise Refused(SYSTEM, "a packet id may hold only letters, digits, _ and - (it is part of a query)")
    return key


def checked_sys_id(sys_id: str) -> str:
    if not SYS_ID.fullmatch(sys_id):
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
        "assignment_group": field_map.group_of(draft),
    }
    body.update({name: sys_id for name, sys_id in references.items() if sys_id})
    if draft.follows and (column := field_map.fields.get("follows")):
        body[column] = draft.follows.ticket_id
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
    draft = linked(draft)
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
    """
    What of `update` the incident lacks, its note left out; empty = nothing to do. Refused if it is to be opened again
    and cannot be: a closed incident stays closed (it-service-management/incident-management/reopening-incident.md).
    """
    wanted = columns(update.fields, field_map)
    if update.priority:
        wanted["impact"], wanted["urgency"] = IMPACT_URGENCY[update.priority]
    column = field_map.fields.get("tags")
    if column and update.tags:
        wanted[column] = _joined_tags(value(row, column), update.tags)
    if group := field_map.groups.get(update.group or ""):
        wanted["assignment_group"] = group
    if update.reopen and value(row, "state") in (CLOSED, CANCELLED):
        raise Refused(SYSTEM, "a closed or cancelled incident cannot be opened again; open a new one that follows it")
    if update.reopen and value(row, "state") == RESOLVED:
        wanted["state"] = IN_PROGRESS
    return {name: text for name, text in wanted.items() if value(row, name) != text}


def news_note(update: TicketUpdate, limit: int) -> tuple[str, tuple[DraftAttachment, ...]]:
    """An update's work note, and the file that must be attached if it is too long."""
    return news(update, limit, str)


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
