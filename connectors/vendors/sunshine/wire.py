"""
One Sunshine message → one turn, the same in a webhook and in the list of messages, so that ids agree.

source: zendesk/sunshine-conversations-python@1bfa05bf docs (MessageWebhook, Author, *Message), and for the agent's mark
botpress/botpress@4f4a05a0 integrations/zendesk-messaging-hitl, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.reading import at, key, mapping, moment, number, rows, text, texts
from packets.event import Attachment, Author, Channel, Role, Turn, Visibility

AGENT_ID = "__zendesk_msg.agent.id"  # in a message's metadata: a person wrote it in the Agent Workspace
OUR_MARK = "baton_handoff"  # in the metadata of what we said or did ourselves

# `source.type` of a customer's message → our channel. What is not here is OTHER.
CHANNELS: Mapping[str, Channel] = {
    "web": Channel.WEB_CHAT,
    "ios": Channel.WEB_CHAT,
    "android": Channel.WEB_CHAT,
    "whatsapp": Channel.WHATSAPP,
    "messenger": Channel.MESSENGER,
    "instagram": Channel.INSTAGRAM,
    "line": Channel.LINE,
    "telegram": Channel.TELEGRAM,
    "twilio": Channel.SMS,
    "messagebird": Channel.SMS,
    "mailgun": Channel.EMAIL,
    "api": Channel.API,
    "api:conversations": Channel.API,
}
# `content.type` → our content type. What is not here is text.
CONTENT: Mapping[str, str] = {
    "image": "image",
    "file": "file",
    "location": "location",
    "form": "form",
    "formResponse": "form",
    "carousel": "card",
    "list": "card",
}


def role_of(message: Mapping[str, Any]) -> Role | None:
    """None: nobody we know. `business` is the bot or a person; only a person's message carries an agent's id."""
    author = mapping(message.get("author"))
    match author.get("type"):
        case "user":
            return Role.CUSTOMER
        case "business":
            if key(at(message, "metadata", AGENT_ID)):
                return Role.AGENT
            return Role.SYSTEM if "activity" in texts(author.get("subtypes")) else Role.BOT
    return None


def is_ambiguous(message: Mapping[str, Any]) -> bool:
    """Sent from the Agent Workspace without an agent's id: an automation of Zendesk's, or a person after all."""
    is_ours = at(message, "metadata", OUR_MARK) is not None
    is_ai = "AI" in texts(at(message, "author", "subtypes"))
    from_workspace = at(message, "source", "type") == "zd:agentWorkspace"
    return role_of(message) is Role.BOT and from_workspace and not is_ours and not is_ai


def turn_of(message: Mapping[str, Any]) -> Turn | None:
    """None: nothing was said (deleted, empty, or by nobody we know)."""
    role, content = role_of(message), mapping(message.get("content"))
    words, attached = words_of(content), _attachments(content)
    if role is None or message.get("deleted") is True or not (words or attached):
        return None
    author = mapping(message.get("author"))
    return Turn(
        role,
        words or "",
        message_id=key(message.get("id")),
        occurred_at=moment(message.get("received")),
        visibility=Visibility.INTERNAL if role is Role.SYSTEM else Visibility.PUBLIC,
        content_type=CONTENT.get(text(content.get("type")) or "", "text"),
        author=Author(
            id=key(author.get("userId")) or key(at(message, "metadata", AGENT_ID)), name=text(author.get("displayName"))
        ),
        attachments=attached,
    )


def words_of(content: Mapping[str, Any]) -> str | None:
    """What a reader would read: the text, a filled form line by line, the titles of a list, a place."""
    plain = text(content.get("text")) or text(content.get("textFallback")) or text(content.get("markdownText"))
    if plain:
        return plain
    fields = [
        f"{text(row.get('label')) or text(row.get('name'))}: {_value(row)}" for row in rows(content.get("fields"))
    ]
    titles = [title for row in rows(content.get("items")) if (title := text(row.get("title")))]
    lat, long = number(at(content, "coordinates", "lat")), number(at(content, "coordinates", "long"))
    place = [f"{lat}, {long}"] if lat is not None and long is not None else []
    return "\n".join(fields or titles or place) or None


def _value(field: Mapping[str, Any]) -> str:
    chosen = ", ".join(label for row in rows(field.get("select")) if (label := text(row.get("label"))))
    return text(field.get("text")) or text(field.get("email")) or chosen or "-"


def _attachments(content: Mapping[str, Any]) -> tuple[Attachment, ...]:
    url = text(content.get("mediaUrl"))
    if url is None:
        return ()
    size = number(content.get("mediaSize"))
    return (
        Attachment(
            url,
            name=text(content.get("altText")),
            mime_type=text(content.get("mediaType")),
            size=int(size) if size is not None and 0 <= size < 1e12 else None,
        ),
    )
