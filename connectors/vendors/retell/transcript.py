"""Retell's transcript → turns. `transcript_with_tool_calls` is richer than `transcript_object` where it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.reading import after, at, flag, key, number, rows, text
from connectors.vendors.spoken import spoken_lines
from packets.event import Role, ToolCall, Turn

# Retell's word → ours. None: nothing was said.
ROLES: Mapping[str, Role | None] = {
    "agent": Role.BOT,  # the AI
    "user": Role.CUSTOMER,
    "transfer_target": Role.AGENT,  # the person who was called
    "tool_call_invocation": None,
    "tool_call_result": None,
    "node_transition": None,
    "dtmf": None,
    "sms": None,
    "injected": None,
}


def spoken(call: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The transcript's rows, wherever they stand."""
    names = ("transcript_with_tool_calls", "transcript_object", "message_with_tool_calls")
    return next((found for name in names if (found := rows(call.get(name)))), [])


def turns(call: Mapping[str, Any], started: datetime | None) -> tuple[Turn, ...]:
    """Every spoken turn, in order. Ids are made of their place: the transcript only grows."""
    found: list[Turn] = []
    for row in spoken(call):
        role, words = ROLES.get(text(row.get("role")) or ""), text(row.get("content"))
        if role is None or words is None:
            continue
        start = number(at(row, "words", 0, "start"))
        found.append(
            Turn(
                role,
                words,
                message_id=text(row.get("message_id")) or f"t{len(found) + 1}",
                occurred_at=after(started, start),
                offset_ms=round(start * 1000) if start is not None and 0 <= start < 1e6 else None,
            )
        )
    return tuple(found) or spoken_lines(text(call.get("transcript")), {"Agent": Role.BOT, "User": Role.CUSTOMER})


def tool_calls(call: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """What the agent tried and how it ended; a call without a result yet is left out."""
    said = rows(call.get("transcript_with_tool_calls"))
    names = {key(row.get("tool_call_id")): text(row.get("name")) for row in said if text(row.get("name"))}
    found = []
    for row in said:
        call_id = key(row.get("tool_call_id"))
        if row.get("role") == "tool_call_result" and call_id is not None:
            ok = flag(row.get("successful"))
            found.append(
                ToolCall(names.get(call_id) or "tool", ok is not False, id=call_id, result=text(row.get("content")))
            )
    return tuple(found)
