"""
Intercom's conversation → turns, the same in a webhook (API 1.x and 2.x) and in `GET /conversations/{id}`.

source: intercom/Intercom-OpenAPI@88896257 descriptions/2.16/api.intercom.io.yaml (conversation_part,
conversation_part_author, conversation_source) and captures of API 1.x, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.reading import at, key, mapping, moment, number, rows, text
from connectors.vendors.html import words
from packets.event import Attachment, Author, Role, Turn, Visibility

# Intercom's type of an author → who speaks. What is not here is kept as an internal line of the system.
ROLES: Mapping[str, Role] = {
    "user": Role.CUSTOMER,
    "lead": Role.CUSTOMER,
    "contact": Role.CUSTOMER,
    "visitor": Role.CUSTOMER,
    "bot": Role.BOT,
    "admin": Role.AGENT,  # unless the AI or we ourselves speak under an admin's name
    "team": Role.AGENT,
}
# Parts whose body the customer reads. Of all others (notes, assignments, what we do not know) people alone read it.
SAID_ALOUD = frozenset({"comment", "quick_reply", "open", "close", "snoozed"})
# The first message carries the name of an admin although no admin wrote it.
AUTOMATIC = frozenset({"operator_initiated", "automated", "campaign_initiated"})


def role_of(author: Mapping[str, Any], our_admin: str | None = None) -> Role:
    """our_admin: the admin we call Intercom back as; what it says is the bot's side."""
    found = ROLES.get(text(author.get("type")) or "", Role.SYSTEM)
    if found is Role.AGENT and (author.get("from_ai_agent") is True or _is(author, our_admin)):
        return Role.BOT
    return found


def parts_of(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return rows(at(item, "conversation_parts", "conversation_parts"))


def first_message(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Not among the parts: `source`, and `conversation_message` in API 1.x."""
    return mapping(item.get("source")) or mapping(item.get("conversation_message"))


def turn_of_part(part: Mapping[str, Any], our_admin: str | None = None) -> Turn | None:
    """None: nothing was said (an assignment, a tag, …)."""
    role = role_of(mapping(part.get("author")), our_admin)
    aloud = role is not Role.SYSTEM and (text(part.get("part_type")) or "comment") in SAID_ALOUD
    return _turn(part, role, Visibility.PUBLIC if aloud else Visibility.INTERNAL)


def turn_of_first(item: Mapping[str, Any], our_admin: str | None = None) -> Turn | None:
    first = first_message(item)
    role = role_of(mapping(first.get("author")), our_admin)
    if role is Role.AGENT and text(first.get("delivered_as")) in AUTOMATIC:
        role = Role.BOT
    said = {"created_at": item.get("created_at"), **first}
    return _turn(said, role, Visibility.INTERNAL if role is Role.SYSTEM else Visibility.PUBLIC)


def _turn(said: Mapping[str, Any], role: Role, visibility: Visibility) -> Turn | None:
    body = text(said.get("body"))
    attached = tuple(_attachment(row) for row in rows(said.get("attachments")))
    spoken = words(body) if body else ""
    if not spoken and not attached:
        return None
    author = mapping(said.get("author"))
    return Turn(
        role,
        spoken,
        message_id=key(said.get("id")),
        occurred_at=moment(said.get("created_at")),
        visibility=visibility,
        content_type="note" if visibility is Visibility.INTERNAL else "text",
        author=Author(key(author.get("id")), text(author.get("name")), text(author.get("email"))),
        attachments=attached,
    )


def _attachment(row: Mapping[str, Any]) -> Attachment:
    size = number(row.get("filesize"))
    return Attachment(
        text(row.get("url")),
        name=text(row.get("name")),
        mime_type=text(row.get("content_type")),
        size=int(size) if size is not None and 0 <= size < 1e12 else None,
    )


def _is(author: Mapping[str, Any], admin_id: str | None) -> bool:
    return admin_id is not None and key(author.get("id")) == admin_id
