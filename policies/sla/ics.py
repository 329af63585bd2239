"""
A callback as a calendar invitation (`.ics`): RFC 5545 text with CRLF line ends, every instant in UTC.

source: RFC 5545, sections 3.1 (folding at 75 octets), 3.3.11 (escaping), 3.6.1; RFC 5546 for METHOD. Read 2026-11-21.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

PRODUCT = "-//Baton//Callback//EN"
_LONGEST = 75  # octets of a line, its end left out


@dataclass(frozen=True, slots=True)
class Invitation:
    """
    One appointment. uid: the same for every version of it; sequence: counts its versions, so that a later one replaces
    the earlier in calendars. Addresses are bare e-mail addresses. None of its words is the customer's.
    """

    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    made_at: datetime
    organizer: str
    attendee: str | None = None
    sequence: int = 0
    remind_minutes: int = 15


def render(invitation: Invitation, method: Literal["REQUEST", "CANCEL"] = "REQUEST") -> str:
    """The whole file. CANCEL takes the appointment out of calendars again; it needs a higher sequence."""
    cancelled = method == "CANCEL"
    event = [
        "BEGIN:VEVENT",
        f"UID:{_text(invitation.uid)}",
        f"DTSTAMP:{_instant(invitation.made_at)}",
        f"DTSTART:{_instant(invitation.starts_at)}",
        f"DTEND:{_instant(invitation.ends_at)}",
        f"SEQUENCE:{invitation.sequence}",
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        f"SUMMARY:{_text(invitation.summary)}",
        f"DESCRIPTION:{_text(invitation.description)}",
        f"ORGANIZER:mailto:{_address(invitation.organizer)}",
        *_attendee(invitation),
        *([] if cancelled else _reminder(invitation)),
        "END:VEVENT",
    ]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    return "".join(f"{_folded(line)}\r\n" for line in [*head, *event, "END:VCALENDAR"])


def _attendee(invitation: Invitation) -> list[str]:
    if invitation.attendee is None:
        return []
    return [f"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{_address(invitation.attendee)}"]


def _reminder(invitation: Invitation) -> list[str]:
    return [
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(invitation.summary)}",
        f"TRIGGER:-PT{invitation.remind_minutes}M",
        "END:VALARM",
    ]


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("an invitation needs times with a time zone")
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Escaped; a control character would end the line, and what follows would be read as a property of its own."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    lines = escaped.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\\n".join("".join(c for c in line if c == "\t" or c.isprintable()) for line in lines)


def is_bare_address(value: str) -> bool:
    """Whether it can stand in an invitation: an e-mail address without a name or signs around it."""
    return "@" in value and value.isprintable() and not any(c in value for c in ' ";,:<>')


def _address(value: str) -> str:
    if not is_bare_address(value):
        raise ValueError("an invitation needs bare e-mail addresses, without names or signs around them")
    return value


def _folded(line: str) -> str:
    """Cut into lines of at most 75 octets, the next ones begun with a space, and never inside a character."""
    parts, size, current = [], 0, ""
    for character in line:
        octets = len(character.encode())
        if size + octets > _LONGEST:
            parts.append(current)
            current, size = "", 1  # the space that begins it
        current += character
        size += octets
    return "\r\n ".join([*parts, current])
