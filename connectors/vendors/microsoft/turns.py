"""
Activities that say something → turns. The same activity has the same id wherever it is told: by itself, in a Direct
Line answer, in a handoff's transcript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.reading import at, flat, key, mapping, moment, rows, share, text
from packets.event import Attachment, Author, Intent, Nlu, Role, Turn, Visibility

# What `from.role` says → who that is for us.
ROLES: Mapping[str, Role] = {"user": Role.CUSTOMER, "bot": Role.BOT, "skill": Role.BOT}
_OPPOSITE = {Role.CUSTOMER: Role.BOT, Role.BOT: Role.CUSTOMER}
AMBIGUOUS = "role_ambiguous"


def role_of(activity: Mapping[str, Any], bot_ids: Sequence[str]) -> Role | None:
    """Outside of transcripts the role is often left out: then who it is sent to tells. None: nothing tells."""
    told = ROLES.get((text(at(activity, "from", "role")) or "").lower())
    if told is not None:
        return told
    sender, receiver = key(at(activity, "from", "id")), key(at(activity, "recipient", "id"))
    if sender in bot_ids:
        return Role.BOT
    to = Role.BOT if receiver in bot_ids else ROLES.get((text(at(activity, "recipient", "role")) or "").lower())
    return _OPPOSITE.get(to) if to else None


def turns_of(activities: Sequence[Mapping[str, Any]], bot_ids: Sequence[str] = ()) -> tuple[Turn, ...]:
    """The messages among them, in order. What was understood stands on the bot's reply and belongs to the question."""
    messages = [row for row in activities if row.get("type") == "message"]
    understood = {key(row.get("replyToId")): nlu for row in messages if (nlu := nlu_of(row))}
    found = (turn_of(row, bot_ids, understood.get(key(row.get("id")))) for row in messages)
    return tuple(turn for turn in found if turn)


def turn_of(activity: Mapping[str, Any], bot_ids: Sequence[str] = (), nlu: Nlu | None = None) -> Turn | None:
    words, kind = said(activity)
    files = attachments(activity)
    if words is None and not files:
        return None
    role = role_of(activity, bot_ids)
    return Turn(
        role or Role.SYSTEM,
        words or "",
        message_id=key(activity.get("id")),
        occurred_at=moment(activity.get("timestamp")),
        visibility=Visibility.PUBLIC if role else Visibility.INTERNAL,
        content_type=kind if words else "file",
        nlu=nlu,
        author=author(mapping(activity.get("from"))),
        attachments=files,
    )


def author(who: Mapping[str, Any]) -> Author | None:
    found = Author(id=key(who.get("id")), name=text(who.get("name")))
    return found if found.id or found.name else None


def said(activity: Mapping[str, Any]) -> tuple[str | None, str]:
    """The words and what they are: text, what was spoken, the text of cards, or what a pressed button posts."""
    words = text(activity.get("text")) or text(activity.get("speak"))
    if words:
        return words, "text"
    cards = "\n".join(line for row in rows(activity.get("attachments")) for line in _card(mapping(row.get("content"))))
    if cards:
        return cards, "card"
    posted = activity.get("value")
    pressed = text(posted) or ", ".join(f"{name}: {value}" for name, value in flat(posted).items())
    return pressed or None, "choice"


def _card(content: Mapping[str, Any]) -> list[str]:
    """Hero and thumbnail cards have title, subtitle, text; adaptive ones text blocks in their body."""
    lines = [content.get(name) for name in ("title", "subtitle", "text")]
    lines += [row.get("text") for row in rows(content.get("body"))]
    return [found for line in lines if (found := text(line))]


def attachments(activity: Mapping[str, Any]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(url=url, name=text(row.get("name")), mime_type=text(row.get("contentType")))
        for row in rows(activity.get("attachments"))
        if (url := text(row.get("contentUrl"))) and url.startswith(("https://", "http://"))
    )


def nlu_of(activity: Mapping[str, Any]) -> Nlu | None:
    """Copilot Studio ranks what the customer may have meant, best first."""
    ranked = rows(at(activity, "channelData", "ConversationUnderstandingDetail", "RankedIntents"))
    best = ranked[0] if ranked else {}
    intent_id = key(best.get("IntentId"))
    name = text(best.get("MatchedTriggerQuery"), 200) or intent_id
    return Nlu(intent=Intent(name, intent_id, share(best.get("Score")))) if name else None
