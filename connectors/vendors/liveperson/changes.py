"""
LivePerson's changes → turns and states. A bot is an agent there: which `ASSIGNED_AGENT` is one, ops must say
(option `bots`); of the others we know that they are people only then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.ports import VendorAccount
from connectors.reading import at, key, mapping, moment, rows, text
from packets.event import Attachment, Author, Role, Turn, Visibility

# What LivePerson calls it → what we call it. ASSIGNED_AGENT: see role_of.
ROLES: Mapping[str, Role] = {
    "CONSUMER": Role.CUSTOMER,
    "MANAGER": Role.AGENT,
    "AGENT_MANAGER": Role.AGENT,
    "READER": Role.AGENT,
    "CONTROLLER": Role.SYSTEM,
}
ASSIGNED = "ASSIGNED_AGENT"
PRIVATE = "AGENTS_AND_MANAGERS"  # a message the customer does not see
_TEXT_KEYS = frozenset({"text", "title", "caption"})
_MOST_TEXTS, _DEEPEST = 50, 12


@dataclass(frozen=True, slots=True)
class Speaker:
    role: Role
    is_doubtful: bool = False


def bots_of(account: VendorAccount) -> frozenset[str]:
    return frozenset(part.strip() for part in account.options.get("bots", "").split(",") if part.strip())


def role_of(role: Any, who: str | None, bots: frozenset[str]) -> Speaker:
    """Without a list of bots an assigned agent is read as the bot, and that is said to be doubtful."""
    word = text(role) or ""
    if word != ASSIGNED:
        known = ROLES.get(word)
        return Speaker(known or Role.SYSTEM, is_doubtful=known is None)
    if not bots:
        return Speaker(Role.BOT, is_doubtful=True)
    return Speaker(Role.BOT if who in bots else Role.AGENT)


def originator(change: Mapping[str, Any]) -> str | None:
    return key(at(change, "originatorMetadata", "id")) or key(change.get("originatorId"))


def turn_of(change: Mapping[str, Any], speaker: Speaker) -> Turn | None:
    """What a ContentEvent or RichContentEvent says; None if it says nothing we can read."""
    event = mapping(change.get("event"))
    message = event.get("message")
    files: tuple[Attachment, ...] = ()
    words = text(message)
    if isinstance(message, Mapping):  # hosted/file
        words = text(message.get("caption")) or ""
        files = (Attachment(name=text(message.get("relativePath")), mime_type=text(message.get("fileType"))),)
    if text(event.get("type")) == "RichContentEvent":
        words = "\n".join(_texts(event.get("content"), _DEEPEST))[:20_000]
    if not words and not files:
        return None
    private = PRIVATE in (change.get("messageAudience"), event.get("messageAudience"))
    return Turn(
        speaker.role,
        words or "",
        message_id=message_id(change),
        occurred_at=moment(change.get("serverTimestamp")),
        visibility=Visibility.INTERNAL if private or speaker.role is Role.SYSTEM else Visibility.PUBLIC,
        content_type="file" if files else "card" if text(event.get("type")) == "RichContentEvent" else "text",
        author=Author(id=originator(change)),
        attachments=files,
    )


def message_id(change: Mapping[str, Any]) -> str | None:
    """Numbers count within a dialog; a conversation may have several (a survey is one)."""
    dialog, sequence = key(change.get("dialogId")), text(change.get("sequence"), 20)
    return f"{dialog}:{sequence}" if dialog and sequence else None


def _texts(content: Any, depth: int) -> list[str]:
    """The words of a structured message, in their order."""
    return [words for _, words in zip(range(_MOST_TEXTS), _walk(content, depth), strict=False)]


def _walk(content: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(content, list):
        for item in content:
            yield from _walk(item, depth - 1)
    elif isinstance(content, Mapping):
        for name, value in content.items():
            if name in _TEXT_KEYS and (words := text(value)):
                yield words
            elif name not in ("click", "actions", "metadata"):  # what a button does, not what it says
                yield from _walk(value, depth - 1)


def has_person(details: Mapping[str, Any], bots: frozenset[str]) -> bool:
    """An assigned agent that is no bot. Without a list of bots nobody knows, and the answer is no."""
    taking_part = rows(details.get("participants"))
    return bool(bots) and any(row.get("role") == ASSIGNED and key(row.get("id")) not in bots for row in taking_part)


def customer_id(details: Mapping[str, Any]) -> str | None:
    people = rows(details.get("participants"))
    return next((found for row in people if row.get("role") == "CONSUMER" and (found := key(row.get("id")))), None)
