"""
ElevenLabs' transcript → turns and tool calls. "agent" is the AI. It comes once, after the call, so a turn is known by
its place; rows without words (a tool was called) are no turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook
from connectors.reading import after, flag, key, mapping, number, rows, text
from packets.event import Role, ToolCall, Turn

ROLES: Mapping[str, Role] = {"agent": Role.BOT, "user": Role.CUSTOMER}
_RESULT = 500  # characters


def turns(data: Mapping[str, Any], started: datetime | None) -> tuple[Turn, ...]:
    found: list[Turn] = []
    for row in rows(data.get("transcript")):
        role, words = ROLES.get(text(row.get("role")) or ""), text(row.get("message"))
        if role is None or words is None:
            continue
        passed = number(row.get("time_in_call_secs"))
        found.append(
            Turn(
                role,
                words,
                message_id=f"t{len(found) + 1}",
                occurred_at=after(started, passed),
                offset_ms=round(passed * 1000) if passed is not None and 0 <= passed < 1e6 else None,
                interrupted=flag(row.get("interrupted")) or False,
            )
        )
    return tuple(found)


def tool_calls(data: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """Every tool that was called, with how it ended. One whose result is not told counts as done."""
    asked = _by_id(data, "tool_calls")
    results = _by_id(data, "tool_results")
    return tuple(_call(name, call, results.get(name, {})) for name, call in asked.items() if _was_called(call))


def _by_id(data: Mapping[str, Any], part: str) -> dict[str, Mapping[str, Any]]:
    """Calls, or results, by request id. Where that is missing, the nth result of a tool is that of its nth call."""
    found: dict[str, Mapping[str, Any]] = {}
    seen: Counter[str] = Counter()
    for row in rows(data.get("transcript")):
        for item in rows(row.get(part)):
            name = text(item.get("tool_name")) or "tool"
            seen[name] += 1
            found.setdefault(key(item.get("request_id")) or f"{name}-{seen[name]}", item)
    return found


def _was_called(call: Mapping[str, Any]) -> bool:
    return flag(call.get("tool_has_been_called")) is not False


def _call(call_id: str, call: Mapping[str, Any], result: Mapping[str, Any]) -> ToolCall:
    failed = flag(result.get("is_error")) or False
    told = text(result.get("result_value"), _RESULT)
    return ToolCall(
        text(call.get("tool_name")) or "tool",
        ok=not failed,
        id=call_id,
        arguments=_arguments(call.get("params_as_json")),
        error=told or "failed" if failed else None,
        result=None if failed else told,
    )


def _arguments(written: Any) -> Mapping[str, Any]:
    """JSON in a string."""
    if not isinstance(written, str):
        return mapping(written)
    try:
        return mapping(json_body(written.encode()))
    except MalformedWebhook:
        return {"text": written[:_RESULT]}
