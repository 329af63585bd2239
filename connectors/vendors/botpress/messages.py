"""
Botpress's messages → turns, in the two shapes there are: the history of `startHitl`, without ids and times, and
`message_created`.

source: botpress/botpress@4f4a05a0 interfaces/hitl/interface.definition.ts, captured `message_created` calls of 2025;
read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.reading import at, flag, key, mapping, moment, number, rows, text
from packets.event import Attachment, Author, Role, Turn

SOURCES: Mapping[str, Role] = {"user": Role.CUSTOMER, "bot": Role.BOT}
_FILES = ("imageUrl", "audioUrl", "videoUrl", "fileUrl")


def history(start: Mapping[str, Any]) -> tuple[Turn, ...]:
    """A place is the only name a turn has here. Who is of no known kind is read as the customer: words must count."""
    user = key(start.get("userId"))
    found = []
    for place, row in enumerate(rows(start.get("messageHistory")), start=1):
        role = SOURCES.get(text(at(row, "source", "type")) or "")
        author = key(at(row, "source", "userId"))
        turn = _turn(role or Role.CUSTOMER, mapping(row.get("payload")), row.get("type"), f"h{place}")
        if turn is not None:
            # Several people may write in one conversation: whoever is not its user is named.
            found.append(turn if author in (None, user) else replace(turn, author=Author(id=author)))
    return tuple(found)


def has_unknown_sources(start: Mapping[str, Any]) -> bool:
    return any(text(at(row, "source", "type")) not in SOURCES for row in rows(start.get("messageHistory")))


def single(data: Mapping[str, Any]) -> Turn | None:
    """One message; who is not said to be the bot is the customer."""
    payload = mapping(data.get("payload"))
    role = Role.BOT if flag(data.get("isBot")) else Role.CUSTOMER
    return _turn(role, payload, payload.get("type"), key(data.get("id")), moment(data.get("createdAt")))


def _turn(
    role: Role, payload: Mapping[str, Any], kind: Any, message_id: str | None, occurred_at: Any = None
) -> Turn | None:
    words = "\n".join(line for line in _lines(payload) if line)
    urls = [url for name in _FILES if (url := text(payload.get(name)))]
    attachments = tuple(Attachment(url=url, name=text(payload.get("title"), 200)) for url in urls)
    if not words and not attachments:
        return None
    content_type = text(kind, 30) or "text"
    return Turn(
        role, words, message_id=message_id, occurred_at=occurred_at, content_type=content_type, attachments=attachments
    )


def _lines(payload: Mapping[str, Any]) -> list[str | None]:
    """What the customer saw: text, a card's lines, the choices, the cards of a carousel, a place."""
    said = [text(payload.get(name)) for name in ("text", "markdown", "title", "subtitle")]
    if any(text(payload.get(name)) for name in _FILES):
        said = said[:2]  # a file's title is its name
    offered = [text(row.get("label")) for row in (*rows(payload.get("options")), *rows(payload.get("actions")))]
    cards = [line for row in rows(payload.get("items")) for line in _lines(mapping(row.get("payload")) or row)]
    latitude, longitude = number(payload.get("latitude")), number(payload.get("longitude"))
    place = f"{latitude:g}, {longitude:g}" if latitude is not None and longitude is not None else None
    return [*said, *(f"· {label}" for label in offered if label), *cards, place]
