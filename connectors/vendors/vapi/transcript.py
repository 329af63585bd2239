"""
Vapi's messages → turns and tool calls. The AI is `bot` in one place and `assistant` in another; `system` is the prompt
and is dropped. The turns stand in `artifact.messages` or, in older reports, at the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook
from connectors.reading import at, key, mapping, moment, number, rows, text
from connectors.vendors.spoken import spoken_lines
from packets.event import Role, ToolCall, Turn

ROLES: Mapping[str, Role] = {"bot": Role.BOT, "assistant": Role.BOT, "user": Role.CUSTOMER}
PREFIXES: Mapping[str, Role] = {"AI": Role.BOT, "User": Role.CUSTOMER}


def messages(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return rows(at(message, "artifact", "messages")) or rows(message.get("messages"))


def turns(message: Mapping[str, Any]) -> tuple[Turn, ...]:
    found: list[Turn] = []
    for row in messages(message):
        role = ROLES.get(text(row.get("role")) or "")
        words = text(row.get("message")) or text(row.get("content"))
        if role is None or words is None:
            continue
        offset = number(row.get("secondsFromStart"))
        found.append(
            Turn(
                role,
                words,
                message_id=f"t{len(found) + 1}",  # Vapi numbers nothing; the transcript only grows
                occurred_at=moment(row.get("time")),
                offset_ms=round(offset * 1000) if offset is not None and 0 <= offset < 1e6 else None,
            )
        )
    written = text(message.get("transcript")) or text(at(message, "artifact", "transcript"))
    return tuple(found) or spoken_lines(written, PREFIXES)


def tool_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """What the assistant tried, with how it ended where a result is told."""
    asked: dict[str, tuple[str, Mapping[str, Any]]] = {}
    found: list[ToolCall] = []
    for row in messages(message):
        for call in rows(row.get("toolCalls")):
            asked[key(call.get("id")) or ""] = name_and_arguments(call)
        call_id = key(row.get("toolCallId"))
        if row.get("role") == "tool_call_result" and call_id is not None:
            name, arguments = asked.get(call_id, (text(row.get("name")) or "tool", {}))
            error = text(row.get("error"))
            result = text(row.get("result"), 500)
            found.append(ToolCall(name, error is None, id=call_id, arguments=arguments, error=error, result=result))
    return tuple(found)


def name_and_arguments(call: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Three spellings: function{name, arguments: object}, the same as a JSON string, and {name, parameters}."""
    function = mapping(call.get("function"))
    arguments = function.get("arguments", call.get("parameters", call.get("arguments")))
    if isinstance(arguments, str):
        try:
            arguments = json_body(arguments.encode())
        except MalformedWebhook:
            arguments = {"text": arguments}
    return text(function.get("name")) or text(call.get("name")) or "tool", mapping(arguments)
