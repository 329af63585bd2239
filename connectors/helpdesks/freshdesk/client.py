"""
Freshdesk's API v2: open a ticket once, put the packet on it as a private note, read it, change it.

Freshdesk has no idempotency key, so after an unknown outcome the ticket is looked for in the *list*, which reads the
primary store; the search lags by minutes (reliability notes in docs/architecture.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from connectors.errors import ConnectorError, Refused, Unauthorized, Unavailable
from connectors.helpdesks.freshdesk import wire
from connectors.http import Answer, HardenedSession
from connectors.ports import Capabilities, HelpdeskAccount
from packets.draft import DraftAttachment, TicketDraft, TicketRef, TicketState, TicketUpdate

TICKETS = "/api/v2/tickets"
CAPABILITIES = Capabilities(note_limit=60_000)
CLOCK_SKEW = timedelta(minutes=5)  # their clock may be behind ours
TICKETS_PER_PAGE = 100
CONVERSATIONS_PER_PAGE = 30
MOST_PAGES = 50
TAG_TRIES = 3


class FreshdeskSession(HardenedSession):
    """Freshdesk's error bodies: `{"errors": [{"field", "message", "code"}]}`, or `{"code", "message"}`."""

    def field_errors(self, answer: Answer) -> tuple[str, ...]:
        return wire.field_errors(answer.json)


class WholeAccountSession(FreshdeskSession):
    """
    For calls that cannot miss a record (open a ticket, list tickets). 404, from the edge and with no body, then means
    that there is no such account: that stops the account, not this one ticket.
    """

    def judge(self, answer: Answer, *, safe: bool) -> ConnectorError | None:
        if answer.status != 404:
            return None
        return Unauthorized(self.system, "no such account at this address; check base_url (https://….freshdesk.com)")


class Freshdesk:
    """One Freshdesk account; see connectors.ports.Helpdesk."""

    name = "freshdesk"

    def __init__(self, account: HelpdeskAccount) -> None:
        if problems := wire.check_field_map(account.field_map):
            raise ValueError(f"helpdesk {account.name!r}: " + "; ".join(problems))
        api_key = account.credentials.get("api_key")
        if not api_key:
            raise ValueError(f"helpdesk {account.name!r}: Freshdesk needs an `api_key` (an agent's, Profile settings)")
        lookup_after = account.lookup_after or CAPABILITIES.lookup_after
        self.capabilities = replace(CAPABILITIES, lookup_after=lookup_after)
        self._field_map = account.field_map
        # The key is the user name, the password is ignored. source: freshdesk/fresh-samples, read 2026-11-21.
        self._http, self._whole_account = (
            session(wire.SYSTEM, account.base_url, deadline=account.timeout, auth=(api_key, "X"))
            for session in (FreshdeskSession, WholeAccountSession)
        )

    def prepare(self, draft: TicketDraft, *, key: str) -> bytes:
        """Asks nobody: Freshdesk finds or makes the contact itself."""
        return json.dumps(wire.ticket_body(draft, key, self._field_map)).encode()

    def open_ticket(self, body: bytes, *, key: str) -> TicketRef:
        """
        Open one ticket from a prepared body, in which `key` stands already.

        raises: Throttled, Unavailable, Unsure, Refused (with the refused fields), Unauthorized.
        source: Freshdesk API v2, "Create a Ticket", read 2026-11-21.
        """
        headers = {"Content-Type": "application/json"}
        answer = self._whole_account.call("POST", TICKETS, data=body, headers=headers)
        ref = wire.ticket_ref(answer.json, self._http.base_url) if isinstance(answer.json, dict) else None
        if ref is None:
            raise self._http.unclear("POST", f"POST {TICKETS} answered {answer.status} without a ticket")
        return ref

    def find_tickets(self, draft: TicketDraft, *, key: str, since: datetime) -> tuple[TicketRef, ...]:
        """
        Tickets changed since shortly before `since` whose custom field holds `key`, oldest first.

        The list is narrowed to the requester. Only a customer without an e-mail address is looked for among everybody
        too: Freshdesk may have put their ticket under a contact it knew by phone.
        source: Freshdesk API v2, "List All Tickets", read 2026-11-21.
        """
        field = self._field_map.fields["packet_id"]
        begin = (since.astimezone(UTC) - CLOCK_SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")
        order: dict[str, str | int] = {"updated_since": begin, "order_by": "created_at", "order_type": "asc"}
        narrowed = wire.lookup(draft, key)
        rows = [t for t in self._tickets_of(narrowed, order) if wire.carries(t, field, key)]
        if not rows and "email" not in narrowed:
            rows = [t for t in self._pages(TICKETS, order, TICKETS_PER_PAGE) if wire.carries(t, field, key)]
        rows.sort(key=lambda t: (str(t.get("created_at")), t.get("id") or 0))
        refs = (wire.ticket_ref(ticket, self._http.base_url) for ticket in rows)
        return tuple(ref for ref in refs if ref is not None)

    def complete_ticket(self, ref: TicketRef, draft: TicketDraft, *, key: str) -> None:
        """Add the packet as a private note, unless a note with its marker is there."""
        path = f"{_path(ref.ticket_id)}/conversations"
        if any(wire.is_our_note(c, key) for c in self._pages(path, {}, CONVERSATIONS_PER_PAGE)):
            return
        note, files = wire.note(draft, key, self.capabilities.note_limit)
        self._add_note(ref.ticket_id, note, files)

    def update_ticket(self, ref: TicketRef, update: TicketUpdate) -> None:
        """
        Set what differs. Freshdesk replaces the whole list of tags and has no lock, so the ticket is read again
        until our tags are seen on it. Raises Unavailable if somebody keeps overwriting them.
        """
        path = _path(ref.ticket_id)
        body = wire.changes(self._ticket(path), update, self._field_map)
        if body:
            self._http.call("PUT", path, json=body, safe=True)
        for _ in range(TAG_TRIES if "tags" in body else 0):
            tags = wire.with_tags(self._ticket(path), update.tags)
            if not tags:
                return
            self._http.call("PUT", path, json={"tags": tags}, safe=True)
        if "tags" in body and wire.with_tags(self._ticket(path), update.tags):
            raise Unavailable(wire.SYSTEM, f"our tags on ticket {ref.ticket_id} are overwritten again and again")

    def read_ticket(self, ticket_id: str) -> TicketState:
        """source: Freshdesk API v2, "View a Ticket" with include=stats (2 credits more), read 2026-11-21."""
        path = _path(ticket_id)
        ticket = self._ticket(path, include="stats")
        ref = wire.ticket_ref(ticket, self._http.base_url)
        if ref is None or ref.ticket_id != ticket_id:
            raise self._http.unclear("GET", f"GET {path} answered without that ticket")
        return wire.ticket_state(ticket, ref)

    def _add_note(self, ticket_id: str, note: str, files: Sequence[DraftAttachment]) -> None:
        path = f"{_path(ticket_id)}/notes"
        if not files:
            self._http.call("POST", path, json={"body": note, "private": True})
            return
        # In multipart everything is text and lists are named `x[]`. source: FreshdeskApiDotnet, read 2026-11-21.
        parts: list[Any] = [("body", note), ("private", "true")]
        for file in files:
            content = file.content.encode("utf-8", "replace")
            parts.append(("attachments[]", (file.filename, content, file.content_type)))
        body, content_type = encode_multipart_formdata(parts)
        self._http.call("POST", path, data=body, headers={"Content-Type": content_type})

    def _ticket(self, path: str, **params: str) -> Mapping[str, Any]:
        answer = self._http.call("GET", path, params=params)
        if not isinstance(answer.json, dict):
            raise self._http.unclear("GET", f"GET {path} answered {answer.status} without a ticket")
        return answer.json

    def _tickets_of(self, narrowed: Mapping[str, str], order: Mapping[str, str | int]) -> list[Mapping[str, Any]]:
        """
        A requester Freshdesk has never seen is not an empty list but 400 "There is no contact matching the given
        email" (`invalid_value`); recorded by several public clients, e.g. its VCR cassettes, read 2026-11-21.
        """
        try:
            return self._pages(TICKETS, {**narrowed, **order}, TICKETS_PER_PAGE)
        except Refused as error:
            if error.field_errors and all(
                e in {f"{name}: invalid_value" for name in narrowed} for e in error.field_errors
            ):
                return []
            raise

    def _pages(self, path: str, params: Mapping[str, str | int], per_page: int) -> list[Mapping[str, Any]]:
        """Every row of a list. Raises Refused rather than leave out the end: half a look is no look."""
        http = self._whole_account if path == TICKETS else self._http
        rows: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            answer = http.call("GET", path, params={**params, "per_page": per_page, "page": page})
            if not isinstance(answer.json, list):
                raise self._http.unclear("GET", f"GET {path} answered {answer.status} without a list")
            rows.extend(row for row in answer.json if isinstance(row, dict))
            if 'rel="next"' not in answer.headers.get("Link", "") and len(answer.json) < per_page:
                return rows
        raise Refused(wire.SYSTEM, f"GET {path} has more than {MOST_PAGES} pages, so not all of it could be looked at")


def _path(ticket_id: str) -> str:
    if not (ticket_id.isascii() and ticket_id.isdecimal()):
        raise Refused(wire.SYSTEM, "a ticket id that is not a number")
    return f"{TICKETS}/{ticket_id}"
