"""
A Zendesk ticket as the agent sees it, and what the agent's clicks mean to the API's own update.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.sandbox.desk import CannotDo, Deed, EntryView, FileView, TicketView
from connectors.sandbox.zendesk.account import Account, Ticket

# What control calls and buttons may say → Zendesk's own word.
STATUS_WORDS: Final = {word: word for word in ("new", "open", "pending", "hold", "solved", "closed")} | {
    "reopened": "open",
    "resolved": "solved",
}


def view_of(ticket: Ticket, account: Account) -> TicketView:
    """One ticket in neutral form."""
    values, users = ticket.values, account.users
    requester = users[values["requester_id"]]
    rating = values["satisfaction_rating"]
    named = {field_id: str(value) for field_id, value in ticket.fields.items() if value not in (None, "")}
    return TicketView(
        ticket_id=str(values["id"]),
        number=f"#{values['id']}",
        key=values["external_id"],
        subject=values["subject"],
        priority=values["priority"],
        status=values["status"],
        requester={key: requester.get(key) for key in ("name", "email", "phone")},
        group=account.groups.get(values["group_id"]),
        assignee=users[values["assignee_id"]]["name"] if values["assignee_id"] else None,
        tags=tuple(values["tags"]),
        fields={account.neutral_names[i]: value for i, value in named.items() if i in account.neutral_names},
        labels={account.field_titles[i]: value for i, value in named.items()},
        entries=tuple(_entry(event, audit, account) for event, audit in ticket.comments()),
        attachments=tuple(FileView(str(f.file_id), f.name, f.content_type, f.content) for f in ticket.files),
        created_at=ticket.created_at,
        updated_at=max(ticket.created_at, datetime.fromisoformat(values["updated_at"])),
        rating=rating["score"] if rating else None,
    )


def _entry(event: Mapping[str, Any], audit: Mapping[str, Any], account: Account) -> EntryView:
    author = account.users[event["author_id"]]
    return EntryView(
        author=author["name"],
        private=not event["public"],
        text=event["plain_body"],
        html=event["html_body"],
        at=datetime.fromisoformat(audit["created_at"]),
        by_agent=author["role"] != "end-user",
    )


def update_of(deed: Deed, agent_id: int, status: str) -> dict[str, Any]:
    """The update a click makes; a new ticket is open once an agent answers or takes it. Raises CannotDo."""
    opened = {"status": "open"} if status == "new" else {}
    if deed.kind == "reply":
        return {"comment": {"body": deed.value, "public": True}, **opened}
    if deed.kind == "note":
        return {"comment": {"body": deed.value, "public": False}}
    if deed.kind == "assign":
        return {"assignee_id": agent_id, **opened}
    if deed.kind == "priority":
        return {"priority": deed.value.lower()}
    if deed.kind == "status" and deed.value.lower() in STATUS_WORDS:
        return {"status": STATUS_WORDS[deed.value.lower()]}
    raise CannotDo(f"Zendesk has no {deed.kind} {deed.value!r}; statuses are {', '.join(STATUS_WORDS)}")
