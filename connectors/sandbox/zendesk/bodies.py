"""Reads a request's JSON; what it cannot read is refused as Zendesk does."""

from __future__ import annotations

from typing import Any

from connectors.sandbox.answers import Request
from connectors.sandbox.zendesk import refusals


def json_object(request: Request) -> dict[str, Any]:
    """The body, which must be an object."""
    try:
        body = request.json_body()
    except ValueError as error:
        raise refusals.unreadable() from error
    if not isinstance(body, dict):
        raise refusals.unreadable()
    return body


def envelope(request: Request, name: str) -> dict[str, Any]:
    """What stands under `name` in the body."""
    inside = json_object(request).get(name)
    if not isinstance(inside, dict):
        raise refusals.missing_parameter(name)
    return inside
