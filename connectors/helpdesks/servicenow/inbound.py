"""
What our business rule in the customer's instance sends us (its script stands in the README). Pure.

ServiceNow has no ready-made webhook, so the body is ours: what the incident is like after the change, who made it, and
whether a comment for the customer was written. The call proves itself by the token in its header.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook
from connectors.helpdesks.bearer import matching_token
from connectors.helpdesks.servicenow import wire
from connectors.ports import Verified, Webhook
from packets.draft import ChangeKind, StatusChange

# The rule's event → what it adds to the state every call carries.
EVENTS = {
    "created": None,
    "updated": None,
    "state_changed": None,
    "assigned": ChangeKind.ASSIGNED,
    "priority_changed": ChangeKind.PRIORITY_CHANGED,
    "commented": ChangeKind.HUMAN_REPLIED,
}
AUTOMATION = "system"
_SYS_ID = re.compile(r"[0-9a-f]{32}")
_PACKET_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class ServiceNowInbound:
    """Reads the business rule's calls; see connectors.ports.HelpdeskInbound."""

    name = "servicenow"

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> Verified:
        """Raises SignatureRejected."""
        return Verified(_dedupe_key(webhook), matching_token(webhook.headers, secrets))

    def parse(self, webhook: Webhook, own_user_ids: frozenset[str] = frozenset()) -> tuple[StatusChange, ...]:
        """
        The incident's state, and what else the event tells; nothing for changes made by `own_user_ids` (logins).
        Raises MalformedWebhook.
        """
        told = _told(webhook.body)
        if _text(told, "updated_by") in own_user_ids:
            return ()
        return tuple(_change(kind, told, webhook) for kind in _kinds(told))


def _kinds(told: Mapping[str, Any]) -> list[ChangeKind]:
    kinds = [ChangeKind.STATUS_CHANGED] if _text(told, "state") else []
    kind = EVENTS.get(_text(told, "event"))
    if kind is ChangeKind.HUMAN_REPLIED or told.get("comment"):
        return [ChangeKind.HUMAN_REPLIED, *kinds] if _by_a_person(told) else kinds
    return [*kinds, kind] if kind else kinds


def _by_a_person(told: Mapping[str, Any]) -> bool:
    """Neither the customer nor an automation; a writer nobody names is not taken for a person."""
    writer = _text(told, "updated_by")
    return bool(writer) and writer not in (AUTOMATION, _text(told, "caller")) and told.get("by_caller") is not True


def _change(kind: ChangeKind, told: Mapping[str, Any], webhook: Webhook) -> StatusChange:
    state, packet_id = _text(told, "state"), _text(told, "correlation_id")
    return StatusChange(
        change_id=f"{_dedupe_key(webhook)}-{kind.value}",
        ticket_id=_text(told, "sys_id"),
        kind=kind,
        occurred_at=wire.moment(_text(told, "sys_updated_on")) or webhook.received_at.astimezone(UTC),
        status=wire.status(state, _text(told, "hold_reason")) if state else None,
        priority=wire.PRIORITIES.get(_text(told, "priority")),
        assignee=_text(told, "assigned_to") or None,
        packet_id=packet_id if _PACKET_ID.fullmatch(packet_id) else None,
    )


def _told(raw: bytes) -> dict[str, Any]:
    body = json_body(raw)
    if not isinstance(body, dict):
        raise MalformedWebhook("not a call of our business rule", (("", "expected an object"),))
    problems = []
    if not _SYS_ID.fullmatch(_text(body, "sys_id")):
        problems.append(("/sys_id", "expected 32 hex digits"))
    if not _text(body, "event"):
        problems.append(("/event", "expected the name of what happened"))
    if problems:
        raise MalformedWebhook("not a call of our business rule", tuple(problems))
    return body


def _text(told: Mapping[str, Any], name: str) -> str:
    """Scripts write numbers as text or as numbers, and references as ids; anything else counts as absent."""
    found = told.get(name)
    return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _dedupe_key(webhook: Webhook) -> str:
    """Incident, event and the count of its changes name one call; a rule that leaves the count out: the whole body."""
    try:
        told = _told(webhook.body)
    except MalformedWebhook:
        told = {}
    parts = [_text(told, name) for name in ("sys_id", "sys_mod_count", "event")]
    material = json.dumps(parts).encode() if all(parts) else webhook.body
    return "sn-" + hashlib.sha256(material).hexdigest()[:40]
