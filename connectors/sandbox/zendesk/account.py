"""
One Zendesk account: its users, groups, fields and tickets, and the rules by which a ticket may be written.
source: Zendesk API, "Tickets", OpenAPI file 2.0.0 and recorded answers, read 2026-11-21.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.sandbox.accounts import (
    NEUTRAL_FIELDS,
    PEOPLE,
    SERVICE_USER,
    ZENDESK_GROUP_IDS,
    label_of,
    zendesk_field_ids,
    zendesk_user_id,
)
from connectors.sandbox.desk import Setup
from connectors.sandbox.html import clean_and_text
from connectors.sandbox.zendesk import shapes
from connectors.sandbox.zendesk.checks import EMAIL, check_types
from connectors.sandbox.zendesk.refusals import invalid_field

FIRST_GROUP: Final = ZENDESK_GROUP_IDS["support"]
COMMENT_LIMIT: Final = 65_535  # characters; about 65 000 by Zendesk's own staff, the exact number is unverified

# Keys of a ticket that are simply kept as sent, in the order of the audit events they make.
PLAIN_KEYS: Final = ("subject", "requester_id", "priority", "type", "status", "assignee_id", "group_id", "external_id")


@dataclass(slots=True)
class Upload:
    """A file that waits for its comment, or hangs on one."""

    file_id: int
    name: str
    content_type: str
    content: bytes
    shape: dict[str, Any]
    attached: bool = False


@dataclass(slots=True)
class Ticket:
    """One ticket; `audits` hold its whole history, comments included."""

    values: dict[str, Any]
    created_at: datetime
    fields: dict[int, Any] = field(default_factory=dict)
    audits: list[dict[str, Any]] = field(default_factory=list)
    files: list[Upload] = field(default_factory=list)

    def comments(self) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
        """Every comment with the audit it came in, oldest first."""
        for audit in self.audits:
            for event in audit["events"]:
                if event["type"] == "Comment":
                    yield event, audit


@dataclass(frozen=True, slots=True)
class Writer:
    """Who makes a change, through which client, seen at which address."""

    user_id: int
    base: str
    client: str = "sandbox"


class Account:
    """Everything one Zendesk account holds. Used under the desk's lock."""

    def __init__(self, setup: Setup) -> None:
        self._clock = setup.clock
        self._ids = itertools.count(33_144_692_244_499, 128)
        self._ticket_ids = itertools.count(1)
        self.neutral_names = {field_id: name for name, field_id in zendesk_field_ids(setup.fields).items()}
        self.field_titles = {field_id: label_of(name) for field_id, name in self.neutral_names.items()}
        self.field_shapes: dict[int, dict[str, Any]] = {}
        # Every account begins with one group; which is the default is told by the group itself.
        every = {group_id: route for route, group_id in ZENDESK_GROUP_IDS.items()}
        self.groups = {FIRST_GROUP: every[FIRST_GROUP]} if setup.bare else every
        self.users: dict[int, dict[str, Any]] = {}
        self._user_ids: dict[tuple[str, str], int] = {}  # (email or external_id, its value in small letters) → id
        self.tickets: dict[int, Ticket] = {}
        self.by_external_id: dict[str, list[int]] = {}
        self.uploads: dict[str, Upload] = {}
        for person in PEOPLE:
            self._add_user(zendesk_user_id(person), person.name, person.email, person.is_agent, person.suspended)
        self.service_user_id = zendesk_user_id(SERVICE_USER)

    def next_id(self) -> int:
        """An id as large as the real ones."""
        return next(self._ids)

    # Users

    def _add_user(
        self, user_id: int, name: str, email: str | None, is_agent: bool = False, suspended: bool = False
    ) -> dict[str, Any]:
        role = "admin" if is_agent else "end-user"
        self.users[user_id] = {
            "id": user_id,
            "name": name,
            "email": email,
            "role": role,
            "suspended": suspended,
            "created_at": shapes.stamp(self._clock.now()),
        }
        if email:
            self._user_ids["email", email.casefold()] = user_id
        return self.users[user_id]

    def user_by_email(self, email: str) -> dict[str, Any] | None:
        """The user with this e-mail; Zendesk does not regard the case."""
        return self._user_by("email", email)

    def _user_by(self, key: str, value: object) -> dict[str, Any] | None:
        user_id = self._user_ids.get((key, str(value).casefold()))
        return None if user_id is None else self.users[user_id]

    def agent(self, name: str) -> dict[str, Any]:
        """The agent of this name, hired on the spot if there is none."""
        for user in self.users.values():
            if user["name"] == name and user["role"] != "end-user":
                return user
        return self._add_user(self.next_id(), name, None, is_agent=True)

    def upsert_user(self, wanted: Mapping[str, Any], where: str = "requester") -> tuple[dict[str, Any], bool]:
        """The user found by e-mail or external id, or made now; and whether it was made."""
        email, name = wanted.get("email"), wanted.get("name")
        if email is not None and not (isinstance(email, str) and EMAIL.fullmatch(email)):
            raise invalid_field(where, f"{where.capitalize()}: Email: is not properly formatted", "InvalidFormat")
        key = "email" if email else "external_id"
        found = self._user_by(key, wanted[key]) if wanted.get(key) else None
        if found is not None:
            if found["suspended"]:
                raise invalid_field(where, f"{where.capitalize()}: {found['name']} is suspended.", "UserSuspended")
            return found, False
        if not isinstance(name, str) or not name.strip():
            raise invalid_field(where, f"{where.capitalize()}: Name: is too short (minimum one characters)")
        user = self._add_user(self.next_id(), name.strip(), email)
        user.update({key: wanted[key] for key in ("phone", "external_id", "locale_id") if key in wanted})
        if wanted.get("external_id"):
            self._user_ids["external_id", str(wanted["external_id"]).casefold()] = user["id"]
        return user, True

    def users_by_email(self, email: str) -> list[dict[str, Any]]:
        """Everybody with exactly this address (the search for users)."""
        user = self.user_by_email(email)
        return [user] if user else []

    # Custom fields

    def add_field(self, shape: dict[str, Any]) -> None:
        """A field made by an API call; one that is called as ours is shown under our neutral name too."""
        field_id, title = shape["id"], shape["title"]
        self.field_titles[field_id] = title
        self.field_shapes[field_id] = shape
        names = {label_of(name): name for name in NEUTRAL_FIELDS}
        if title in names:
            self.neutral_names[field_id] = names[title]

    # Tickets

    def create(self, wanted: Mapping[str, Any], by: Writer) -> Ticket:
        """Make one ticket, or raise Refusal and make nothing."""
        comment = self._comment_of(wanted)
        changes = self._checked(wanted)
        uploads = self._uploads_of(comment)
        author = self._author(wanted.get("submitter_id"), comment, by)
        requester = self._requester(wanted, by)
        now = self._clock.now()
        ticket_id = next(self._ticket_ids)
        ticket = Ticket(shapes.new_ticket(ticket_id, requester["id"], by.user_id, now), created_at=now)
        values = ticket.values
        values.update(changes)
        values["requester_id"] = requester["id"]
        if requester["role"] != "end-user":
            values["organization_id"] = shapes.ORGANIZATION_ID
        if "status" not in changes and values["assignee_id"]:
            values["status"] = "open"
        self._settle(ticket)
        ticket.fields.update(self._fields_of(wanted))
        event = self._comment_event(comment, uploads, author)
        values["description"] = event["body"]
        values["is_public"] = event["public"]
        values["subject"] = values["raw_subject"] = values["subject"] or event["plain_body"][:150]
        self._audit(ticket, [event, *self._create_events(ticket)], wanted.get("metadata"), by)
        ticket.files.extend(uploads)
        self.tickets[ticket_id] = ticket
        if values["external_id"]:
            self.by_external_id.setdefault(values["external_id"], []).append(ticket_id)
        return ticket

    def update(self, ticket: Ticket, wanted: Mapping[str, Any], by: Writer) -> dict[str, Any]:
        """Change what is named, in one audit; answers the audit. Raises Refusal and changes nothing."""
        if ticket.values["status"] == "closed":
            raise invalid_field("status", "Status: closed prevents ticket update")
        changes = self._checked(wanted)
        comment = self._comment_of(wanted) if wanted.get("comment") else None
        uploads = self._uploads_of(comment) if comment else []
        author = self._author(None, comment, by) if comment else by.user_id
        if "requester" in wanted:
            changes["requester_id"] = self._requester(wanted, by)["id"]
        events: list[dict[str, Any]] = []
        if comment is not None:
            events.append(self._comment_event(comment, uploads, author))
            ticket.values["is_public"] = ticket.values["is_public"] or events[0]["public"]
        old_key = ticket.values["external_id"]
        events += [self._change(ticket.values, key, value) for key, value in changes.items()]
        events += [self._change_field(ticket, i, value) for i, value in self._fields_of(wanted).items()]
        self._settle(ticket)
        self._move_key(ticket, old_key)
        ticket.files.extend(uploads)
        real = [event for event in events if event]
        if real:
            ticket.values["updated_at"] = shapes.stamp(self._clock.now())
        return self._audit(ticket, real, wanted.get("metadata"), by, kept=bool(real))

    def set_tags(self, ticket: Ticket, tags: list[str], by: Writer) -> None:
        """Replace the tags, in an audit of its own."""
        self.update(ticket, {"tags": tags}, by)

    def _move_key(self, ticket: Ticket, old_key: str | None) -> None:
        key = ticket.values["external_id"]
        if key == old_key:
            return
        if old_key:
            self.by_external_id[old_key].remove(ticket.values["id"])
        if key:
            self.by_external_id.setdefault(key, []).append(ticket.values["id"])

    def _settle(self, ticket: Ticket) -> None:
        ticket.values["raw_subject"] = ticket.values["subject"]
        ticket.values["custom_status_id"] = shapes.CUSTOM_STATUS_IDS[ticket.values["status"]]

    def _checked(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The plain keys sent, each looked at. Wordings unverified except where a recording has them."""
        check_types(wanted)
        changes = {key: wanted[key] for key in (*PLAIN_KEYS, "due_at") if key in wanted}
        if changes.get("status", "") is None:
            del changes["status"]
        if changes.get("group_id") is not None and changes["group_id"] not in self.groups:
            raise invalid_field("group", "Group: is invalid", "InvalidValue")
        for key in ("assignee_id", "requester_id"):
            if changes.get(key) is not None and changes[key] not in self.users:
                raise invalid_field(key.removesuffix("_id"), f"{key.removesuffix('_id').capitalize()}: is invalid")
        if changes.get("external_id") is not None:
            changes["external_id"] = str(changes["external_id"])
        if isinstance(wanted.get("tags"), list | str):
            changes["tags"] = tags_of(wanted["tags"])
        return changes

    def _comment_of(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        comment = wanted.get("comment")
        if comment is None and wanted.get("description") is not None:
            comment = {"body": wanted["description"]}
        if isinstance(comment, str):
            comment = {"body": comment}
        if not isinstance(comment, dict) or not (comment.get("body") or comment.get("html_body")):
            raise invalid_field("base", "Description: cannot be blank", "BlankValue")
        text = str(comment.get("html_body") or comment.get("body"))
        if len(text) > COMMENT_LIMIT:
            raise invalid_field("comment", f"Comment: is too long (maximum is {COMMENT_LIMIT} characters)", "TooLong")
        return comment

    def _comment_event(self, comment: Mapping[str, Any], uploads: list[Upload], author_id: int) -> dict[str, Any]:
        if comment.get("html_body"):
            cleaned, text = clean_and_text(str(comment["html_body"]))
            html = shapes.wrapped(cleaned)
        else:
            text = str(comment["body"])
            html = shapes.comment_html(text)
        for upload in uploads:
            upload.attached = True
        return {
            "id": self.next_id(),
            "type": "Comment",
            "author_id": author_id,
            "body": text,
            "html_body": html,
            "plain_body": text,
            "public": comment.get("public") is not False,
            "attachments": [upload.shape for upload in uploads],
        }

    def _uploads_of(self, comment: Mapping[str, Any]) -> list[Upload]:
        """The files named by their tokens: a list, or one token alone. What a wrong token gets is unverified."""
        tokens = comment.get("uploads") or []
        uploads = [self.uploads.get(str(token)) for token in ([tokens] if isinstance(tokens, str) else tokens)]
        found = [upload for upload in uploads if upload is not None and not upload.attached]
        if len(found) < len(uploads):
            raise invalid_field("base", "Uploads: token is invalid", "InvalidValue")
        return found

    def _author(self, submitter_id: object, comment: Mapping[str, Any], by: Writer) -> int:
        author = comment.get("author_id") or submitter_id or by.user_id
        if author not in self.users:
            raise invalid_field("author", "Author: is invalid", "InvalidValue")
        return int(str(author))

    def _requester(self, wanted: Mapping[str, Any], by: Writer) -> dict[str, Any]:
        if isinstance(wanted.get("requester"), dict):
            return self.upsert_user(wanted["requester"])[0]
        return self.users[wanted.get("requester_id") or by.user_id]

    def _fields_of(self, wanted: Mapping[str, Any]) -> dict[int, Any]:
        """Custom fields by id. Unknown fields and unknown options of a drop-down are dropped without a word."""
        sent = wanted.get("custom_fields") or wanted.get("fields") or []
        pairs = sent.items() if isinstance(sent, dict) else [(f.get("id"), f.get("value")) for f in sent]
        fields: dict[int, Any] = {}
        for key, value in pairs:
            if not str(key).isdigit() or int(key) not in self.field_titles:
                continue
            options = (self.field_shapes.get(int(key)) or {}).get("custom_field_options")
            if value is None or options is None or value in [option.get("value") for option in options]:
                fields[int(key)] = value
        return fields

    def _create_events(self, ticket: Ticket) -> list[dict[str, Any]]:
        values = ticket.values
        always = ("subject", "requester_id", "priority", "type", "status")
        later = ("assignee_id", "group_id", "external_id", "tags")
        standing = ("organization_id", "brand_id", "ticket_form_id", "custom_status_id")
        named = [(key, values[key]) for key in always]
        named += [(key, values[key]) for key in (*later, *standing) if values[key]]
        named += [(str(field_id), value) for field_id, value in ticket.fields.items()]
        return [
            {"id": self.next_id(), "type": "Create", "value": _spelt(value), "field_name": key} for key, value in named
        ]

    def _change(self, values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
        before, values[key] = values[key], value
        return self._change_event(key, before, value)

    def _change_field(self, ticket: Ticket, field_id: int, value: Any) -> dict[str, Any]:
        before, ticket.fields[field_id] = ticket.fields.get(field_id), value
        return self._change_event(str(field_id), before, value)

    def _change_event(self, key: str, before: Any, value: Any) -> dict[str, Any]:
        """Empty when nothing changed: Zendesk makes no event then."""
        if before == value:
            return {}
        event = {"id": self.next_id(), "type": "Change", "value": _spelt(value), "field_name": key}
        return {**event, "previous_value": _spelt(before)}

    def _audit(
        self, ticket: Ticket, events: list[dict[str, Any]], custom: object, by: Writer, kept: bool = True
    ) -> dict[str, Any]:
        audit_id = self.next_id()
        for event in events:
            if event["type"] == "Comment":
                event["audit_id"] = audit_id
        audit = {
            "id": audit_id,
            "ticket_id": ticket.values["id"],
            "created_at": shapes.stamp(self._clock.now()),
            "author_id": by.user_id,
            "metadata": shapes.system_metadata(custom if isinstance(custom, dict) else {}, by.client),
            "events": events,
            "via": shapes.via(),
        }
        if kept:
            ticket.audits.append(audit)
        return audit


def tags_of(sent: list[Any] | str) -> list[str]:
    """A tag holds no space: one that does becomes two (unverified). Each once, in order."""
    words = sent.split() if isinstance(sent, str) else [word for tag in sent for word in str(tag).split()]
    return list(dict.fromkeys(words))


def _spelt(value: Any) -> Any:
    """Inside audit events a number is a string (recorded)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
