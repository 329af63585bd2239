"""
What a Chatwoot webhook says about the conversation and the customer.

source: chatwoot/chatwoot app/presenters/conversations/event_data_presenter.rb, app/models/contact.rb, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ports import VendorAccount
from connectors.reading import at, flag, flat, key, mapping, moment, number, text, texts
from connectors.vendors.chatwoot.wire import role_of
from packets.event import BotOutcome, Channel, ConversationInfo, Customer, HandoffAsked, Role

STATUS: Mapping[str, str] = {"pending": "bot", "open": "pending_human", "snoozed": "human", "resolved": "closed"}
CHANNELS: Mapping[str, Channel] = {
    "Channel::WebWidget": Channel.WEB_CHAT,
    "Channel::Whatsapp": Channel.WHATSAPP,
    "Channel::FacebookPage": Channel.MESSENGER,
    "Channel::Instagram": Channel.INSTAGRAM,
    "Channel::Line": Channel.LINE,
    "Channel::Telegram": Channel.TELEGRAM,
    "Channel::Email": Channel.EMAIL,
    "Channel::Sms": Channel.SMS,
    "Channel::TwilioSms": Channel.SMS,  # and WhatsApp through Twilio: see conversation_of
    "Channel::Voice": Channel.VOICE,
    "Channel::Api": Channel.API,
}


def has_agent(conversation: Mapping[str, Any]) -> bool:
    """Somebody is assigned, and not a bot."""
    assignee = mapping(at(conversation, "meta", "assignee"))
    is_bot = at(conversation, "meta", "assignee_type") == "AgentBot" or assignee.get("type") == "agent_bot"
    return bool(assignee) and not is_bot


def conversation_of(conversation: Mapping[str, Any], account: VendorAccount) -> ConversationInfo:
    number_, raw = key(conversation.get("id")) or "", text(conversation.get("channel"))
    by_whatsapp = (text(at(conversation, "contact_inbox", "source_id")) or "").startswith("whatsapp:")
    channel = CHANNELS.get(raw, Channel.OTHER) if raw else None
    base, owner = account.base_url, account.options.get("account_id")
    return ConversationInfo(
        vendor_conversation_id=number_,
        channel=Channel.WHATSAPP if by_whatsapp and raw == "Channel::TwilioSms" else channel,
        channel_raw=raw,
        status=STATUS.get(text(conversation.get("status")) or ""),
        url=f"{base.rstrip('/')}/app/accounts/{owner}/conversations/{number_}" if base and owner else None,
        started_at=moment(conversation.get("created_at")),
        tags=texts(conversation.get("labels")),
        priority=text(conversation.get("priority")),
    )


def customer_of(message: Mapping[str, Any], conversation: Mapping[str, Any]) -> Customer | None:
    """The sender of an incoming message, which may be null; else the contact of the conversation."""
    wrote = role_of(message) is Role.CUSTOMER
    who = (mapping(message.get("sender")) if wrote else {}) or mapping(at(conversation, "meta", "sender"))
    verified = flag(at(conversation, "meta", "hmac_verified"))
    found = Customer(
        vendor_user_id=key(who.get("id")),
        external_id=key(who.get("identifier")),
        name=text(who.get("name")),
        email=text(who.get("email")),
        phone=text(who.get("phone_number")),
        authenticated=flag(at(conversation, "contact_inbox", "hmac_verified")) if verified is None else verified,
        locale=text(at(conversation, "additional_attributes", "browser_language")),
        attributes=flat(who.get("custom_attributes")),
    )
    return found if who else None


def asked_of(conversation: Mapping[str, Any], name: str) -> HandoffAsked:
    team = mapping(at(conversation, "meta", "team"))
    return HandoffAsked(
        requested_by="bot",
        target={"queue": found} if (found := text(team.get("name"))) else {},
        vendor_metadata={"event": name},
    )


def rating_of(message: Mapping[str, Any]) -> BotOutcome | None:
    """A filled-in satisfaction survey."""
    survey = mapping(at(message, "content_attributes", "submitted_values", "csat_survey_response"))
    rating = number(survey.get("rating"))
    return BotOutcome(rating=rating, rating_comment=text(survey.get("feedback_message"))) if rating else None
