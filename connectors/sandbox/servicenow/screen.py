"""
An incident as the agent sees it, and what the agent's clicks mean to the API's own update.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Final

from connectors.sandbox.desk import CannotDo, Deed, EntryView, FileView, TicketView
from connectors.sandbox.html import paragraphs
from connectors.sandbox.servicenow import columns
from connectors.sandbox.servicenow.instance import Instance
from connectors.sandbox.servicenow.spelling import shown

# What control calls and buttons may say → the columns it sets.
STATE_WORDS: Final[Mapping[str, dict[str, str]]] = {
    "new": {"state": "1"},
    "open": {"state": "2"},
    "reopened": {"state": "2"},
    "in progress": {"state": "2"},
    "pending": {"state": "3", "hold_reason": "1", "comments": "Waiting for your answer."},
    "on hold": {"state": "3", "hold_reason": "4"},
    "hold": {"state": "3", "hold_reason": "4"},
    "solved": {"state": "6", "close_code": "Solution provided", "close_notes": "Solved"},
    "resolved": {"state": "6", "close_code": "Solution provided", "close_notes": "Solved"},
    "closed": {"state": "7", "close_code": "Solution provided", "close_notes": "Solved"},
    "canceled": {"state": "8"},
    "cancelled": {"state": "8"},
}
# Priority follows from these two.
PRIORITY_WORDS: Final[Mapping[str, dict[str, str]]] = {
    "critical": {"impact": "1", "urgency": "1"},
    "high": {"impact": "2", "urgency": "1"},
    "moderate": {"impact": "2", "urgency": "2"},
    "low": {"impact": "3", "urgency": "2"},
    "planning": {"impact": "3", "urgency": "3"},
}


def view_of(row: Mapping[str, str], instance: Instance) -> TicketView:
    """One incident in neutral form."""
    sys_id = row["sys_id"]
    caller = instance.tables["sys_user"].rows.get(row["caller_id"], {})
    neutral = {column: name for name, column in instance.custom.items()}
    custom = {name: value for name, value in row.items() if name.startswith("u_") and value}
    files = instance.files.get(sys_id, ())
    return TicketView(
        ticket_id=sys_id,
        number=row["number"],
        key=row["correlation_id"] or None,
        subject=row["short_description"],
        priority=columns.PRIORITIES.get(row["priority"], row["priority"]),
        status=columns.STATES.get(row["state"], row["state"]),
        requester={key: caller.get(key) for key in ("name", "email", "phone")},
        group=shown("assignment_group", row["assignment_group"], instance) or None,
        assignee=shown("assigned_to", row["assigned_to"], instance) or None,
        tags=(),
        fields={neutral[column]: value for column, value in custom.items() if column in neutral},
        labels={instance.labels.get(column, column): value for column, value in custom.items()},
        entries=(*_description(row, instance), *(_entry(e, instance) for e in instance.journal[sys_id])),
        attachments=tuple(
            FileView(f.row["sys_id"], f.row["file_name"], f.row["content_type"], f.content) for f in files
        ),
        created_at=instance.created_at[sys_id],
        updated_at=_time(row["sys_updated_on"]),
        rating=instance.ratings.get(sys_id),
    )


def _description(row: Mapping[str, str], instance: Instance) -> list[EntryView]:
    """A field and no entry, but the caller reads it like one."""
    if not row["description"]:
        return []
    author = shown("opened_by", row["opened_by"], instance)
    html = paragraphs(row["description"])
    return [EntryView(author, False, row["description"], html, _time(row["sys_created_on"]), by_agent=False)]


def _entry(entry: Mapping[str, str], instance: Instance) -> EntryView:
    """Journal text is shown as text: hardened instances do not render [code]."""
    users = instance.tables["sys_user"].rows.values()
    author = next((u for u in users if u["user_name"] == entry["sys_created_by"]), None)
    private = entry["element"] == "work_notes"
    html = f"<pre>{escape(entry['value'], quote=False)}</pre>"
    name = author["name"] if author else entry["sys_created_by"]
    return EntryView(name, private, entry["value"], html, _time(entry["sys_created_on"]), by_agent=True)


def update_of(deed: Deed, instance: Instance) -> Mapping[str, str]:
    """The update a click makes. Raises CannotDo."""
    word = deed.value.lower()
    if deed.kind in ("reply", "note"):
        return {"comments" if deed.kind == "reply" else "work_notes": deed.value}
    if deed.kind == "assign":
        return {"assigned_to": instance.user_id(deed.value), "state": "2"}
    if deed.kind == "status" and word in STATE_WORDS:
        return STATE_WORDS[word]
    if deed.kind == "priority" and word in PRIORITY_WORDS:
        return PRIORITY_WORDS[word]
    raise CannotDo(f"ServiceNow has no {deed.kind} {deed.value!r}; statuses are {', '.join(STATE_WORDS)}")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
