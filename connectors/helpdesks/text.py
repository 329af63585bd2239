"""
What every helpdesk's `wire.py` asks of words it did not write, beyond making them harmless (packets.render.sanitise):
lengths, addresses, the line by which a note of ours is known again, the link to an earlier ticket.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

from packets.draft import DraftAttachment, TicketDraft, TicketUpdate
from packets.render.sanitise import harmless, one_line

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/?_{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a visible mark where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def email_address(text: str | None) -> str | None:
    """
    The address in lower case, or None if it is not plainly one. Strict on purpose: a helpdesk refuses the whole ticket
    for a broken address, and `^` and `=` mean something in ServiceNow's queries.
    """
    email = (text or "").strip().lower()
    return email if len(email) <= 254 and _EMAIL.fullmatch(email) else None


def marker(key: str) -> str:
    """The visible last line of a note of ours, for helpdesks that keep nothing unseen beside it."""
    return f"Baton reference: {key}"


def has_marker(text: str, key: str) -> bool:
    """Whether the marker of exactly this key stands in it."""
    return re.search(re.escape(marker(key)) + r"(?![A-Za-z0-9_-])", text) is not None


def html_of(text: str) -> str:
    """Plain text as the HTML that shows exactly it."""
    return html.escape(text).replace("\n", "<br>")


def linked(draft: TicketDraft) -> TicketDraft:
    """The same draft, its notes beginning with the ticket it follows; a draft that follows none as it is."""
    earlier = draft.follows
    if earlier is None:
        return draft
    line = f"Follows ticket {one_line(earlier.number or earlier.ticket_id)}: {one_line(earlier.url)}"
    return replace(
        draft,
        note_text=f"{line}\n\n{draft.note_text}",
        note_short_text=f"{line}\n\n{draft.note_short_text}",
        note_html=f"<p>{html.escape(line)}</p>{draft.note_html}",
        note_short_html=f"<p>{html.escape(line)}</p>{draft.note_short_html}",
    )


def news(
    update: TicketUpdate, limit: int, written: Callable[[str], str], *, is_marked: bool = True
) -> tuple[str, tuple[DraftAttachment, ...]]:
    """
    An update's note as the helpdesk takes it, and the file that must travel with it if it is too long.

    written: harmless plain text → the helpdesk's form of it. is_marked: end with the visible marker.
    """
    told, key = harmless(update.note or ""), update.note_key or ""
    end = f"\n\n{marker(key)}" if is_marked else ""
    if len(whole := written(told + end)) <= limit:
        return whole, ()
    file = DraftAttachment(f"update-{key}.txt", update.note or "")
    begin = f"This note is cut. The whole of it is in the attached {file.filename}.\n\n"
    while len(whole := written(begin + told + end)) > limit:
        told = told[: -max(1, (len(whole) - limit) // 6)]  # an escaped character takes up to six
    return whole, (file,)
