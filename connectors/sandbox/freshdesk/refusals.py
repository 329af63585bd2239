"""
How Freshdesk says no: 400 with a list, short codes, and the famous 404 with nothing in it.
source: error bodies quoted by client authors (see tests/connectors/sandbox/fixtures/SOURCE.md), read 2026-11-21.
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.wrappers import Response

from connectors.sandbox.answers import empty_answer, html_answer, json_answer, text_answer
from connectors.sandbox.faults import Fault


class Refusal(Exception):
    """Ends a call with this answer; nothing was written."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status)


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of a 400."""

    field: str
    message: str
    code: str = "invalid_value"


def invalid(problems: list[Problem]) -> Refusal:
    """400 with everything that is wrong at once."""
    errors = [{"field": p.field, "message": p.message, "code": p.code} for p in problems]
    return Refusal(json_answer({"description": "Validation failed", "errors": errors}, 400))


def coded(status: int, code: str, message: str) -> Response:
    """Every other error."""
    return json_answer({"code": code, "message": message}, status)


def unauthorized() -> Response:
    """401: the key is wrong."""
    return coded(401, "invalid_credentials", "You have to be logged in to perform this action.")


def forbidden() -> Response:
    """403: the key is right, the agent may not."""
    return coded(403, "access_denied", "You are not authorized to perform this action.")


def not_found() -> Response:
    """404 with an empty body, for a missing record and a missing account alike."""
    return empty_answer(404)


def unreadable() -> Refusal:
    """400: the body is no JSON object."""
    return Refusal(coded(400, "invalid_json", "Request has invalid json format"))


def too_many(retry_after: float | None, body: str) -> Response:
    """429; the body is JSON or text, clients treat it as opaque."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
    if body == "text":
        return text_answer("You have exceeded the limit of requests per minute", 429, headers)
    return json_answer({"message": "You have exceeded the limit of requests per minute"}, 429, headers)


def fault_answer(fault: Fault) -> Response:
    """The answer of a call that suffers `fault`."""
    if fault.kind == "429":
        return too_many(fault.retry_after, fault.body)
    if fault.kind == "401":
        return unauthorized()
    if fault.kind == "403":
        return forbidden()
    if fault.kind == "html_200":
        return html_answer("Freshdesk", "You are being redirected.", 200)
    if fault.kind == "503" and fault.body == "html":
        return html_answer("Freshdesk is down for maintenance", "We will be back soon.", 503)
    if fault.kind == "503":
        return coded(503, "service_unavailable", "Service unavailable")
    return coded(500, "internal_error", "We're sorry, but something went wrong.")
