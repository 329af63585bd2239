"""
The calls on tickets: create (with its Idempotency-Key), update, read, list, search, audits, comments, tags.
source: Zendesk API reference, "Tickets", "Ticket audits", "Tags", "Idempotency", read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, json_answer, rule
from connectors.sandbox.desk import Setup
from connectors.sandbox.zendesk import finding, refusals, shapes
from connectors.sandbox.zendesk.account import Account, Ticket, Writer, tags_of
from connectors.sandbox.zendesk.bodies import envelope, json_object
from connectors.sandbox.zendesk.checks import TICKET_KEYS, check_types
from connectors.sandbox.zendesk.refusals import Refusal

KEY_MEMORY: Final = timedelta(hours=2)


class Tell(Protocol):
    """Says that an API call made this audit."""

    def __call__(
        self, ticket: Ticket, audit: Mapping[str, Any], *, echo: bool = False, created: bool = False
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """The first answer to one Idempotency-Key."""

    request: str
    status: int
    body: bytes
    location: str
    at: datetime


class TicketCalls:
    """The calls under /api/v2/tickets, and search."""

    def __init__(self, setup: Setup, account: Account, tell: Tell) -> None:
        self._settings = setup.settings
        self._clock = setup.clock
        self._account = account
        self._tell = tell
        self._remembered: dict[str, Remembered] = {}

    def rules(self) -> list[Rule]:
        """Which call is done by which method; paths without `.json`."""
        one = "/api/v2/tickets/<int:ticket_id>"
        return [
            rule("POST", "/api/v2/tickets", self._create_ticket),
            rule("GET", "/api/v2/tickets", self._list_tickets),
            rule("GET", one, self._show_ticket),
            rule("PUT", one, self._update_ticket),
            rule("GET", one + "/audits", self._list_audits),
            rule("GET", one + "/comments", self._list_comments),
            rule("GET", one + "/tags", self._list_tags),
            rule("PUT", one + "/tags", self._add_tags),
            rule("POST", one + "/tags", self._replace_tags),
            rule("DELETE", one + "/tags", self._remove_tags),
            rule("GET", "/api/v2/search", self._search),
        ]

    def _create_ticket(self, request: Request, by: Writer) -> Response:
        wanted = envelope(request, "ticket")
        key = request.headers.get("Idempotency-Key")
        request_hash = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
        known = self._remembered.get(key) if key else None
        if known is not None and self._clock.now() - known.at < KEY_MEMORY:
            if known.request != request_hash:
                raise refusals.other_parameters()
            headers = {"Location": known.location, "x-idempotency-lookup": "hit"}
            return Response(known.body, known.status, headers, content_type="application/json; charset=utf-8")
        ticket = self._account.create(wanted, by)
        location = f"{by.base}/api/v2/tickets/{ticket.values['id']}.json"
        body = {"ticket": self._shape(ticket, by.base), "audit": ticket.audits[0]}
        response = json_answer(body, 201, {"Location": location, **_warning(wanted, "create")})
        if key:
            response.headers["x-idempotency-lookup"] = "miss"
            first = Remembered(request_hash, 201, response.get_data(), location, self._clock.now())
            self._remembered[key] = first
        self._tell(ticket, ticket.audits[0], echo=True, created=True)
        return response

    def _update_ticket(self, request: Request, by: Writer, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        wanted = envelope(request, "ticket")
        _check_stamp(ticket, wanted)
        audit = self._account.update(ticket, wanted, by)
        self._tell(ticket, audit, echo=True)
        body = {"ticket": self._shape(ticket, by.base), "audit": audit}
        return json_answer(body, 200, _warning(wanted, "update"))

    def _show_ticket(self, request: Request, by: Writer, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        return json_answer({"ticket": self._shape(ticket, by.base, int(self._clock.now().timestamp()))})

    def _list_tickets(self, request: Request, by: Writer) -> Response:
        external_id = request.args.get("external_id")
        if external_id is None:
            tickets = list(self._account.tickets.values())
        else:
            tickets = [self._account.tickets[i] for i in self._account.by_external_id.get(external_id, ())]
        page = finding.page_of(tickets, request)
        shaped = [self._shape(ticket, by.base) for ticket in page.rows]
        if page.by_cursor:  # recorded: cursor pages leave `fields` out
            shaped = [{key: value for key, value in one.items() if key != "fields"} for one in shaped]
        return json_answer({"tickets": shaped, **page.rest})

    def _search(self, request: Request, by: Writer) -> Response:
        """Sees a ticket only once the index has caught up: settings.search_lag_seconds."""
        until = self._clock.now() - timedelta(seconds=self._settings.search_lag_seconds)
        tickets = [t for t in self._account.tickets.values() if t.created_at <= until]
        found = finding.search(tickets, request.args.get("query", ""), self._account)
        found = finding.in_order(found, request.args.get("sort_by"), request.args.get("sort_order"))
        page = finding.page_of(found, request)
        results = [{**self._shape(ticket, by.base), "result_type": "ticket"} for ticket in page.rows]
        return json_answer({"results": results, "facets": None, **page.rest})

    def _list_audits(self, request: Request, by: Writer, ticket_id: int) -> Response:
        page = finding.page_of(self._ticket(ticket_id).audits, request)
        return json_answer({"audits": page.rows, **page.rest})

    def _list_comments(self, request: Request, by: Writer, ticket_id: int) -> Response:
        rows = [
            {**event, "via": audit["via"], "created_at": audit["created_at"], "metadata": audit["metadata"]}
            for event, audit in self._ticket(ticket_id).comments()
        ]
        if request.args.get("sort_order") == "desc" or request.args.get("sort", "").startswith("-"):
            rows.reverse()
        page = finding.page_of(rows, request)
        return json_answer({"comments": page.rows, **page.rest})

    # Tags: PUT adds, POST replaces, DELETE removes.

    def _list_tags(self, request: Request, by: Writer, ticket_id: int) -> Response:
        return json_answer({"tags": self._ticket(ticket_id).values["tags"]})

    def _add_tags(self, request: Request, by: Writer, ticket_id: int) -> Response:
        return self._change_tags(request, by, ticket_id, lambda old, new: [*old, *(t for t in new if t not in old)])

    def _replace_tags(self, request: Request, by: Writer, ticket_id: int) -> Response:
        return self._change_tags(request, by, ticket_id, lambda old, new: new, 201)

    def _remove_tags(self, request: Request, by: Writer, ticket_id: int) -> Response:
        return self._change_tags(request, by, ticket_id, lambda old, new: [tag for tag in old if tag not in new])

    def _change_tags(
        self,
        request: Request,
        by: Writer,
        ticket_id: int,
        change: Callable[[list[str], list[str]], list[str]],
        status: int = 200,
    ) -> Response:
        ticket = self._ticket(ticket_id)
        sent = json_object(request)
        check_types(sent)
        _check_stamp(ticket, sent)
        audit = self._account.update(
            ticket, {"tags": change(ticket.values["tags"], tags_of(sent.get("tags") or []))}, by
        )
        self._tell(ticket, audit, echo=True)
        return json_answer({"tags": ticket.values["tags"]}, status)

    def _ticket(self, ticket_id: int) -> Ticket:
        ticket = self._account.tickets.get(ticket_id)
        if ticket is None:
            raise Refusal(refusals.not_found())
        return ticket

    def _shape(self, ticket: Ticket, base: str, generated: int = 0) -> dict[str, Any]:
        return shapes.ticket(ticket.values, ticket.fields, self._account.field_titles, base, generated)


def _check_stamp(ticket: Ticket, wanted: Mapping[str, Any]) -> None:
    """`safe_update` of any value switches the lock on, false too, says the documentation. Grain: one second."""
    if "safe_update" in wanted and wanted.get("updated_stamp") != ticket.values["updated_at"]:
        raise refusals.outdated()


def _warning(wanted: Mapping[str, Any], action: str) -> dict[str, str]:
    """Keys Zendesk does not take are ignored and named in a header (recorded, Ruby hash text)."""
    unknown = [f"ticket.{key}" for key in wanted if key not in TICKET_KEYS]
    if not unknown:
        return {}
    keys = ", ".join(f'"{key}"' for key in unknown)
    told = f'{{:allowed_parameters=>{{:controller=>"tickets", :action=>"{action}", '
    return {"x-zendesk-api-warn": told + f":unpermitted_keys=>[{keys}], :invalid_values=>[]}}}}"}
