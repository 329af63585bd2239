"""
The Event made from a canonical body that `canonical.py` has checked. Nothing can be wrong any more here; what is
doubtful (an unknown word, a clock ahead of ours) is settled and noted in the event's warnings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packets.event import (
    Attachment,
    Author,
    BotOutcome,
    CallbackAsked,
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Entity,
    Event,
    EventKind,
    HandoffAsked,
    Intent,
    Nlu,
    Role,
    Sentiment,
    ToolCall,
    Turn,
    Visibility,
)

Loaded = Mapping[str, Any]

_CHANNELS = {channel.value: channel for channel in Channel}
REASON_CODES = (
    "customer_request",
    "bot_failure",
    "low_confidence",
    "negative_sentiment",
    "rule",
    "out_of_scope",
    "policy",
    "transfer_failed",
    "other",
)
REQUESTERS = ("customer", "bot", "rule", "human")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", re.ASCII)


def build_event(body: Loaded, *, source: str, event_id: str, received_at: datetime) -> Event:
    """`body`: what CanonicalEventSchema loaded."""
    return _Builder(received_at).event(body, source, event_id)


class _Builder:
    """Carries what every part needs: when the webhook came, and the warnings collected on the way."""

    def __init__(self, received_at: datetime) -> None:
        self.received_at = received_at
        self.warnings: dict[str, None] = {}

    def event(self, body: Loaded, source: str, event_id: str) -> Event:
        data: Loaded = body["data"]
        told_at: datetime | None = data.get("occurred_at") or body.get("timestamp")
        bot: Loaded = data.get("source") or {}
        sentiment = _sentiment(data.get("sentiment"))
        turns = self._turns(data, sentiment)
        return Event(
            event_id=data.get("event_id") or event_id,
            kind=EventKind(body["type"]),
            source=source,
            conversation=self._conversation(data["conversation"]),
            occurred_at=self._time(told_at) or self.received_at,
            received_at=self.received_at,
            occurred_at_estimated=told_at is None or bool(data.get("occurred_at_estimated")),
            sequence=data.get("sequence"),
            turns=turns,
            transcript=data.get("transcript_completeness"),
            customer=_reached_at(_customer(data.get("customer")), data.get("callback")),
            bot_id=bot.get("bot_id"),
            bot_version=bot.get("bot_version"),
            handoff=self._handoff(data.get("handoff")),
            callback=self._callback(data.get("callback")),
            bot_outcome=_outcome(data.get("bot_outcome")),
            call=data.get("call"),
            context=self._context(data.get("context"), None if turns else data.get("sentiment")),
            reply_expected=data.get("reply_expected") == "decision",
            warnings=self._all_warnings(data),  # last: everything above may have added one
        )

    def _all_warnings(self, data: Loaded) -> tuple[str, ...]:
        told = [warning for warning in data.get("warnings") or () if warning]
        return tuple(dict.fromkeys([*told, *self.warnings]))

    def _time(self, time: datetime | None) -> datetime | None:
        """Nothing was said after we heard of it: a clock ahead of ours is set to ours."""
        if time is None or time <= self.received_at:
            return time
        self.warnings["clock_skew"] = None
        return self.received_at

    def _turns(self, data: Loaded, sentiment: Sentiment | None) -> tuple[Turn, ...]:
        """
        All messages of the event, each id once with its last wording. What the bot understood (`data.nlu`) and the mood
        belong to the newest customer turn.
        """
        said = [*(data.get("messages") or ()), *([data["message"]] if data.get("message") else [])]
        turns: dict[object, Turn] = {}
        for place, message in enumerate(said):
            turns[message.get("id") or place] = self._turn(message)
        placed = list(turns.values())
        newest = next((i for i in reversed(range(len(placed))) if placed[i].role is Role.CUSTOMER), None)
        if newest is not None:
            turn = placed[newest]
            nlu = turn.nlu or _nlu(data.get("nlu"))
            placed[newest] = replace(turn, nlu=nlu, sentiment=turn.sentiment or sentiment)
        return tuple(placed)

    def _turn(self, message: Loaded) -> Turn:
        author = message.get("author")
        return Turn(
            role=Role(message["role"]),
            text=message.get("text") or _text_of(message.get("text_html")),
            message_id=message.get("id"),
            occurred_at=self._time(message.get("occurred_at")),
            visibility=Visibility(message.get("visibility") or "public"),
            content_type=message.get("content_type") or "text",
            nlu=_nlu(message.get("nlu")),
            sentiment=_sentiment(message.get("sentiment")),
            author=Author(author.get("id"), author.get("name"), author.get("email")) if author else None,
            attachments=tuple(
                Attachment(item.get("url"), item.get("name"), item.get("mime_type"), item.get("size"))
                for item in message.get("attachments") or ()
            ),
            offset_ms=message.get("offset_ms"),
            interrupted=bool(message.get("interrupted")),
        )

    def _conversation(self, said: Loaded) -> ConversationInfo:
        channel, raw = self._channel(said.get("channel"), said.get("channel_raw"))
        return ConversationInfo(
            vendor_conversation_id=said["id"],
            channel=channel,
            channel_raw=raw,
            session_id=said.get("session_id"),
            language=self._language(said.get("language")),
            language_confidence=said.get("language_confidence"),
            status=said.get("status"),
            subject=said.get("subject"),
            url=said.get("url"),
            started_at=self._time(said.get("started_at")),
            ended_at=self._time(said.get("ended_at")),
            tags=tuple(tag for tag in said.get("tags") or () if tag),
            priority=said.get("priority"),
            control_owner=said.get("control_owner"),
        )

    def _channel(self, word: str | None, raw: str | None) -> tuple[Channel | None, str | None]:
        if word is None:
            return None, raw
        known = _CHANNELS.get(word.strip().lower())
        if known is None:
            self.warnings["unknown_channel"] = None
        return known or Channel.OTHER, raw or (None if known else word)

    def _language(self, tag: str | None) -> str | None:
        if tag is None:
            return None
        if not _LANGUAGE.fullmatch(tag.strip()):
            self.warnings["unknown_language"] = None
            return None
        first, *rest = re.split("[-_]", tag.strip())
        return "-".join([first.lower(), *(_subtag(part) for part in rest)])

    def _handoff(self, asked: Loaded | None) -> HandoffAsked | None:
        if asked is None:
            return None
        code, metadata = (asked.get("reason_code") or "other").strip().lower(), asked.get("vendor_metadata") or {}
        requester = (asked.get("requested_by") or "").strip().lower()
        if code not in REASON_CODES:
            self.warnings["unknown_reason_code"] = None
            code, metadata = "other", {"reason_code": asked["reason_code"], **metadata}
        return HandoffAsked(
            reason_code=code,
            reason_text=asked.get("reason_text"),
            requested_by=requester if requester in REQUESTERS else None,
            rule_id=asked.get("rule_id"),
            target=asked.get("target") or {},
            agent_note=asked.get("agent_note"),
            vendor_metadata=metadata,
        )

    def _callback(self, asked: Loaded | None) -> CallbackAsked | None:
        """The one time of an event that may lie ahead of us."""
        if asked is None:
            return None
        zone = asked.get("zone")
        if zone is not None and not _is_zone(zone):
            self.warnings["unknown_zone"] = None
            zone = None
        return CallbackAsked(asked.get("starts_at"), zone, asked.get("id"))

    def _context(self, said: Loaded | None, sentiment: Loaded | None) -> Context | None:
        """`sentiment`: a judgement no turn of this event can carry (conversation.analyzed); kept under analysis."""
        if said is None and sentiment is None:
            return None
        said = said or {}
        analysis = said.get("analysis") or {}
        return Context(
            slots=said.get("slots") or {},
            variables=said.get("variables") or {},
            custom_attributes=said.get("custom_attributes") or {},
            analysis=analysis if sentiment is None else {"sentiment": dict(sentiment), **analysis},
            page_url=said.get("page_url"),
            tool_calls=tuple(self._tool_call(call) for call in said.get("tool_calls") or ()),
        )

    def _tool_call(self, call: Loaded) -> ToolCall:
        return ToolCall(
            name=call["name"],
            ok=call["ok"],
            id=call.get("id"),
            task=call.get("task"),
            arguments=call.get("arguments") or {},
            error=call.get("error"),
            result=call.get("result"),
            started_at=self._time(call.get("started_at")),
            ended_at=self._time(call.get("ended_at")),
        )


def _nlu(said: Loaded | None) -> Nlu | None:
    if said is None:
        return None
    intent, current = said.get("intent"), said.get("intent_is_current")
    return Nlu(
        intent=Intent(intent.get("name") or "", intent.get("id"), intent.get("confidence")) if intent else None,
        entities=tuple(Entity(e["name"], e.get("value"), e.get("confidence")) for e in said.get("entities") or ()),
        is_fallback=bool(said.get("is_fallback")),
        fallback_count=said.get("fallback_count"),
        intent_is_current=current is not False,
    )


def _sentiment(said: Loaded | None) -> Sentiment | None:
    if said is None:
        return None
    return Sentiment(
        label=said.get("label") or "unknown",
        score=said.get("score"),
        magnitude=said.get("magnitude"),
        scope=said.get("scope") or "turn",
        source=said.get("source") or "vendor",
    )


def _customer(said: Loaded | None) -> Customer | None:
    if said is None:
        return None
    return Customer(
        vendor_user_id=said.get("vendor_user_id"),
        external_id=said.get("external_id"),
        name=said.get("name"),
        email=said.get("email"),
        phone=said.get("phone"),
        authenticated=said.get("authenticated"),
        locale=said.get("locale"),
        attributes=said.get("attributes") or {},
    )


def _reached_at(customer: Customer | None, callback: Loaded | None) -> Customer | None:
    """The number to call is the customer's; nothing else keeps it."""
    phone = (callback or {}).get("phone")
    return replace(customer or Customer(), phone=phone) if phone else customer


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _outcome(said: Loaded | None) -> BotOutcome | None:
    if said is None:
        return None
    resolved = said.get("resolved")
    return BotOutcome(
        resolved=resolved if isinstance(resolved, bool) else None,
        resolution_state=said.get("resolution_state"),
        failure_reason=said.get("failure_reason"),
        ended_reason=said.get("ended_reason"),
        rating=said.get("rating"),
        rating_comment=said.get("rating_comment"),
        summary=said.get("summary"),
    )


def _subtag(part: str) -> str:
    """Regions are written in capitals, scripts with one, the rest small (BCP 47, section 2.1.1)."""
    if part.isalpha() and len(part) in (2, 4):
        return part.upper() if len(part) == 2 else part.title()
    return part.lower()


# No pattern looks further than the next bracket, and no end is looked for twice: a customer's HTML may be hostile.
_UNSPOKEN = re.compile(r"<(?:(!--)|(script|style)\b[^<>]*>)", re.IGNORECASE)
_ENDS = {"!--": re.compile("-->"), "script": re.compile("</script", re.I), "style": re.compile("</style", re.I)}
_LINE = re.compile(r"<(?:br|p|div|li|tr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")


def _text_of(html: str | None) -> str:
    """The words of an HTML message. Blocks begin a line; comments, scripts and styles hold no words."""
    if not html:
        return ""
    words = unescape(_TAG.sub("", _LINE.sub("\n", _spoken(html))))
    return "\n".join(line for line in (" ".join(row.split()) for row in words.split("\n")) if line)


def _spoken(html: str) -> str:
    """Where a comment or a script never ends, what follows may be somebody's words."""
    kept: list[str] = []
    endless: set[str] = set()
    at = 0
    for begin in _UNSPOKEN.finditer(html):
        kind = (begin[1] or begin[2]).lower()
        if begin.start() < at or kind in endless:
            continue
        end = _ENDS[kind].search(html, begin.end())
        if end is None:
            endless.add(kind)
            continue
        kept.append(html[at : begin.start()])
        at = end.end() if begin[1] else end.start()  # </script> is a tag like others
    return "".join((*kept, html[at:]))
