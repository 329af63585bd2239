"""Reads a request's body, JSON or multipart; what it cannot read is refused as Freshdesk does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandbox.answers import Request
from connectors.sandbox.freshdesk import checks, refusals

Files = Sequence[tuple[str, str, bytes]]  # name, content type, bytes


def read_body(
    request: Request, keys: Mapping[str, checks.Check], field_types: Mapping[str, str]
) -> tuple[dict[str, Any], Files]:
    """The body in JSON types, and the files that came with it (multipart only)."""
    if request.mimetype == "multipart/form-data":
        sent = checks.from_form(request.form, keys, field_types)
        uploads = request.files.getlist("attachments[]")
        files = [(f.filename or "file", f.mimetype or "application/octet-stream", f.read()) for f in uploads]
        return sent, files
    try:
        body = request.json_body()
    except ValueError as error:
        raise refusals.unreadable() from error
    if not isinstance(body, dict):
        raise refusals.unreadable()
    return body, []
