"""
Freshdesk's API v2: open a ticket once, put the packet on it as a private note, read it, change it.

Freshdesk has no idempotency key, so after an unknown outcome the ticket is looked for in the *list*, which reads the
primary store; the search lags by minutes (reliability notes in docs/architecture.md).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from urllib3.filepost import encode_multipart_formdata

from connectors.errors import ConnectorError, Refused, Unauthorized, Unavailable
from connectors.helpdesks.freshdesk import wire
from connectors.http import Answer, HardenedSession
from connectors.ports import Capabilities, HelpdeskAccount
from packets.draft import DraftAttachment, Rating, TicketDraft, TicketRef, TicketState, TicketStatus, TicketUpdate

log = logging.getLogger(__name__)

TICKETS = "/api/v2/tickets"
# Half of the smallest paid plan's rate, which all apps of the account share.
CAPABILITIES = Capabilities(note_limit=60_000, reopens_closed=True, requests_per_minute=100, at_once=3)
CLOCK_SKEW = timedelta(minutes=5)  # their clock may be behind ours
TICKETS_PER_PAGE = 100
CONVERSATIONS_PER_PAGE = 30
MOST_PAGES = 50
MOST_CHANGED = 300
TAG_TRIES = 3


class FreshdeskSession(HardenedSession):
    """
    Freshdesk's error bodies: `{"errors": [{"field", "message", "code"}]}`, or `{"code", "message"}`. For calls about
    one ticket, which may be outside our agent's scope.
    """

    one_record = True

    def field_errors(self, answer: Answer) -> tuple[str, ...]:
        return wire.field_errors(answer.json)


class WholeAccountSession(FreshdeskSession):
    """
    For calls that cannot miss a record (open a ticket, list tickets). 404, from the edge and with no body, then means
    that there is no such account: that stops the account, not this one ticket.
    """

    one_record = False

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
        if self._has_note(ref.ticket_id, key):
            return
        note, files = wire.note(draft, key, self.capabilities.note_limit)
        self._add_note(ref.ticket_id, note, files)

    def update_ticket(self, ref: TicketRef, update: TicketUpdate) -> None:
        """
        Set what differs, then add the note. Freshdesk replaces the whole list of tags and has no lock, so the ticket
        is read again until our tags are seen on it. Raises Unavailable if somebody keeps overwriting them.
        """
        path = _path(ref.ticket_id)
        if update.note_key and self._has_note(ref.ticket_id, update.note_key):
            return
        body = wire.changes(self._ticket(path), update, self._field_map)
        if body:
            self._http.call("PUT", path, json=body, safe=True)
        if "tags" in body:
            self._keep_tags(path, update.tags)
        if update.note is not None:
            self._add_note(ref.ticket_id, *wire.news_note(update, self.capabilities.note_limit))

    def read_ticket(self, ticket_id: str) -> TicketState:
        """
        The ticket, and if it is over what the customer thought of it.
        source: Freshdesk API v2, "View a Ticket" with include=stats (2 credits more), read 2026-11-21.
        """
        path = _path(ticket_id)
        ticket = self._ticket(path, include="stats")
        ref = wire.ticket_ref(ticket, self._http.base_url)
        if ref is None or ref.ticket_id != ticket_id:
            raise self._http.unclear("GET", f"GET {path} answered without that ticket")
        state = wire.ticket_state(ticket, ref, self._field_map.fields["packet_id"])
        is_over = state.status in (TicketStatus.SOLVED, TicketStatus.CLOSED)
        return replace(state, rating=self._rating(ticket_id)) if is_over else state

    def changed_since(self, since: datetime, *, late: bool = True) -> tuple[TicketState, ...]:
        """
        From the list, which reads the primary store. It cannot be narrowed to ours, so all tickets changed since are
        paged through, with their stats (a credit more a page).
        source: Freshdesk API v2, "List All Tickets", read 2026-11-21.
        """
        begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        order = {"updated_since": begin, "order_by": "updated_at", "order_type": "asc", "include": "stats"}
        field = self._field_map.fields["packet_id"]
        states: list[TicketState] = []
        for page in range(1, MOST_PAGES + 1):
            rows, is_last = self._page(TICKETS, order, TICKETS_PER_PAGE, page)
            states.extend(wire.states_of_ours(rows, field, self._http.base_url))
            if is_last or len(states) >= MOST_CHANGED:
                break
        return tuple(states)

    def _rating(self, ticket_id: str) -> Rating | None:
        """An account without surveys refuses the question; that is no reason not to know the ticket."""
        path = f"{_path(ticket_id)}/satisfaction_ratings"
        try:
            return wire.rating(self._http.call("GET", path).json)
        except Refused as error:
            log.info("freshdesk_rating_unreadable", extra={"ticket": ticket_id, "detail": error.detail})
            return None

    def _keep_tags(self, path: str, wanted: Sequence[str]) -> None:
        for _ in range(TAG_TRIES):
            tags = wire.with_tags(self._ticket(path), wanted)
            if not tags:
                return
            self._http.call("PUT", path, json={"tags": tags}, safe=True)
        if wire.with_tags(self._ticket(path), wanted):
            raise Unavailable(wire.SYSTEM, f"our tags at {path} are overwritten again and again")

    def _has_note(self, ticket_id: str, key: str) -> bool:
        path = f"{_path(ticket_id)}/conversations"
        return any(wire.is_our_note(c, key) for c in self._pages(path, {}, CONVERSATIONS_PER_PAGE))

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
        rows: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            more, is_last = self._page(path, params, per_page, page)
            rows.extend(more)
            if is_last:
                return rows
        raise Refused(wire.SYSTEM, f"GET {path} has more than {MOST_PAGES} pages, so not all of it could be looked at")

    def _page(
        self, path: str, params: Mapping[str, str | int], per_page: int, page: int
    ) -> tuple[list[Mapping[str, Any]], bool]:
        """The rows of one page, and whether it is the last."""
        http = self._whole_account if path == TICKETS else self._http
        answer = http.call("GET", path, params={**params, "per_page": per_page, "page": page})
        if not isinstance(answer.json, list):
            raise self._http.unclear("GET", f"GET {path} answered {answer.status} without a list")
        is_last = 'rel="next"' not in answer.headers.get("Link", "") and len(answer.json) < per_page
        return [row for row in answer.json if isinstance(row, dict)], is_last


def _path(ticket_id: str) -> str:
    if not (ticket_id.isascii() and ticket_id.isdecimal()):
        raise Refused(wire.SYSTEM, "a ticket id that is not a number")
    return f"{TICKETS}/{ticket_id}"
