"""
What a Zendesk account must have for us, and what is wrong with what it has. Pure; keeper.py asks and writes.
source: Zendesk API, "Ticket fields", "Webhooks", "Triggers", "Conditions reference", read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.helpdesks.zendesk.inbound import KINDS, TICKET_PREFIX, TOLERANCE
from connectors.ports import FieldMap, Finding

Row = Mapping[str, Any]

# Our neutral fields → the title the agent reads. A field is known again by its number, else by this title.
FIELDS = {
    "packet_id": "Baton packet id",
    "reason": "Baton reason",
    "channel": "Baton channel",
    "tier": "Baton tier",
    "respond_by": "Baton respond by",
    "rules": "Baton rules",
    "source": "Baton source",
    "conversation_url": "Baton conversation url",
    "completeness": "Baton completeness",
    "language": "Baton language",
}
FIELD_TYPE = "text"
USABLE_TYPES = ("text", "textarea")  # a drop-down drops words it does not know without an error

SUBSCRIPTIONS = tuple(TICKET_PREFIX + kind for kind, change in KINDS.items() if change is not None)
# Told of by other people's code only: an account that refuses it gets a webhook without it.
UNCERTAIN = TICKET_PREFIX + "csat_received"
BY_TRIGGER = "conditional_ticket_events"
WEBHOOK_NAME = "Baton"
TRIGGER_TITLE = "Baton: say which ticket changed"
# No customer text: Zendesk escapes nothing, and one quotation mark would break the JSON.
TRIGGER_BODY = '{"ticket_id": "{{ticket.id}}", "external_id": "{{ticket.external_id}}"}'
OUR_TAG = "baton"
SKEW_TOLD = timedelta(seconds=60)


def webhook(url: str, by_trigger: bool, subscriptions: Sequence[str] = SUBSCRIPTIONS) -> dict[str, Any]:
    """The webhook to create. One is for events or for triggers; Zendesk lets nobody switch."""
    return {
        "name": f"{WEBHOOK_NAME} (by trigger)" if by_trigger else WEBHOOK_NAME,
        "description": "Tells Baton what people do with the tickets it opened. Made by `baton setup`.",
        "endpoint": url,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": [BY_TRIGGER] if by_trigger else list(subscriptions),
    }


def trigger(webhook_id: str, own_user: int) -> dict[str, Any]:
    """
    The trigger that calls the webhook: only for tickets of ours, and not for what our own user did, or every write of
    ours would call us.
    """
    changed = [{"field": name, "operator": "changed", "value": ""} for name in ("status", "priority", "assignee_id")]
    return {
        "title": TRIGGER_TITLE,
        "description": "Made by `baton setup`.",
        "active": True,
        "conditions": {
            "all": [
                {"field": "current_tags", "operator": "includes", "value": OUR_TAG},
                {"field": "role", "operator": "is_not", "value": str(own_user)},
                {"field": "update_type", "operator": "is", "value": "Change"},
            ],
            "any": [*changed, {"field": "comment_is_public", "operator": "is", "value": "true"}],
        },
        "actions": [{"field": "notification_webhook", "value": [webhook_id, TRIGGER_BODY]}],
    }


def calls_webhook(row: Row, webhook_id: str) -> bool:
    """Whether a trigger calls this webhook."""
    actions = row.get("actions")
    values = [a.get("value") for a in actions if isinstance(a, Mapping)] if isinstance(actions, list) else []
    return any(isinstance(v, list) and v and str(v[0]) == webhook_id for v in values)


def field_for(name: str, field_map: FieldMap, fields: Sequence[Row]) -> Row | None:
    """The account's field for one of ours: the one the map names, if it can be used, else one with our title."""
    usable = [row for row in fields if row.get("active") is not False and row.get("type") in USABLE_TYPES]
    mapped = (row for row in usable if str(row.get("id")) == field_map.fields.get(name))
    titled = (row for row in usable if row.get("title") == FIELDS[name])
    return next(mapped, None) or next(titled, None)


def group_for(route: str, field_map: FieldMap, groups: Sequence[Row]) -> Row | None:
    """The account's group for a route: the one the map names, else the one that is called so."""
    live = [row for row in groups if row.get("deleted") is not True]
    mapped = (row for row in live if str(row.get("id")) == field_map.groups.get(route))
    named = (row for row in live if str(row.get("name", "")).strip().casefold() == route.replace("_", " ").casefold())
    return next(mapped, None) or next(named, None)


def default_group(field_map: FieldMap, groups: Sequence[Row]) -> Row | None:
    """Where every other route goes: as mapped, else the account's own default, else its only one."""
    live = [row for row in groups if row.get("deleted") is not True]
    mapped = [row for row in live if str(row.get("id")) == field_map.groups.get("default")]
    marked = [row for row in live if row.get("default") is True]
    return (mapped or marked or (live if len(live) == 1 else [None]))[0]  # type: ignore[list-item]


def webhooks_at(url: str, webhooks: Iterable[Row], by_trigger: bool) -> list[Row]:
    """Those that go to us in this form, in the order of the list."""
    return [w for w in webhooks if w.get("endpoint") == url and (BY_TRIGGER in _subscribed(w)) == by_trigger]


def missing_events(row: Row) -> list[str]:
    """Events the webhook should tell and does not."""
    return [name for name in SUBSCRIPTIONS if name != UNCERTAIN and name not in _subscribed(row)]


def field_findings(field_map: FieldMap, fields: Sequence[Row]) -> Iterator[Finding]:
    known = {str(row.get("id")): row for row in fields}
    for name, number in field_map.fields.items():
        row = known.get(number)
        if row is None:
            yield Finding(
                "broken",
                f"field {name}: the account has no ticket field {number}",
                "run `baton setup`, which makes the missing fields and writes their numbers into the field map",
            )
        elif row.get("active") is False:
            yield Finding(
                "broken", f"field {name}: ticket field {number} is switched off", "activate it in Admin Center"
            )
        elif row.get("type") not in USABLE_TYPES:
            told = str(row.get("type"))[:30]
            yield Finding(
                "broken",
                f"field {name}: ticket field {number} is of type {told}, and only text takes every value",
                "map a text field, or remove the line and run `baton setup`",
            )
    absent = sorted(set(FIELDS) - set(field_map.fields))
    if absent:
        remedy = "`baton setup` makes them; until then they stand in the note only"
        yield Finding("warning", f"fields not in the field map: {', '.join(absent)}", remedy)
    elif all(str(n) in known for n in field_map.fields.values()):
        yield Finding("ok", f"{len(field_map.fields)} ticket fields are there")


def group_findings(field_map: FieldMap, groups: Sequence[Row], routes: Sequence[str]) -> Iterator[Finding]:
    live = {str(row.get("id")) for row in groups if row.get("deleted") is not True}
    gone = {route: number for route, number in field_map.groups.items() if number not in live}
    for route, number in sorted(gone.items()):
        remedy = "name a group of this account in the field map, or run `baton setup`; Zendesk refuses such tickets"
        yield Finding("broken", f"group {route}: the account has no group {number}", remedy)
    without = [route for route in routes if route not in field_map.groups]
    if without and "default" not in field_map.groups:
        remedy = "give the field map a line `default:` under `groups`"
        yield Finding("warning", f"routes without a group: {', '.join(without)}", remedy)
    elif not gone:
        yield Finding("ok", f"{len(live)} groups; every route has one")


def skew_finding(date: str | None, now: datetime) -> Finding:
    """The account's clock beside ours: signatures are believed for five minutes only."""
    try:
        skew = abs(parsedate_to_datetime(date or "") - now)
    except (TypeError, ValueError):
        return Finding("warning", "the account told no time, so the clocks were not compared")
    told = f"this machine's clock and Zendesk's differ by {skew.total_seconds():.0f} s"
    if skew >= TOLERANCE:
        return Finding("broken", told, "set the clock (NTP): every webhook looks stale and is refused")
    if skew >= SKEW_TOLD:
        return Finding("warning", told, "set the clock (NTP)")
    return Finding("ok", "the clocks agree")


def invocation_finding(invocations: Sequence[Row]) -> Finding:
    """What became of the newest deliveries (the list is newest first)."""
    if not invocations:
        return Finding("ok", "the webhook has not been called yet")
    newest = invocations[0]
    code, state = newest.get("status_code"), str(newest.get("status"))[:30]
    if isinstance(code, int) and 200 <= code < 300:
        return Finding("ok", "the newest delivery of the webhook arrived")
    told = f"was answered {code}" if isinstance(code, int) else f"got no answer ({state})"
    remedy = {
        401: "the signing secret is not the one configured: run `baton setup`, or put it into `webhook_secret`",
        404: "the address ends in no helpdesk of baton.yml: compare it with `helpdesks`",
    }.get(code if isinstance(code, int) else 0, "look whether the address leads to the gateway, through proxy and TLS")
    return Finding("broken", f"the newest delivery of the webhook {told}", remedy)


def is_ours_trigger(row: Row, webhook_id: str) -> bool:
    """A trigger that does what ours does, whatever people have called it since."""
    return row.get("active") is not False and calls_webhook(row, webhook_id)


def trigger_body_is_json(row: Row) -> bool:
    """Whether the trigger's template is JSON and names the ticket; people edit it."""
    for action in row.get("actions") or ():
        value = action.get("value") if isinstance(action, Mapping) else None
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str):
            try:
                told = json.loads(value[1])
            except ValueError:
                return False
            return isinstance(told, dict) and "ticket_id" in told
    return False


def _subscribed(row: Row) -> list[Any]:
    found = row.get("subscriptions")
    return found if isinstance(found, list) else []
