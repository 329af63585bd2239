"""
Rasa's calls of its action server: the next action, and the whole conversation so far. The answer is what the action
does: events for the tracker and words for the customer.

source: RasaHQ/rasa-sdk@42824764 (endpoint.py, types.py, events.py); RasaHQ/rasa rasa/utils/endpoints.py (deflate);
https://rasa.com/docs/rasa/action-server/; read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from connectors.body import inflated, json_body
from connectors.errors import MalformedWebhook
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flag, flat, key, mapping, moment, rows, text
from connectors.standing_key import OPTIONS, check_standing_key, key_number, with_standing_key
from connectors.vendors.collected import collected_customer
from connectors.vendors.rasa.tracker import session_started_at, turns
from packets.event import Channel, Context, ConversationInfo, Event, EventKind, HandoffAsked

# Calls have no kinds: each brings the conversation so far. These actions ask for a person.
HANDOFF_ACTIONS = "action_human_handoff, action_handoff"
CHANNELS: Mapping[str, Channel] = {
    "rest": Channel.API,
    "callback": Channel.API,
    "socketio": Channel.WEB_CHAT,
    "facebook": Channel.MESSENGER,
    "telegram": Channel.TELEGRAM,
    "twilio_voice": Channel.VOICE,
}
MAX_INFLATED = 8 * 1024 * 1024
_OWN_SLOTS = frozenset({"requested_slot", "session_start_metadata"})  # Rasa's own


class Rasa:
    """The adapter."""

    name = "rasa"
    options: Mapping[str, str] = {
        **OPTIONS,
        "handoff_actions": f"actions that ask for a person, separated by commas (default {HANDOFF_ACTIONS})",
    }
    capabilities = VendorCapabilities(
        decides=True,
        tells=frozenset({NoticeKind.HANDED_OFF, NoticeKind.CONTROL_RETURNED}),
        repeatable=frozenset({NoticeKind.HANDED_OFF, NoticeKind.CONTROL_RETURNED}),
        encodings=frozenset({"identity", "deflate"}),
    )

    def check(self, account: VendorAccount) -> None:
        check_standing_key(account)

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        number = key_number(webhook, account)
        # Rasa repeats nothing by itself: whoever posts a call again posts the same bytes.
        return Verified(hashlib.sha256(_unpacked(webhook)).hexdigest(), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        call = _call(webhook)
        tracker = mapping(call.get("tracker"))
        sender = key(call.get("sender_id")) or key(tracker.get("sender_id"))
        action = text(call.get("next_action"), 200)
        if sender is None or action is None:
            raise MalformedWebhook("the body must be an action server call with next_action, sender_id and tracker")
        return (_event(call, tracker, sender, action, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        decision = mapping(told.get("decision"))
        slots = mapping(at(_call(webhook), "tracker", "slots")) if decision.get("handoff_id") else {}
        answer = _answer(decision, slots)
        return VendorAnswer(json.dumps(answer, ensure_ascii=False).encode())

    def stored(self, webhook: Webhook) -> bytes:
        """Unpacked, and without the domain: the bot's whole configuration comes with every call."""
        try:
            call = _call(webhook)
        except MalformedWebhook:
            return webhook.body
        kept = {name: value for name, value in call.items() if name != "domain"}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return with_standing_key(webhook, account)


def _unpacked(webhook: Webhook) -> bytes:
    packed = webhook.headers.get("content-encoding", "").lower() == "deflate"
    return inflated(webhook.body, most=MAX_INFLATED) if packed else webhook.body


def _call(webhook: Webhook) -> Mapping[str, Any]:
    return _read(_unpacked(webhook))


@lru_cache(maxsize=4)  # a tracker is long, and is asked for once to be stored and once to be parsed
def _read(body: bytes) -> Mapping[str, Any]:
    call = json_body(body)
    if not isinstance(call, Mapping):
        raise MalformedWebhook("the body must be a JSON object")
    return call


def _event_id(call: Mapping[str, Any]) -> str:
    """Rasa gives none. Each call comes after a new event of the tracker, or asks for another action."""
    tracker = mapping(call.get("tracker"))
    newest = rows(tracker.get("events"))[-1:] or [{}]
    marks = [text(newest[0].get("timestamp")), text(tracker.get("latest_event_time")), text(newest[0].get("event"))]
    sender = key(call.get("sender_id")) or key(tracker.get("sender_id"))
    return derived_id("rasa", sender, text(call.get("next_action")), len(rows(tracker.get("events"))), *marks)


def _event(
    call: Mapping[str, Any],
    tracker: Mapping[str, Any],
    sender: str,
    action: str,
    webhook: Webhook,
    account: VendorAccount,
) -> Event:
    told = account.options.get("handoff_actions", HANDOFF_ACTIONS)
    asks = action in {name.strip() for name in told.split(",")}
    said = turns(tracker, action)
    told_at = _newest_time(tracker)
    slots = flat(tracker.get("slots"), without=_OWN_SLOTS)
    start = mapping(at(tracker, "slots", "session_start_metadata"))
    return Event(
        event_id=_event_id(call),
        kind=EventKind.HANDOFF_REQUESTED if asks else EventKind.MESSAGE_CREATED,
        source=account.name,
        conversation=_conversation(tracker, sender, slots),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=said,
        transcript="full" if said else None,
        customer=collected_customer({**start, **slots}, user_id=sender),
        bot_id=_of_newest(tracker, "assistant_id"),
        bot_version=_of_newest(tracker, "model_id"),
        handoff=HandoffAsked(requested_by="bot", vendor_metadata={"action": action}) if asks else None,
        context=Context(
            slots=slots,
            custom_attributes=flat(start),
            variables=flat({"active_loop": text(at(tracker, "active_loop", "name"))}),
        ),
        reply_expected=True,
    )


def _conversation(tracker: Mapping[str, Any], sender: str, slots: Mapping[str, Any]) -> ConversationInfo:
    channel = text(tracker.get("latest_input_channel"), 200)
    start = at(tracker, "slots", "session_start_metadata")
    told = (at(start, "locale"), at(start, "language"), slots.get("language"), slots.get("locale"))
    return ConversationInfo(
        vendor_conversation_id=sender,
        channel=CHANNELS.get(channel or ""),
        channel_raw=channel,
        language=next((found for value in told if (found := text(value, 35))), None),
        status="human" if flag(tracker.get("paused")) else None,
        started_at=session_started_at(tracker),
    )


def _newest_time(tracker: Mapping[str, Any]) -> datetime | None:
    """Not `latest_event_time`: the times of one list need not rise, and a turn must not be later than its event."""
    times = [found for row in rows(tracker.get("events")) if (found := moment(row.get("timestamp")))]
    return max(times, default=None)


def _of_newest(tracker: Mapping[str, Any], name: str) -> str | None:
    told = (key(at(row, "metadata", name)) for row in reversed(rows(tracker.get("events"))))
    return next((found for found in told if found), None)


def _answer(decision: Mapping[str, Any], slots: Mapping[str, Any]) -> dict[str, Any]:
    """
    People have it: the bot is paused, and what we know is put into those of our slots the domain has. Rasa sends the
    words before it applies the events. Whoever is to be called back keeps the bot.
    """
    words, handoff_id = text(decision.get("customer_message")), text(decision.get("handoff_id"))
    told = {
        "handoff_id": handoff_id,
        **{f"handoff_{n}": text(decision.get(n)) for n in ("transfer", "route", "tier", "respond_by")},
    }
    events: list[dict[str, Any]] = []
    if handoff_id is not None:
        events = [_slot_event(name, value) for name, value in told.items() if name in slots and value is not None]
        if decision.get("transfer") != "callback":
            events.append({"event": "pause", "timestamp": None})
    return {"events": events, "responses": [{"text": words}] if words else []}


def _slot_event(name: str, value: str | None) -> dict[str, Any]:
    return {"event": "slot", "timestamp": None, "name": name, "value": value}
