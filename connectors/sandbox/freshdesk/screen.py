"""
A Freshdesk ticket as the agent sees it, and what the agent's clicks do to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

from connectors.sandbox.desk import CannotDo, Deed, EntryView, FileView, TicketView
from connectors.sandbox.freshdesk.account import NOTE, REPLY, Account, Ticket
from connectors.sandbox.freshdesk.checks import PRIORITIES, STATUSES

# What control calls and buttons may say → Freshdesk's code.
STATUS_WORDS: Final = {
    "open": 2,
    "reopened": 2,
    "pending": 3,
    "resolved": 4,
    "solved": 4,
    "closed": 5,
    "waiting on customer": 6,
    "waiting on third party": 7,
    "hold": 7,
}
PRIORITY_WORDS: Final = {word.lower(): code for code, word in PRIORITIES.items()}
RATINGS: Final = {"good": 103, "neutral": 100, "bad": -103}


def view_of(ticket: Ticket, account: Account) -> TicketView:
    """One ticket in neutral form."""
    values = ticket.values
    requester = account.people[values["requester_id"]]
    set_fields = {name: str(value) for name, value in ticket.fields.items() if value not in (None, "")}
    fields = {account.neutral_names[n]: v for n, v in set_fields.items() if n in account.neutral_names}
    rating = ticket.ratings[-1]["ratings"]["default_question"] if ticket.ratings else None
    responder = account.people.get(values["responder_id"])
    return TicketView(
        ticket_id=str(values["id"]),
        number=f"#{values['id']}",
        key=fields.get("packet_id"),
        subject=values["subject"],
        priority=PRIORITIES[values["priority"]],
        status=STATUSES[values["status"]],
        requester={key: requester.get(key) for key in ("name", "email", "phone")},
        group=account.groups.get(values["group_id"]),
        assignee=responder["name"] if responder else None,
        tags=tuple(values["tags"] or ()),
        fields=fields,
        labels={account.field_labels[name]: value for name, value in set_fields.items()},
        entries=(_description(ticket, account), *(_entry(c, account) for c in ticket.conversations)),
        attachments=tuple(FileView(str(f.file_id), f.name, f.content_type, f.content) for f in ticket.files),
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        rating=str(rating) if rating is not None else None,
    )


def _description(ticket: Ticket, account: Account) -> EntryView:
    """The description is public: its requester sees it."""
    values = ticket.values
    author = account.people[values["requester_id"]]["name"]
    return EntryView(
        author, False, values["description_text"], values["description"], ticket.created_at, by_agent=False
    )


def _entry(conversation: Mapping[str, Any], account: Account) -> EntryView:
    author = account.people.get(conversation["user_id"], {"name": "somebody"})
    return EntryView(
        author=author["name"],
        private=conversation["private"],
        text=conversation["body_text"],
        html=conversation["body"],
        at=datetime.fromisoformat(conversation["created_at"]),
        by_agent=conversation["user_id"] in account.agent_ids and not conversation["incoming"],
    )


def do(deed: Deed, ticket: Ticket, account: Account) -> str:
    """Do it; answers the event of our webhook template. Raises CannotDo."""
    word = deed.value.lower()
    if deed.kind in ("reply", "note"):
        source = REPLY if deed.kind == "reply" else NOTE
        body = {"body": "<div>" + escape(deed.value).replace("\n", "<br>") + "</div>"}
        account.converse(ticket, body, [], source=source, user_id=account.agent(deed.agent)["id"], base="")
        return "agent_replied" if deed.kind == "reply" else "note_added"
    if deed.kind == "assign":
        account.update(ticket, {"responder_id": account.agent(deed.value)["id"]}, [], "")
        return "assigned"
    if deed.kind == "status" and word in STATUS_WORDS:
        account.update(ticket, {"status": STATUS_WORDS[word]}, [], "")
        return "status_changed"
    if deed.kind == "priority" and word in PRIORITY_WORDS:
        account.update(ticket, {"priority": PRIORITY_WORDS[word]}, [], "")
        return "priority_changed"
    if deed.kind == "rate" and word in RATINGS:
        account.rate(ticket, RATINGS[word], "")
        return "rated"
    raise CannotDo(f"Freshdesk has no {deed.kind} {deed.value!r}")
