"""
One call of Twilio as plain names and values, and what the bot put into `HandoffData`.

Twilio posts forms; Studio's "Make HTTP request" and some newer products post JSON with the same names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.body import form_body, json_body
from connectors.errors import MalformedWebhook
from connectors.ports import Webhook
from connectors.reading import key, number, rows, share, text
from connectors.vendors.twilio.access import is_json
from packets.event import Attachment, Author, Channel, Role, Turn, Visibility

# Who speaks in the `messages` a bot may put into HandoffData → who that is for us.
ROLES: Mapping[str, Role] = {
    "user": Role.CUSTOMER,
    "customer": Role.CUSTOMER,
    "caller": Role.CUSTOMER,
    "assistant": Role.BOT,
    "bot": Role.BOT,
    "agent": Role.AGENT,
    "human": Role.AGENT,
}
# The prefix of an address → its channel. A bare number is a call's or a text's.
CHANNELS: Mapping[str, Channel] = {"whatsapp": Channel.WHATSAPP, "messenger": Channel.MESSENGER, "rcs": Channel.OTHER}
MEDIA_MOST = 10  # of one message


def parameters(webhook: Webhook) -> Mapping[str, Any]:
    """Raises MalformedWebhook."""
    if not is_json(webhook):
        return form_body(webhook.body)
    found = json_body(webhook.body)
    if not isinstance(found, dict):
        raise MalformedWebhook("the body must be a form, or a JSON object with the same names")
    return found


def is_voice(told: Mapping[str, Any]) -> bool:
    return key(told.get("CallSid")) is not None


def message_id(told: Mapping[str, Any]) -> str | None:
    return key(told.get("MessageSid")) or key(told.get("SmsSid"))


def spoken_to(address: Any) -> tuple[str | None, Channel | None]:
    """`whatsapp:+15550100001` → the number, and the channel its prefix names."""
    found = key(address)
    prefix, colon, rest = (found or "").partition(":")
    if colon and prefix in CHANNELS:
        return rest or None, CHANNELS[prefix]
    return found, None


def phone(address: str | None) -> str | None:
    """A telephone number, and not the name of a client or a SIP address."""
    return address if address and address.startswith("+") and address[1:].isdecimal() else None


def told_at(value: Any) -> datetime | None:
    """RFC 2822, as in `Timestamp`."""
    try:
        found = parsedate_to_datetime(text(value) or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def attachments(told: Mapping[str, Any]) -> tuple[Attachment, ...]:
    count = int(min(max(number(told.get("NumMedia")) or 0, 0), MEDIA_MOST))
    return tuple(
        Attachment(url=url, mime_type=text(told.get(f"MediaContentType{place}")))
        for place in range(count)
        if (url := text(told.get(f"MediaUrl{place}")))
    )


def handoff_data(told: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
    """
    The object in `HandoffData` and, where it is none, its words. It is a JSON string whose content is the bot's own;
    Twilio's guide also reads it as `handoffData`.
    """
    raw = told.get("HandoffData") or told.get("handoffData")
    if isinstance(raw, Mapping):
        return raw, None
    written = text(raw)
    if written is None:
        return {}, None
    try:
        found = json_body(written.encode("utf-8", "replace"))
    except MalformedWebhook:
        return {}, written
    return (found, None) if isinstance(found, Mapping) else ({}, text(found) or json.dumps(found))


def told_turns(data: Mapping[str, Any]) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The transcript a bot put into `messages` (or `transcript`), with warnings."""
    found: list[Turn] = []
    warnings: list[str] = []
    for row in rows(data.get("messages")) or rows(data.get("transcript")):
        words = text(row.get("text")) or text(row.get("content"))
        if words is None or row.get("role") in ("system", "tool"):
            continue  # prompts and tool output are nobody's words
        role = ROLES.get((text(row.get("role")) or "").lower())
        if role is None:
            warnings.append("role_ambiguous")
        place = f"t{len(found) + 1}"  # no ids there; the list is told once a call
        hidden = Visibility.PUBLIC if role else Visibility.INTERNAL
        found.append(Turn(role or Role.SYSTEM, words, message_id=place, visibility=hidden))
    return tuple(found), tuple(dict.fromkeys(warnings))


def spoken_turns(told: Mapping[str, Any], turn_id: str) -> tuple[Turn, ...]:
    """What the caller said or pressed in a `<Gather>`. Its confidence is the recogniser's, not the bot's."""
    words, digits = text(told.get("SpeechResult")), text(told.get("Digits"))
    if words is None and digits is None:
        return ()
    kind = "text" if words else "choice"
    return (Turn(Role.CUSTOMER, words or digits or "", message_id=turn_id, content_type=kind),)


def heard(told: Mapping[str, Any]) -> dict[str, Any]:
    """How sure the recogniser was."""
    sure = share(told.get("Confidence"))
    return {} if sure is None else {"speech_confidence": sure}


def written_turn(told: Mapping[str, Any], turn_id: str, customer_id: str | None) -> Turn:
    files = attachments(told)
    words = text(told.get("Body")) or ""
    return Turn(
        Role.CUSTOMER,
        words,
        message_id=turn_id,
        content_type="file" if files and not words else "text",
        author=Author(id=customer_id, name=text(told.get("ProfileName"))),
        attachments=files,
    )
