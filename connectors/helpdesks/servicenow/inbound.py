"""
What our business rule in the customer's instance sends us (business_rule.js). Pure.

ServiceNow has no ready-made webhook, so the body is ours: what happened, what the incident is like after it, and who
did it. The call proves itself by the token in its header.
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
from connectors.helpdesks.servicenow import answers, wire
from connectors.ports import Verified, Webhook
from packets.draft import ChangeKind, Rating, StatusChange

# The rule's event → what it is to us. None: known, and nothing needed from it. An event we do not know still brings the
# incident's state along, so it is read as "updated".
EVENTS = {
    "created": None,
    "updated": ChangeKind.STATUS_CHANGED,
    "state_changed": ChangeKind.STATUS_CHANGED,
    "commented": ChangeKind.HUMAN_REPLIED,
    "assigned": ChangeKind.ASSIGNED,
    "priority_changed": ChangeKind.PRIORITY_CHANGED,
    "rated": ChangeKind.RATED,
}
RATINGS = {rating.value: rating for rating in Rating}
AUTOMATION = "system"
LONGEST_ID = 100
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
        One change, or none: nothing for changes made by `own_user_ids` (logins), nor for a comment no person of ours
        wrote. Raises MalformedWebhook.
        """
        told = _told(webhook.body)
        kind = _kind(told)
        if kind is None or _text(told, "updated_by") in own_user_ids:
            return ()
        return (_change(kind, told, webhook),)


def _kind(told: Mapping[str, Any]) -> ChangeKind | None:
    kind = EVENTS.get(_text(told, "event"), ChangeKind.STATUS_CHANGED)
    if kind is ChangeKind.HUMAN_REPLIED:
        return kind if _by_a_person(told) else None
    if kind is ChangeKind.STATUS_CHANGED and (not _text(told, "state") or _hold_is_unclear(told)):
        return ChangeKind.HINT
    return kind


def _hold_is_unclear(told: Mapping[str, Any]) -> bool:
    """On hold stops one clock if it is for the caller and another if not; a rule that does not say makes us look."""
    return _text(told, "state") == wire.ON_HOLD and not _text(told, "hold_reason")


def _by_a_person(told: Mapping[str, Any]) -> bool:
    """Neither the customer nor an automation, and for the customer's eyes; a writer nobody names is no person."""
    writer, comment = _text(told, "updated_by"), told.get("comment")
    is_public = not (isinstance(comment, Mapping) and comment.get("public") is False)
    is_caller = told.get("by_caller") is True or writer == _text(told, "caller")
    return is_public and writer not in ("", AUTOMATION) and not is_caller


def _change(kind: ChangeKind, told: Mapping[str, Any], webhook: Webhook) -> StatusChange:
    state, packet_id = _text(told, "state"), _text(told, "correlation_id")
    is_sure = bool(state) and not _hold_is_unclear(told)
    return StatusChange(
        change_id=_dedupe_key(webhook),
        ticket_id=_text(told, "sys_id"),
        kind=kind,
        occurred_at=answers.moment(_text(told, "sys_updated_on")) or webhook.received_at.astimezone(UTC),
        status=answers.status(state, _text(told, "hold_reason")) if is_sure else None,
        priority=wire.PRIORITIES.get(_text(told, "priority")),
        assignee=_text(told, "assigned_to")[:LONGEST_ID] or None,
        packet_id=packet_id if _PACKET_ID.fullmatch(packet_id) else None,
        rating=RATINGS.get(_text(told, "rating").lower()),
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
