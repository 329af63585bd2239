"""
One Freshdesk account: contacts, agents, groups, fields, tickets and what is written on them.
source: FreshdeskApiDotnet (key set of 2025), python-freshdesk, Freshdesk samples, read 2026-11-21.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.sandbox.accounts import (
    FRESHDESK_GROUP_IDS,
    PEOPLE,
    SERVICE_USER,
    freshdesk_field_names,
    freshdesk_user_id,
    label_of,
)
from connectors.sandbox.desk import Setup
from connectors.sandbox.html import clean_and_text

FORM_ID: Final = 298
SLA_AFTER: Final = timedelta(seconds=2)
# Priority → first response and resolution, in calendar hours; the account's one policy.
SLA_POLICY: Final = {
    code: (timedelta(hours=first), timedelta(hours=all_of_it))
    for code, first, all_of_it in ((1, 24, 72), (2, 12, 48), (3, 4, 24), (4, 1, 8))
}
NOTE, REPLY = 2, 0  # `source` of a conversation; another numbering than a ticket's
CONTACT_KEYS: Final = ("email", "phone", "unique_external_id", "twitter_id", "facebook_id")
SET_KEYS: Final = (
    *("subject", "type", "status", "priority", "source", "responder_id", "group_id", "product_id", "company_id"),
    *("email_config_id", "tags", "cc_emails", "due_by", "fr_due_by"),
)


@dataclass(frozen=True, slots=True)
class File:
    """One attachment with its bytes."""

    file_id: int
    name: str
    content_type: str
    content: bytes
    shape: dict[str, Any]


@dataclass(slots=True)
class Ticket:
    """One ticket. `due_is_frozen`: somebody set the due times by hand, so they follow no policy any more."""

    values: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    fields: dict[str, Any]
    files: list[File] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    ratings: list[dict[str, Any]] = field(default_factory=list)
    due_is_frozen: bool = False


class Account:
    """Everything one account holds. Used under the desk's lock."""

    def __init__(self, setup: Setup) -> None:
        self._clock = setup.clock
        self._ids = itertools.count(36_012_621_950)
        self._ticket_ids = itertools.count(1)
        names = freshdesk_field_names(setup.fields)
        self.neutral_names = {name: neutral for neutral, name in names.items()}
        self.field_types = dict.fromkeys(names.values(), "custom_text")
        self.field_labels = {name: label_of(neutral) for neutral, name in names.items()}
        self.groups = {group_id: route for route, group_id in FRESHDESK_GROUP_IDS.items()}
        self.people: dict[int, dict[str, Any]] = {}
        self._person_ids: dict[tuple[str, str], int] = {}  # (email, phone …, its value in small letters) → id
        self.agent_ids: set[int] = set()
        self.tickets: dict[int, Ticket] = {}
        self.by_requester: dict[int, list[int]] = {}
        for person in PEOPLE:
            self._add_person(freshdesk_user_id(person), person.name, person.email, is_agent=person.is_agent)
        self.service_user_id = freshdesk_user_id(SERVICE_USER)

    def now(self) -> str:
        """This moment as Freshdesk writes it."""
        return stamp(self._clock.now())

    # People

    def _add_person(self, person_id: int, name: str, email: str | None, *, is_agent: bool = False) -> dict[str, Any]:
        self.people[person_id] = {"id": person_id, "name": name, "email": email, "mobile": None, "phone": None}
        if is_agent:
            self.agent_ids.add(person_id)
        self._know(person_id, "email", email)
        return self.people[person_id]

    def _know(self, person_id: int, key: str, value: object) -> None:
        if value:
            self.people[person_id][key] = value
            self._person_ids[key, str(value).casefold()] = person_id

    def agent(self, name: str) -> dict[str, Any]:
        """The agent of this name, hired on the spot if there is none."""
        for agent_id in self.agent_ids:
            if self.people[agent_id]["name"] == name:
                return self.people[agent_id]
        return self._add_person(next(self._ids), name, None, is_agent=True)

    def contact(self, key: str, value: object) -> dict[str, Any] | None:
        """The contact with this e-mail, phone or external id."""
        if key == "id":
            return self.people.get(int(str(value))) if str(value).isdigit() else None
        person_id = self._person_ids.get((key, str(value).casefold()))
        return None if person_id is None else self.people[person_id]

    def _requester(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The contact the request names, made now if it is not known."""
        if sent.get("requester_id") in self.people:
            return self.people[sent["requester_id"]]
        named = [key for key in CONTACT_KEYS if sent.get(key)]
        if not named:
            return self._add_person(sent["requester_id"], "Unknown", None)
        known = self.contact(named[0], sent[named[0]])
        if known is not None:
            return known
        name = sent.get("name") or str(sent[named[0]]).partition("@")[0]
        person = self._add_person(next(self._ids), name, sent.get("email"))
        for key in named:
            self._know(person["id"], key, sent[key])
        return person

    # Tickets

    def create(self, sent: Mapping[str, Any], files: Sequence[tuple[str, str, bytes]], base: str) -> Ticket:
        """Make one ticket of a body already found right."""
        requester = self._requester(sent)
        now = self._clock.now()
        ticket_id = next(self._ticket_ids)
        ticket = Ticket(_new_values(ticket_id, requester["id"], stamp(now)), now, now, dict.fromkeys(self.field_types))
        ticket.stats = _new_stats()
        self._set(ticket, sent)
        ticket.files.extend(self.files_of(files, base))
        self.tickets[ticket_id] = ticket
        self.by_requester.setdefault(requester["id"], []).append(ticket_id)
        return ticket

    def update(
        self, ticket: Ticket, sent: Mapping[str, Any], files: Sequence[tuple[str, str, bytes]], base: str
    ) -> None:
        """Change what is named; `tags` is replaced as a whole."""
        status = ticket.values["status"]
        self._set(ticket, sent)
        ticket.files.extend(self.files_of(files, base))
        if ticket.values["status"] != status:
            self._status_moved(ticket, status)
        self.touch(ticket)

    def _set(self, ticket: Ticket, sent: Mapping[str, Any]) -> None:
        values = ticket.values
        values.update({key: sent[key] for key in SET_KEYS if key in sent})
        if sent.get("description") is not None:
            values["description"], values["description_text"] = html_and_text(sent["description"])
        ticket.fields.update(sent.get("custom_fields") or {})
        if "due_by" in sent or "fr_due_by" in sent:
            ticket.due_is_frozen = True

    def _status_moved(self, ticket: Ticket, before: int) -> None:
        now, stats, status = self.now(), ticket.stats, ticket.values["status"]
        stats["status_updated_at"] = now
        stats["pending_since"] = now if status == 3 else None
        if status in (4, 5):
            stats["resolved_at"] = stats["resolved_at"] or now
            stats["closed_at"] = now if status == 5 else None
        elif before in (4, 5):
            stats["reopened_at"], stats["resolved_at"], stats["closed_at"] = now, None, None

    def touch(self, ticket: Ticket) -> None:
        """Something was written: move `updated_at`."""
        ticket.updated_at = self._clock.now()
        ticket.values["updated_at"] = stamp(ticket.updated_at)

    def converse(
        self,
        ticket: Ticket,
        sent: Mapping[str, Any],
        files: Sequence[tuple[str, str, bytes]],
        *,
        source: int,
        user_id: int,
        base: str,
    ) -> dict[str, Any]:
        """Add a note or a reply."""
        now = self.now()
        html, text = html_and_text(sent["body"])
        kept = self.files_of(files, base)
        requester_email = self.people[ticket.values["requester_id"]]["email"]
        private = source == NOTE and sent.get("private", True)
        conversation = {
            "body": html,
            "body_text": text,
            "id": next(self._ids),
            "incoming": bool(sent.get("incoming", False)),
            "private": private,
            "user_id": sent.get("user_id") or user_id,
            "support_email": None,
            "source": source,
            "category": 2 if source == NOTE else 3,
            "ticket_id": ticket.values["id"],
            "to_emails": sent.get("notify_emails") or ([requester_email] if source == REPLY else []),
            "from_email": None,
            "cc_emails": sent.get("cc_emails") or [],
            "bcc_emails": sent.get("bcc_emails") or [],
            "email_failure_count": None,
            "outgoing_failures": None,
            "source_additional_info": None,
            "attachments": [file.shape for file in kept],
            "created_at": now,
            "updated_at": now,
        }
        ticket.conversations.append(conversation)
        ticket.files.extend(kept)
        if source == REPLY and not conversation["incoming"]:
            ticket.stats["agent_responded_at"] = now
            ticket.stats["first_responded_at"] = ticket.stats["first_responded_at"] or now
        self.touch(ticket)
        return conversation

    def rate(self, ticket: Ticket, score: int, feedback: str) -> None:
        """The customer's answer to the survey."""
        now = self.now()
        values = ticket.values
        ticket.ratings.append(
            {
                "id": next(self._ids),
                "survey_id": 1,
                "user_id": values["requester_id"],
                "agent_id": values["responder_id"],
                "feedback": feedback,
                "group_id": values["group_id"],
                "ticket_id": values["id"],
                "ratings": {"default_question": score},
                "created_at": now,
                "updated_at": now,
            }
        )
        self.touch(ticket)

    def files_of(self, files: Sequence[tuple[str, str, bytes]], base: str) -> list[File]:
        """Uploaded files (name, content type, bytes) as attachments."""
        made = []
        for name, content_type, content in files:
            file_id, now = next(self._ids), self.now()
            shape = {
                "id": file_id,
                "content_type": content_type,
                "size": len(content),
                "name": name,
                "attachment_url": f"{base}/attachments/{file_id}/{name}",
                "created_at": now,
                "updated_at": now,
            }
            made.append(File(file_id, name, content_type, content, shape))
        return made

    def shape(self, ticket: Ticket) -> dict[str, Any]:
        """The whole ticket, bare, as a create, an update and a read answer it."""
        own = [f.shape for f in ticket.files if not self._hangs_on_conversation(ticket, f)]
        return {**ticket.values, "custom_fields": dict(ticket.fields), "attachments": own}

    def read(self, ticket: Ticket) -> dict[str, Any]:
        """
        As `shape`, with the due times of the account's SLA policy, which come a little later than the create answer
        (recorded as null there) and follow the priority, unless somebody set them by hand: then they follow nothing.
        """
        shape = self.shape(ticket)
        if not ticket.due_is_frozen and self._clock.now() - ticket.created_at >= SLA_AFTER:
            first, all_of_it = SLA_POLICY[shape["priority"]]
            shape["fr_due_by"], shape["due_by"] = (stamp(ticket.created_at + by) for by in (first, all_of_it))
        return shape

    @staticmethod
    def _hangs_on_conversation(ticket: Ticket, file: File) -> bool:
        return any(file.shape in conversation["attachments"] for conversation in ticket.conversations)


def stamp(at: datetime) -> str:
    """A time as Freshdesk writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def html_and_text(sent: str) -> tuple[str, str]:
    """What is kept of a description or a body, and its words. Bare text comes back in a div."""
    html, text = clean_and_text(sent)
    return (html if "<" in html else f"<div>{html}</div>"), text


def _new_stats() -> dict[str, Any]:
    names = ("agent_responded_at", "requester_responded_at", "first_responded_at", "status_updated_at")
    return dict.fromkeys((*names, "reopened_at", "resolved_at", "closed_at", "pending_since"))


def _new_values(ticket_id: int, requester_id: int, at: str) -> dict[str, Any]:
    """All keys in the recorded order. due_by and fr_due_by are null just after creation (recorded)."""
    return {
        "cc_emails": [],
        "fwd_emails": [],
        "reply_cc_emails": [],
        "ticket_cc_emails": [],
        "ticket_bcc_emails": [],
        "fr_escalated": False,
        "spam": False,
        "email_config_id": None,
        "group_id": None,
        "priority": 1,
        "requester_id": requester_id,
        "responder_id": None,
        "source": 2,
        "company_id": None,
        "status": 2,
        "subject": "",
        "support_email": None,
        "to_emails": None,
        "product_id": None,
        "id": ticket_id,
        "type": None,
        "due_by": None,
        "fr_due_by": None,
        "is_escalated": False,
        "description": "",
        "description_text": "",
        "custom_fields": {},
        "created_at": at,
        "updated_at": at,
        "tags": [],
        "attachments": [],
        "form_id": FORM_ID,
        "nr_due_by": None,
        "nr_escalated": False,
    }
