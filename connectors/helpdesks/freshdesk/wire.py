"""
Freshdesk's spelling of our tickets, both ways. Pure.

Freshdesk shows a ticket's description to its requester, so only `public_text` goes there; the packet is a private note.
source: Freshdesk API v2, "Create a Ticket", "Create a Note", "List All Tickets", read 2026-11-21 through the vendor's
samples (freshdesk/fresh-samples) and the client DaveTCode/FreshdeskApiDotnet.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.helpdesks.text import cut, email_address, has_marker, html_of, linked, marker, news
from connectors.ports import FieldMap
from packets.draft import (
    DraftAttachment,
    Priority,
    Rating,
    Requester,
    TicketDraft,
    TicketRef,
    TicketState,
    TicketStatus,
    TicketUpdate,
)
from packets.render.sanitise import harmless, one_line

SYSTEM = "Freshdesk"

# 1 is the least urgent here; ServiceNow counts the other way round.
PRIORITY_CODES = {Priority.LOW: 1, Priority.NORMAL: 2, Priority.HIGH: 3, Priority.CRITICAL: 4}
PRIORITIES = {code: priority for priority, code in PRIORITY_CODES.items()}

# 6 and 7 are what a standard account calls "waiting on customer" and "waiting on third party". An account's own
# statuses (8 and up) count as open: a clock that runs on is the safer mistake.
STATUSES = {
    2: TicketStatus.OPEN,
    3: TicketStatus.WAITING_ON_CUSTOMER,
    4: TicketStatus.SOLVED,
    5: TicketStatus.CLOSED,
    6: TicketStatus.WAITING_ON_CUSTOMER,
    7: TicketStatus.WAITING_ON_THIRD_PARTY,
}
STATUS_OPEN = 2
OVER = frozenset({4, 5})  # both may be opened again; Freshdesk has no final state
SOURCE_CHAT = 7

LONGEST_SUBJECT = 255
LONGEST_FIELD = 255  # of a single-line custom field
LONGEST_DESCRIPTION = 60_000
LONGEST_TAG = 32  # unverified; a longer one would have the whole ticket refused

NOTE_FILE = "handoff-note.txt"
CUT_NOTE = f"<p><b>This note is cut. The whole of it is in the attached {NOTE_FILE}.</b></p>"

_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,30}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")


def check_field_map(field_map: FieldMap) -> list[str]:
    """What cannot work, said for whoever wrote the file."""
    problems = []
    if not field_map.fields.get("packet_id"):
        problems.append(
            "the field map names no custom field for packet_id, so a ticket could not be found again; "
            "create one and name it under `fields: packet_id:`"
        )
    wrong = sorted(route for route, group in field_map.groups.items() if not _NUMBER.fullmatch(str(group)))
    return [*problems, *(f"the group of route {route!r} is not a Freshdesk group number" for route in wrong)]


def ticket_body(draft: TicketDraft, key: str, field_map: FieldMap) -> dict[str, Any]:
    """The body of "Create a Ticket". Never `due_by`: it takes the clock from the account's SLA policies for good."""
    body: dict[str, Any] = {
        **requester(draft.requester, key),
        "subject": cut(one_line(draft.subject), LONGEST_SUBJECT) or "Conversation from a chatbot",
        "description": html_of(cut(harmless(draft.public_text), LONGEST_DESCRIPTION)) or "(no text)",
        "status": STATUS_OPEN,
        "priority": PRIORITY_CODES[draft.priority],
        "source": SOURCE_CHAT,
        "custom_fields": {**custom_fields(draft.fields, field_map), field_map.fields["packet_id"]: key},
    }
    if draft.follows and (column := field_map.fields.get("follows")):
        body["custom_fields"][column] = draft.follows.ticket_id
    if draft.tags:
        body["tags"] = tags_of(draft.tags)
    group = group_id(draft, field_map)
    return body if group is None else {**body, "group_id": group}


def requester(person: Requester, key: str) -> dict[str, str]:
    """
    Who asks. A usable e-mail address alone names a contact; without one it is our external id for them (or the
    packet's), and Freshdesk makes a contact. A broken address would have the whole ticket refused, so it is left out.
    """
    name = cut(one_line(person.name), LONGEST_FIELD) or "Customer"
    email = email_address(person.email)
    if email:
        return {"email": email, "name": name}
    found = {"unique_external_id": external_id(person, key), "name": name}
    phone = (person.phone or "").strip()
    return {**found, "phone": phone} if _PHONE.fullmatch(phone) else found


def external_id(person: Requester, key: str) -> str:
    return cut(one_line(person.external_id or ""), LONGEST_FIELD) or key


def custom_fields(fields: Mapping[str, str], field_map: FieldMap) -> dict[str, str]:
    """The neutral fields this account has a custom field for; the packet id is not among them."""
    return {
        field_map.fields[name]: cut(one_line(value), LONGEST_FIELD)
        for name, value in fields.items()
        if name in field_map.fields and name != "packet_id"
    }


def group_id(draft: TicketDraft, field_map: FieldMap) -> int | None:
    group = field_map.group_of(draft)
    return int(group) if group else None


def changes(ticket: Mapping[str, Any], update: TicketUpdate, field_map: FieldMap) -> dict[str, Any]:
    """What of `update` the ticket lacks, as a body of "Update a Ticket"; empty = nothing to do."""
    body: dict[str, Any] = {}
    if update.priority and ticket.get("priority") != PRIORITY_CODES[update.priority]:
        body["priority"] = PRIORITY_CODES[update.priority]
    there = ticket.get("custom_fields")
    there = there if isinstance(there, Mapping) else {}
    wanted = custom_fields(update.fields, field_map)
    if different := {name: value for name, value in wanted.items() if (there.get(name) or "") != value}:
        body["custom_fields"] = different
    if tags := with_tags(ticket, update.tags):
        body["tags"] = tags
    group = field_map.groups.get(update.group or "")
    if group and ticket.get("group_id") != int(group):
        body["group_id"] = int(group)
    if update.reopen and ticket.get("status") in OVER:
        body["status"] = STATUS_OPEN
    return body


def tags_of(words: Iterable[str]) -> list[str]:
    """Tags as Freshdesk takes them: no commas, each once, in order."""
    cleaned = (cut(one_line(word.replace(",", " ")), LONGEST_TAG) for word in words)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def with_tags(ticket: Mapping[str, Any], wanted: Iterable[str]) -> list[str]:
    """The ticket's tags and ours, because Freshdesk replaces the whole list; empty if ours are all there."""
    there = ticket.get("tags")
    there = [tag for tag in there if isinstance(tag, str)] if isinstance(there, list) else []
    # Freshdesk keeps the spelling of a tag that exists in another case.
    known = {tag.casefold() for tag in there}
    missing = [tag for tag in tags_of(wanted) if tag.casefold() not in known]
    return [*there, *missing] if missing else []


def lookup(draft: TicketDraft, key: str) -> dict[str, str]:
    """How "List All Tickets" is narrowed to the requester that `ticket_body` names."""
    email = email_address(draft.requester.email)
    return {"email": email} if email else {"unique_external_id": external_id(draft.requester, key)}


def carries(ticket: Mapping[str, Any], field: str, key: str) -> bool:
    custom = ticket.get("custom_fields")
    return isinstance(custom, Mapping) and custom.get(field) == key


def note(draft: TicketDraft, key: str, limit: int) -> tuple[str, tuple[DraftAttachment, ...]]:
    """
    The packet's private note as HTML, and the files that must travel with it: the transcript if the whole note is too
    long; and if even the short one is (facts without end), its beginning with the whole note as a second file.
    """
    draft = linked(draft)
    # The sanitiser may drop comments and attributes, so the marker is text.
    end = f"<p>{html.escape(marker(key))}</p>"
    transcript = (draft.transcript_attachment,) if draft.transcript_attachment else ()
    whole, short = harmless(draft.note_html) + end, harmless(draft.note_short_html) + end
    if len(whole) <= limit:
        return whole, ()
    if len(short) <= limit:
        return short, transcript
    said = html_of(harmless(draft.note_short_text))
    # An entity or tag cut in two would be shown as rubbish, so the end goes back to before it.
    room = limit - len(CUT_NOTE) - len(end)
    begun = re.sub(r"[&<][^;>]{0,6}$", "", said[:room])
    return CUT_NOTE + begun + end, (*transcript, DraftAttachment(NOTE_FILE, draft.note_text))


def news_note(update: TicketUpdate, limit: int) -> tuple[str, tuple[DraftAttachment, ...]]:
    """An update's private note as HTML, and the file that must travel with it if it is too long."""
    return news(update, limit, html_of)


def is_our_note(conversation: Mapping[str, Any], key: str) -> bool:
    """A private note that ends with our marker. What customers send is never private, so they cannot fake it."""
    if conversation.get("private") is not True or conversation.get("incoming") is True:
        return False
    text = f"{conversation.get('body_text') or ''}\n{conversation.get('body') or ''}"
    return has_marker(text, key)


def ticket_ref(ticket: Mapping[str, Any], base_url: str) -> TicketRef | None:
    """None if the object has no ticket id."""
    number = ticket.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return TicketRef(str(number), f"{base_url}/a/tickets/{number}")


def states_of_ours(rows: Iterable[Mapping[str, Any]], field: str, base_url: str) -> list[TicketState]:
    """Those of a list that carry a packet id."""
    refs = ((row, ticket_ref(row, base_url)) for row in rows)
    states = [ticket_state(row, ref, field) for row, ref in refs if ref is not None]
    return [state for state in states if state.packet_id is not None]


def packet_id(ticket: Mapping[str, Any], field: str) -> str | None:
    custom = ticket.get("custom_fields")
    key = custom.get(field) if isinstance(custom, Mapping) else None
    return key if isinstance(key, str) and _KEY.fullmatch(key) else None


def ticket_state(ticket: Mapping[str, Any], ref: TicketRef, packet_field: str) -> TicketState:
    """A ticket read with `include=stats`. packet_field: the custom field that holds our key."""
    stats = ticket.get("stats")
    stats = stats if isinstance(stats, Mapping) else {}
    status = STATUSES.get(_number(ticket.get("status")), TicketStatus.OPEN)
    is_over = status in (TicketStatus.SOLVED, TicketStatus.CLOSED)
    agent, group = ticket.get("responder_id"), ticket.get("group_id")
    return TicketState(
        ref=ref,
        status=status,
        priority=PRIORITIES.get(_number(ticket.get("priority"))),
        first_human_reply_at=moment(stats.get("first_responded_at")),
        solved_at=(moment(stats.get("resolved_at")) or moment(stats.get("closed_at"))) if is_over else None,
        assignee=None if agent is None else str(agent),
        updated_at=moment(ticket.get("updated_at")),
        group=None if group is None else str(group),
        packet_id=packet_id(ticket, packet_field),
    )


def rating(rows: Any) -> Rating | None:
    """
    The newest answer to the account's survey: 101 to 103 happy, 100 neutral, -101 to -103 unhappy.
    source: Freshdesk API v2, "View Satisfaction Rating of a Ticket", read 2026-11-21 through FreshdeskApiDotnet.
    """
    given = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    if not given:
        return None
    scores = max(given, key=lambda row: str(row.get("created_at"))).get("ratings")
    score = _number(scores.get("default_question")) if isinstance(scores, Mapping) else 0
    if not 100 <= abs(score) <= 103:
        return None
    return Rating.NEUTRAL if score == 100 else Rating.GOOD if score > 0 else Rating.BAD


def moment(value: Any) -> datetime | None:
    """ISO 8601 with `Z` or an offset (older endpoints) as UTC; None if it is no such time."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def field_errors(body: Any) -> tuple[str, ...]:
    """
    Which field was refused and why, as names and codes. The messages are left out: they quote what the customer wrote.
    """
    if not isinstance(body, Mapping):
        return ()
    errors = body.get("errors")
    if not isinstance(errors, list):
        code = _safe(body.get("code"))
        return (code,) if code else ()
    pairs = ((_safe(e.get("field")), _safe(e.get("code"))) for e in errors if isinstance(e, Mapping))
    return tuple(f"{field or 'a field'}: {code or 'refused'}" for field, code in pairs)


def _safe(value: Any) -> str | None:
    return value if isinstance(value, str) and _SAFE_NAME.fullmatch(value) else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
