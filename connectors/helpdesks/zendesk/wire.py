"""
Zendesk's spelling of our tickets, both ways. Pure.

The packet is the ticket's first comment and private, so nothing of it reaches the customer, and `public_text` is not
sent at all. Whatever comes from a conversation is made harmless once more here, whoever rendered it.
source: Zendesk Support API, "Tickets" (OpenAPI 2.0.0) and recorded answers, read 2026-11-21.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.helpdesks.text import email_address, linked
from connectors.ports import FieldMap
from packets.draft import (
    DraftAttachment,
    Priority,
    Requester,
    TicketDraft,
    TicketUpdate,
)
from packets.render.sanitise import harmless, one_line, shortened

SYSTEM = "Zendesk"

PRIORITY_WORDS = {
    Priority.CRITICAL: "urgent",
    Priority.HIGH: "high",
    Priority.NORMAL: "normal",
    Priority.LOW: "low",
}
PRIORITIES = {word: priority for priority, word in PRIORITY_WORDS.items()}

LONGEST_SUBJECT = 150
LONGEST_NAME = 100
LONGEST_FIELD = 1_000
NOBODYS_DOMAIN = "customer.invalid"  # RFC 2606: never delivered to anybody

_NOT_IN_TAG = re.compile(r"[^\w./:-]+")
_NUMBER = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Note:
    """The packet as one private comment, and the files that must travel with it."""

    html: str
    files: tuple[DraftAttachment, ...] = ()


def ticket_body(
    draft: TicketDraft, key: str, field_map: FieldMap, note_limit: int, not_these: Collection[str] = ()
) -> bytes:
    """
    The create request, frozen: the same bytes on every attempt, or Zendesk refuses the Idempotency-Key. not_these:
    addresses that cannot be the requester's.
    """
    ticket: dict[str, Any] = {
        "subject": shortened(one_line(draft.subject), LONGEST_SUBJECT) or "Conversation from a chatbot",
        "comment": {"html_body": note(draft, note_limit).html, "public": False},
        "requester": requester(draft.requester, key, not_these),
        "external_id": key,
        "priority": PRIORITY_WORDS[draft.priority],
        "tags": tags(draft.tags),
        "custom_fields": custom_fields({**draft.fields, "packet_id": key}, field_map),
    }
    group = field_map.group_of(draft)
    if group is not None:
        ticket["group_id"] = int(group)
    return json.dumps({"ticket": ticket}, separators=(",", ":")).encode("ascii")


def note(draft: TicketDraft, limit: int) -> Note:
    """
    The whole note if it fits; else the short one with the transcript as a file; and if even that is too long (facts
    without end), its beginning with the whole note as a second file. Nothing is cut without saying so.
    """
    draft = linked(draft)
    transcript = (draft.transcript_attachment,) if draft.transcript_attachment else ()
    whole, short = harmless(draft.note_html), harmless(draft.note_short_html)
    if len(whole) <= limit:
        return Note(whole)
    if len(short) <= limit:
        return Note(short, transcript)
    told = "<p><b>This note is cut. The whole of it is in the attached handoff-note.txt.</b></p>"
    text = harmless(draft.note_short_text)
    while len(shown := told + html.escape(text).replace("\n", "<br>")) > limit:
        text = text[: -max(1, (len(shown) - limit) // 6)]  # an escaped character takes up to six
    return Note(shown, (*transcript, DraftAttachment("handoff-note.txt", draft.note_text)))


def requester(person: Requester, key: str, not_these: Collection[str] = ()) -> dict[str, str]:
    """
    Zendesk finds or makes the user by e-mail, and makes *us* the requester if the ticket names none. A customer
    without a usable address therefore gets one that nobody has, `<key>@customer.invalid`; so does one who gave the
    address of our own service user, or of a user the account has suspended, for whom Zendesk refuses the ticket.
    Agents read the real contact data in the note. not_these: those addresses, in lower case.
    source: OpenAPI TicketCreateInput; "Name: is too short" facetoe/zenpy#287; "UserSuspended" mozilla/sumo#2670; read
    2026-11-21.
    """
    name = shortened(one_line(person.name), LONGEST_NAME)
    email = email_address(person.email)
    if email is None or email in not_these:
        email = f"{_NOT_IN_TAG.sub('-', key).strip('.-/:').lower()[:60] or 'unknown'}@{NOBODYS_DOMAIN}"
    return {"name": name if len(name) >= 2 else f"Customer {name}".strip(), "email": email}


def tags(words: Iterable[str]) -> list[str]:
    """Tags without blanks, which would make two of one; each once, in order."""
    cleaned = (_NOT_IN_TAG.sub("_", harmless(word).strip()).strip("_").lower()[:80] for word in words)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def custom_fields(values: Mapping[str, str], field_map: FieldMap) -> list[dict[str, Any]]:
    """Those values the account has a field for. The others stand in the note."""
    return [
        {"id": int(field_id), "value": shortened(one_line(values[name]), LONGEST_FIELD)}
        for name, field_id in field_map.fields.items()
        if name in values
    ]


def check_field_map(field_map: FieldMap) -> list[str]:
    """What is wrong with a field map, in words; empty = nothing. Zendesk's fields and groups are numbers."""
    return [
        f"{part} {name!r} must be Zendesk's number of it, not {value!r}"
        for part, entries in (("fields", field_map.fields), ("groups", field_map.groups))
        for name, value in entries.items()
        if not _NUMBER.fullmatch(str(value))
    ]


def fields_not_kept(body: bytes, ticket: Mapping[str, Any]) -> list[int]:
    """Ids of the custom fields sent that are not on the ticket: what Zendesk does not know it drops without a word."""
    sent = json.loads(body)["ticket"]["custom_fields"]
    kept = _field_values(ticket)
    return [field["id"] for field in sent if field["value"] and not kept.get(field["id"])]


def changes(ticket: Mapping[str, Any], update: TicketUpdate, field_map: FieldMap) -> dict[str, Any]:
    """What an update must set on this ticket: only what differs, because 30 updates in 10 minutes is the limit."""
    wanted: dict[str, Any] = {}
    if update.priority and ticket.get("priority") != PRIORITY_WORDS[update.priority]:
        wanted["priority"] = PRIORITY_WORDS[update.priority]
    has = _field_values(ticket)
    fields = [f for f in custom_fields(update.fields, field_map) if (has.get(f["id"]) or "") != f["value"]]
    return {**wanted, "custom_fields": fields} if fields else wanted


def missing_tags(ticket: Mapping[str, Any], words: Sequence[str]) -> list[str]:
    """Those of our tags the ticket does not have yet."""
    has = set(ticket.get("tags") or ())
    return [tag for tag in tags(words) if tag not in has]


def _field_values(ticket: Mapping[str, Any]) -> dict[Any, Any]:
    fields = ticket.get("custom_fields") or ticket.get("fields") or []
    return {field.get("id"): field.get("value") for field in fields if isinstance(field, Mapping)}
