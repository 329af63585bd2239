"""
How ServiceNow says no: one body for everything, and a 403 that is often an error in the data.
source: ServiceNow documentation (Apache-2.0), "REST API HTTP response codes" and "Inbound REST API rate limiting",
and error bodies quoted by client authors, read 2026-11-21.
"""

from __future__ import annotations

import time

from werkzeug.wrappers import Response

from connectors.sandbox.answers import html_answer, json_answer, text_answer
from connectors.sandbox.faults import Fault

CONTENT_TYPE = "application/json;charset=UTF-8"
CANCELLED = (
    '{"error":{"message":"Transaction cancelled: maximum execution time exceeded","detail":"maximum execution time '
    "exceeded Check logs for error trace or enable glide.rest.debug property to verify REST request processing"
    '"},"status":"failure"}'
)


class Refusal(Exception):
    """Ends a call with this answer; nothing was written."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status)


def failure(status: int, message: str, detail: str | None, headers: dict[str, str] | None = None) -> Response:
    """The body every error has."""
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return json_answer(body, status, headers, CONTENT_TYPE)


def unauthorized() -> Response:
    """401: credential missing or wrong."""
    headers = {"WWW-Authenticate": 'Basic realm="Service-now"'}
    return failure(401, "User is not authenticated", "Required to provide Auth information", headers)


def no_record() -> Response:
    """404: not there, or not visible to this user."""
    return failure(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def no_path(path: str) -> Response:
    """400: the address names no resource; wording unverified."""
    return failure(400, f"Requested URI does not represent any resource: {path}", None)


def refused(detail: str) -> Refusal:
    """403: a rule, an ACL or a data policy said no."""
    return Refusal(failure(403, "Operation Failed", detail))


def bad_request(message: str, detail: str | None = None) -> Refusal:
    """400: the table or the body makes no sense."""
    return Refusal(failure(400, message, detail))


def too_many(retry_after: float | None, body: str) -> Response:
    """
    429. With retry_after: a rate-limit rule fired. Without: a full semaphore queue, which sends no such headers, and
    as text perhaps no JSON either (unverified).
    """
    if body == "text":
        return text_answer("Too many requests", 429)
    headers = {}
    if retry_after is not None:
        headers = {
            "Retry-After": f"{retry_after:.0f}",
            "X-RateLimit-Limit": "100",
            "X-RateLimit-Reset": f"{time.time() + retry_after:.0f}",
            "X-RateLimit-Rule": "ba72" + "0" * 28,
        }
    detail = "Rate limit of 100 requests per hour for Table API exceeded"
    return failure(429, "Rate limit exceeded", detail, headers)


def cancelled(done: Response | None) -> Response:
    """The quota hit when the headers were out: status 200, and an error, glued to good JSON where work was `done`."""
    text = (done.get_data(as_text=True) if done else "") + CANCELLED
    return Response(text, 200, content_type=CONTENT_TYPE)


def aborted() -> Response:
    """403: a business rule of the customer's said no."""
    rule = "Business Rule 'Example rule^00000000000000000000000000000003'. Business Rule Stack:Example rule"
    return refused(f"Operation against file 'incident' was aborted by {rule}").response


def fault_answer(fault: Fault, done: Response | None) -> Response:
    """The answer of a call that suffers `fault`."""
    if fault.kind in ("cancelled_after", "cancelled_before"):
        return cancelled(done)
    if fault.kind == "403":
        return aborted()
    if fault.kind == "429":
        return too_many(fault.retry_after, fault.body)
    if fault.kind == "401":
        return unauthorized()
    if fault.kind == "html_200":
        return html_answer("Your instance is hibernating", "Sign in to the site to wake your instance", 200)
    if fault.kind == "503" and fault.body == "html":
        return html_answer("Instance maintenance", "This instance is being upgraded.", 503)
    if fault.kind == "503":
        return failure(503, "Service Unavailable", None)
    return failure(500, "Internal Server Error", "Unexpected error, see system log")
