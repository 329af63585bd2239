"""One activity, read: the Event it is. What kind it is has been found before (inbound.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.errors import MalformedWebhook
from connectors.ports import VendorAccount, Webhook
from connectors.reading import at, flat, key, mapping, moment, rows, text, texts
from connectors.vendors.microsoft.access import STANDARD, form_of, listed
from connectors.vendors.microsoft.turns import AMBIGUOUS, nlu_of, role_of, turn_of, turns_of
from packets.event import (
    BotOutcome,
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    Role,
    Turn,
)

CHANNELS: Mapping[str, Channel] = {
    "directline": Channel.WEB_CHAT,
    "webchat": Channel.WEB_CHAT,
    "msteams": Channel.TEAMS,
    "email": Channel.EMAIL,
    "sms": Channel.SMS,
    "facebook": Channel.MESSENGER,
    "whatsapp": Channel.WHATSAPP,
    "instagram": Channel.INSTAGRAM,
    "line": Channel.LINE,
    "telegram": Channel.TELEGRAM,
    "telephony": Channel.VOICE,
}
SECRETS = frozenset({"token", "accesstoken", "access_token", "refreshtoken", "refresh_token"})
# What Copilot Studio fills in by itself; everything else in `value` is a variable of the bot's author.
_OWN = re.compile(r"va_\w+|MSCallerId")
_NOBODYS_NAME = frozenset({"user", "you"})  # what the emulator and web chat call everyone
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def event_of(
    activity: Mapping[str, Any], kind: EventKind, event_id: str, webhook: Webhook, account: VendorAccount
) -> Event:
    """Raises MalformedWebhook."""
    conversation_id = key(at(activity, "conversation", "id"))
    if conversation_id is None:
        raise MalformedWebhook("the activity has no conversation.id")
    asked = kind is EventKind.HANDOFF_REQUESTED
    bot_ids = listed(account.options.get("bot_ids"))
    transcript = _transcript(activity) if asked else []
    elsewhere = asked and not transcript and _is_elsewhere(activity)
    turns = turns_of(transcript, bot_ids) if asked else _own_turn(activity, kind, bot_ids, account)
    when = moment(activity.get("timestamp"))
    value = activity.get("value")
    variables = flat(value, without=_not_variables(value)) if asked else {}
    slots = flat(at(activity, "channelData", "VariableDetail", "Variables"))
    return Event(
        event_id=event_id,
        kind=kind,
        source=account.name,
        conversation=_conversation(activity, conversation_id),
        occurred_at=when or webhook.received_at,
        occurred_at_estimated=when is None,
        received_at=webhook.received_at,
        turns=turns,
        transcript="full" if transcript else "partial" if elsewhere else None,
        customer=_customer(activity, transcript, bot_ids),
        bot_id=key(at(value, "va_BotId")) or key(at(activity, "relatesTo", "bot", "id")),
        handoff=_asked(activity, variables) if asked else None,
        bot_outcome=_outcome(activity, kind),
        context=Context(slots=slots, variables=variables) if slots or variables else None,
        # Without an interface to call, a relay says our words to the customer: it reads them in the answer.
        reply_expected=form_of(account) == STANDARD and account.base_url is None and (asked or bool(turns)),
        warnings=_warnings(turns, elsewhere=elsewhere),
        refs=_refs(activity, role_of(activity, bot_ids)),
    )


def _own_turn(
    activity: Mapping[str, Any], kind: EventKind, bot_ids: tuple[str, ...], account: VendorAccount
) -> tuple[Turn, ...]:
    if kind not in (EventKind.MESSAGE_CREATED, EventKind.MESSAGE_UPDATED):
        return ()
    if form_of(account) != STANDARD and role_of(activity, bot_ids) is None:
        # What Microsoft itself posts to a bot's address was said to the bot.
        activity = {**activity, "from": {**mapping(activity.get("from")), "role": "user"}}
    found = turn_of(activity, bot_ids, nlu_of(activity))
    return (found,) if found else ()


def _transcript(activity: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The attachment is known by what is in it: its name is spelled in three ways."""
    return next(
        (found for row in rows(activity.get("attachments")) if (found := rows(at(row, "content", "activities")))), []
    )


def _conversation(activity: Mapping[str, Any], conversation_id: str) -> ConversationInfo:
    channel = text(activity.get("channelId"))
    return ConversationInfo(
        vendor_conversation_id=conversation_id,
        channel=CHANNELS.get(channel.lower(), Channel.OTHER) if channel else None,
        channel_raw=channel,
        language=language(at(activity, "value", "va_Language")) or language(activity.get("locale")),
    )


def language(value: Any) -> str | None:
    """BCP 47 as it is written elsewhere: Copilot Studio says En-US."""
    found = text(value) or ""
    if not _LANGUAGE.fullmatch(found):
        return None
    first, *rest = found.split("-")
    return "-".join([first.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])


def _customer(
    activity: Mapping[str, Any], transcript: list[Mapping[str, Any]], bot_ids: tuple[str, ...]
) -> Customer | None:
    if activity.get("type") in ("conversationUpdate", "endOfConversation"):
        return None
    who = mapping(at(activity, "relatesTo", "user"))
    if not who:
        said = [row for row in (*transcript, activity) if role_of(row, bot_ids) is Role.CUSTOMER]
        who = mapping(said[0].get("from")) if said else {}
    name = text(who.get("name"))
    found = Customer(
        vendor_user_id=key(who.get("id")),
        name=None if name and name.lower() in _NOBODYS_NAME else name,
        phone=text(at(activity, "value", "MSCallerId")),
        attributes={"entra_object_id": entra} if (entra := key(who.get("aadObjectId"))) else {},
    )
    return found if found != Customer() else None


def _not_variables(value: Any) -> frozenset[str]:
    names = mapping(value).keys()
    return frozenset(name for name in names if _OWN.fullmatch(name) or name.lower() in SECRETS)


def _asked(activity: Mapping[str, Any], variables: Mapping[str, Any]) -> HandoffAsked:
    """`value` is Copilot Studio's variables, free JSON of a bot's author, or (Genesys) a summary in words."""
    value = activity.get("value")
    own = mapping(value)
    told = {
        "event": text(activity.get("name")),
        "last_topic": text(own.get("va_LastTopic")),
        "topics": ", ".join(texts(own.get("va_Topics"))) or None,
        "last_phrase": text(own.get("va_LastPhrase")),
        "scope": text(own.get("va_Scope")),
    }
    return HandoffAsked(
        reason_text=text(own.get("va_AgentMessage")) or text(value),
        requested_by="bot",
        target=variables,
        vendor_metadata={name: found for name, found in told.items() if found},
    )


def _outcome(activity: Mapping[str, Any], kind: EventKind) -> BotOutcome | None:
    if kind is not EventKind.CONVERSATION_ENDED:
        return None
    code = text(activity.get("code"))  # completedSuccessfully, userCancelled, botTimedOut, …
    failed = code in ("botTimedOut", "botIssuedInvalidMessage", "channelFailed")
    return BotOutcome(ended_reason=code, failure_reason=code if failed else None)


def _is_elsewhere(activity: Mapping[str, Any]) -> bool:
    """A transcript too large to stand in the event is left at an address."""
    return any(text(row.get("contentUrl")) for row in rows(activity.get("attachments")))


def _warnings(turns: tuple[Turn, ...], *, elsewhere: bool) -> tuple[str, ...]:
    ambiguous = any(turn.role is Role.SYSTEM for turn in turns)
    return (*(["transcript_elsewhere"] if elsewhere else []), *([AMBIGUOUS] if ambiguous else []))


def _refs(activity: Mapping[str, Any], role: Role | None) -> dict[str, str]:
    """What the client needs: where the conversation is, and who is who in it."""
    related = mapping(activity.get("relatesTo"))
    bot, user = ("", "") if role is None else ("from", "recipient") if role is Role.BOT else ("recipient", "from")
    found = {
        "service_url": text(activity.get("serviceUrl"), 500) or text(related.get("serviceUrl"), 500),
        "bot": key(at(related, "bot", "id")) or key(at(activity, bot, "id")),
        "user": key(at(related, "user", "id")) or key(at(activity, user, "id")),
    }
    return {name: value for name, value in found.items() if value}
