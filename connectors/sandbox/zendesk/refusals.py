"""
How Zendesk says no. Bodies as recorded or as quoted by client authors; where neither exists, the comment says so.
source: Zendesk API, "Requests" and "Rate limits", and recorded answers, read 2026-11-21.
"""

from __future__ import annotations

from werkzeug.wrappers import Response

from connectors.sandbox.answers import html_answer, json_answer, text_answer
from connectors.sandbox.faults import Fault

Details = dict[str, list[dict[str, str]]]


class Refusal(Exception):
    """Ends a call with this answer; nothing was written."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status)


def unauthorized() -> Response:
    """401; there is no `description`."""
    return json_answer({"error": "Couldn't authenticate you"}, 401, {"WWW-Authenticate": 'Basic realm="Web Password"'})


def out_of_scope() -> Response:
    """403 of a token whose scope does not reach so far; wording unverified."""
    body = {"error": "Forbidden", "description": "You do not have access to this page. Missing required scope."}
    return json_answer(body, 403)


def not_found() -> Response:
    """404, also for a ticket that was deleted or merged away (recorded)."""
    return json_answer({"error": "RecordNotFound", "description": "Not found"}, 404)


def method_not_allowed() -> Response:
    """405; wording unverified."""
    return json_answer({"error": "MethodNotAllowed", "description": "Method not allowed"}, 405)


def invalid(details: Details) -> Refusal:
    """422 with what is wrong, field by field."""
    body = {"error": "RecordInvalid", "description": "Record validation errors", "details": details}
    return Refusal(json_answer(body, 422))


def invalid_field(name: str, text: str, code: str | None = None) -> Refusal:
    """422 for one field; `code` is missing in older answers."""
    problem = {"description": text}
    if code:
        problem["error"] = code
    return invalid({name: [problem]})


def unreadable() -> Refusal:
    """The body is no JSON; wording unverified."""
    return Refusal(json_answer({"error": "Unprocessable Entity", "message": "Server could not parse JSON"}, 422))


def missing_parameter(name: str) -> Refusal:
    """The envelope is missing; wording unverified."""
    body = {"error": "ParameterMissing", "description": f"Required parameter missing: {name}"}
    return Refusal(json_answer(body, 400))


def other_parameters() -> Refusal:
    """The same Idempotency-Key with another body."""
    description = "Request parameters don't match the given idempotency key"
    return Refusal(json_answer({"error": "IdempotentRequestError", "description": description}, 400))


def outdated() -> Refusal:
    """safe_update with an old updated_stamp; wording secondary."""
    description = (
        "Safe Update prevented the update due to outdated ticket data. "
        "Please fetch the latest ticket data and try again."
    )
    return Refusal(json_answer({"error": "UpdateConflict", "description": description}, 409))


def too_many(retry_after: float | None, body: str) -> Response:
    """429 in one of the two forms clients have met."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
    if body == "text":
        return text_answer("Number of allowed API requests per minute exceeded", 429, headers)
    description = "Number of allowed API requests per minute exceeded"
    return json_answer({"error": "APIRateLimitExceeded", "description": description}, 429, headers)


def fault_answer(fault: Fault) -> Response:
    """The answer of a call that suffers `fault`."""
    if fault.kind == "429":
        return too_many(fault.retry_after, fault.body)
    if fault.kind == "401":
        return unauthorized()
    if fault.kind == "403":
        return json_answer({"error": "Forbidden", "description": "You do not have access to this page."}, 403)
    if fault.kind in ("409", "409_after"):
        return json_answer({"error": "DatabaseConflict", "description": "Database collision"}, 409)
    if fault.kind == "html_200":
        return html_answer("Help Center", "Sign in to continue.", 200)
    if fault.kind == "503":
        headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:.0f}"}
        if fault.body == "html":
            return html_answer("Zendesk is down for maintenance", "Please try again later.", 503, headers)
        return json_answer({"error": "unavailable", "description": "Service Unavailable"}, 503, headers)
    return json_answer({"error": "InternalServerError", "description": "Something went wrong"}, 500)
