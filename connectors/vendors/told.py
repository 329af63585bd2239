"""
What vendors are told in words that are not their own: the canonical `{type, timestamp, data}`, for every vendor whose
own server does the talking, and the note to teammates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from connectors.ports import Notice, NoticeKind

EVENT_TYPES: Mapping[NoticeKind, str] = {
    NoticeKind.WAITING: "handoff.waiting",
    NoticeKind.HANDED_OFF: "handoff.opened",
    NoticeKind.HUMAN_JOINED: "agent.assigned",
    NoticeKind.CONTROL_RETURNED: "control.returned",
}


def told_body(notice: Notice, now: datetime) -> bytes:
    """docs/vendors.md describes it."""
    data: dict[str, object] = {"conversation": {"id": notice.vendor_conversation_id}, "handoff": dict(notice.facts)}
    if notice.text:
        data["message"] = {"text": notice.text}
    if notice.agent:
        data["agent"] = {"name": notice.agent}
    body = {"type": EVENT_TYPES[notice.kind], "timestamp": now.isoformat(), "data": data}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def joined_note(notice: Notice) -> str:
    """For the teammates at the vendor's own inbox: who has it now, and where."""
    ticket = notice.facts.get("ticket")
    where = f", ticket {ticket}." if ticket else "."
    return f"{notice.agent or 'A colleague'} has taken this over at the helpdesk{where}"
