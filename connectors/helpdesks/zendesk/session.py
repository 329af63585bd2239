"""
The Session under zenpy. zenpy sends everything through the Session it is given, and that is how it is made safe: our
base address instead of `{subdomain}.zendesk.com`, our errors before zenpy could sleep on a 429, send a POST again or
take an HTML page for a ticket, and the one create request as it was frozen, with its Idempotency-Key.
source: zenpy 2.0.57 (zenpy/lib/api.py, response.py), read 2026-11-21.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.errors import ConnectorError, Throttled, Unauthorized, Unsure
from connectors.helpdesks.zendesk import answers
from connectors.http import SUCCESS, Answer, HardenedSession, retry_after

# Any name does: no call ever leaves for it.
SUBDOMAIN = "account"

# At DEBUG zenpy writes whole tickets and requests.
logging.getLogger("zenpy").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Frozen:
    """The one create request: the bytes as they were prepared, and the key under which Zendesk keeps the answer."""

    body: bytes = field(repr=False)
    key: str


class ZendeskSession(HardenedSession):
    """
    frozen: goes out instead of whatever zenpy wrote; a session that has it serves for the one create request.
    harmless: every write of this session may be repeated, so none is ever Unsure.
    last: the newest answer, whole; zenpy keeps only the objects in it.
    """

    frozen: Frozen | None = None
    harmless = False
    last: Answer | None = None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        asked = request.url
        if self.frozen is not None and request.method == "POST":
            request.prepare_body(self.frozen.body, None)
            request.headers["Content-Type"] = "application/json"
            request.headers["Idempotency-Key"] = self.frozen.key
        response, self.last = self._exchange(request, SUCCESS, True if self.harmless else None, True)
        request.url = response.url = asked or ""  # zenpy takes only answers from the host it asked
        return response

    def judge(self, answer: Answer, *, safe: bool) -> ConnectorError | None:
        """
        A 429 because this one ticket has had its 30 updates in 10 minutes stops nobody else's. An Idempotency-Key that
        met another body: somebody used it, so a ticket may be there. A 404 without JSON comes from the web site, not
        from the API: no such account.
        source: "Idempotency" and "Rate limits", developer.zendesk.com, read 2026-11-21.
        """
        if answer.status == 429 and (resets := answers.ticket_limit_resets(answer.headers)) is not None:
            wait = retry_after(answer.headers, default=resets)
            return Throttled(
                self.system, "this ticket has had all its updates for now", retry_after=wait, whole_account=False
            )
        if 400 <= answer.status < 500 and "idempoten" in answers.error_code(answer.json).lower():
            return Unsure(self.system, "the Idempotency-Key is known with another body", key_is_spent=True)
        if answer.status == 404 and answer.json is None:
            return Unauthorized(self.system, "no such account; check base_url (https://….zendesk.com)")
        return None

    def field_errors(self, answer: Answer) -> tuple[str, ...]:
        code = answers.error_code(answer.json)
        return answers.field_errors(answer.json) or ((code,) if code else ())
