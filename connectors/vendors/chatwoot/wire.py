"""
One Chatwoot message → turns, the same whether it stands at the top of a webhook, inside a conversation or in the list
of messages: outside its type is a word, inside a number.

source: chatwoot/chatwoot app/models/message.rb (webhook_data, push_event_data, human_response?) and
app/views/api/v1/models/_message.json.jbuilder, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.reading import at, key, mapping, moment, number, rows, text
from packets.event import Attachment, Author, Role, Turn, Visibility

# `message_type` → the word for it.
TYPES: Mapping[str, str] = {
    "0": "incoming",
    "1": "outgoing",
    "2": "activity",
    "3": "template",
    "incoming": "incoming",
    "outgoing": "outgoing",
    "activity": "activity",
    "template": "template",
}
# Who sends an outgoing message → who speaks. What is not here is taken for the bot's, with a warning.
SENDERS: Mapping[str, Role] = {
    "user": Role.AGENT,  # a person
    "agent_bot": Role.BOT,
    "agentbot": Role.BOT,  # `sender_type` of nested messages
    "captain_assistant": Role.BOT,
    "captain::assistant": Role.BOT,
}
CONTENT: Mapping[str, str] = {"image": "image", "audio": "audio", "video": "video", "location": "location"}


def type_of(message: Mapping[str, Any]) -> str | None:
    return TYPES.get(text(message.get("message_type")) or "")


def role_of(message: Mapping[str, Any]) -> Role | None:
    """None: no message of a type we know."""
    match type_of(message):
        case "incoming":
            return Role.CUSTOMER
        case "activity" | "template":
            return Role.SYSTEM
        case "outgoing" if at(message, "content_attributes", "external_echo"):
            return Role.AGENT  # written in the phone app of the number's owner
        case "outgoing" if _is_automatic(message):
            return Role.BOT
        case "outgoing":
            return SENDERS.get(_sender(message), Role.BOT)
    return None


def is_ambiguous(message: Mapping[str, Any]) -> bool:
    """Outgoing, and nobody says who sent it."""
    if type_of(message) != "outgoing" or _is_automatic(message):
        return False
    return not at(message, "content_attributes", "external_echo") and _sender(message) not in SENDERS


def turn_of(message: Mapping[str, Any]) -> Turn | None:
    """None: nothing was said."""
    role, attached = role_of(message), _attachments(message)
    words = text(message.get("content")) or _places(message)
    if role is None or not (words or attached):
        return None
    internal = message.get("private") is True or role is Role.SYSTEM
    sender = mapping(message.get("sender"))
    kind = text(at(message, "attachments", 0, "file_type"))
    return Turn(
        role,
        words or "",
        message_id=key(message.get("id")),
        occurred_at=moment(message.get("created_at")),
        visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
        content_type="note" if message.get("private") is True else CONTENT.get(kind or "", "file" if kind else "text"),
        author=Author(key(sender.get("id")), text(sender.get("name")), text(sender.get("email"))) if sender else None,
        attachments=attached,
    )


def submitted_turn(message: Mapping[str, Any]) -> Turn | None:
    """What the customer chose or filled in; Chatwoot writes it into the bot's own message that asked."""
    values, message_id = at(message, "content_attributes", "submitted_values"), key(message.get("id"))
    said = [line for row in rows(values) if (line := _submitted(row))]
    email = text(at(message, "content_attributes", "submitted_email"))
    words = "\n".join(said) or email
    if words is None or message_id is None:
        return None
    return Turn(Role.CUSTOMER, words, message_id=f"{message_id}-submitted", content_type="form")


def _submitted(row: Mapping[str, Any]) -> str | None:
    name, value = text(row.get("name")), text(row.get("value"))
    return f"{name}: {value}" if name and value else text(row.get("title")) or value


def _sender(message: Mapping[str, Any]) -> str:
    told = text(at(message, "sender", "type")) or text(message.get("sender_type"))
    return (told or "").lower()


def _is_automatic(message: Mapping[str, Any]) -> bool:
    """Automation rules and campaigns speak in a person's name."""
    by_rule = at(message, "content_attributes", "automation_rule_id")
    campaigns = ("campaign_id", "whatsapp_api_campaign_id")
    return bool(by_rule) or any(at(message, "additional_attributes", name) for name in campaigns)


def _places(message: Mapping[str, Any]) -> str | None:
    found = [
        f"{lat}, {long}"
        for row in rows(message.get("attachments"))
        if (lat := number(row.get("coordinates_lat"))) is not None
        and (long := number(row.get("coordinates_long"))) is not None
        and row.get("file_type") == "location"
    ]
    return "\n".join(found) or None


def _attachments(message: Mapping[str, Any]) -> tuple[Attachment, ...]:
    found = []
    for row in rows(message.get("attachments")):
        size = number(row.get("file_size"))
        url = text(row.get("data_url"))
        if url:
            whole = int(size) if size is not None and 0 <= size < 1e12 else None
            found.append(Attachment(url, name=text(row.get("fallback_title")), size=whole))
    return tuple(found)
