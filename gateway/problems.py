"""Errors as application/problem+json (RFC 9457). A problem says what is wrong and where, never what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from flask import Flask, Response
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from connectors.errors import MalformedWebhook, SignatureRejected

log = logging.getLogger(__name__)


def problem(
    status: int, title: str, detail: str | None = None, errors: Sequence[tuple[str, str]] = (), **headers: str
) -> Response:
    """One problem answer. `errors` are (JSON pointer, what is wrong there)."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = [{"pointer": pointer, "detail": text} for pointer, text in errors]
    answer = Response(json.dumps(body), status, content_type="application/problem+json")
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


def register(app: Flask) -> None:
    @app.errorhandler(SignatureRejected)
    def _signature(_error: SignatureRejected) -> Response:
        return problem(401, "Unauthorized")

    @app.errorhandler(MalformedWebhook)
    def _malformed(error: MalformedWebhook) -> Response:
        status, title = (422, "Unprocessable Content") if error.problems else (400, "Bad Request")
        return problem(status, title, error.detail, error.problems)

    @app.errorhandler(SQLAlchemyError)
    def _database(error: SQLAlchemyError) -> Response:
        # Whether it was stored is unknown; the vendor's re-delivery meets the unique keys and finds out.
        level = logging.WARNING if isinstance(error, OperationalError) else logging.ERROR
        log.log(level, "not_stored", extra={"error": type(error).__name__})
        return problem(503, "Service Unavailable", "Not stored. Send it again.", Retry_After="5")

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        answer = problem(error.code or 500, error.name, error.description)
        for name, value in error.get_headers():
            if name.lower() not in ("content-type", "content-length"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        # A bug of ours. 503 and not 500: the vendor's re-delivery may meet the mended version; a 500 is often final.
        log.exception("request_failed", extra={"error": type(error).__name__})
        return problem(503, "Service Unavailable", "Not stored. Send it again.", Retry_After="30")
