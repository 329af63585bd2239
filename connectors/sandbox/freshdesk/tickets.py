"""
The calls on tickets and their conversations; JSON and multipart alike.
source: Freshdesk API v2 as told by its samples and clients (the reference page is not mirrored), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, json_answer, rule
from connectors.sandbox.desk import Setup
from connectors.sandbox.freshdesk import checks, finding, refusals
from connectors.sandbox.freshdesk.account import NOTE, REPLY, Account, Ticket
from connectors.sandbox.freshdesk.bodies import read_body
from connectors.sandbox.freshdesk.refusals import Problem, Refusal


class Tell(Protocol):
    """Says that an API call made this happen."""

    def __call__(self, ticket: Ticket, event: str, *, echo: bool = False) -> None: ...


def included(request: Request) -> set[str]:
    """What a read is to carry besides the ticket; each costs a credit more."""
    return set(filter(None, request.args.get("include", "").split(",")))


class TicketCalls:
    """The calls under /api/v2/tickets, and search."""

    def __init__(self, setup: Setup, account: Account, tell: Tell) -> None:
        self._settings = setup.settings
        self._clock = setup.clock
        self._account = account
        self._tell = tell

    def rules(self) -> list[Rule]:
        """Which call is done by which method."""
        one = "/api/v2/tickets/<int:ticket_id>"
        return [
            rule("POST", "/api/v2/tickets", self._create_ticket),
            rule("GET", "/api/v2/tickets", self._list_tickets),
            rule("GET", one, self._show_ticket),
            rule("PUT", one, self._update_ticket),
            rule("POST", one + "/notes", self._add_note),
            rule("POST", one + "/reply", self._add_reply),
            rule("GET", one + "/conversations", self._list_conversations),
            rule("GET", one + "/satisfaction_ratings", self._list_ratings),
            rule("GET", "/api/v2/search/tickets", self._search),
        ]

    def _create_ticket(self, request: Request) -> Response:
        sent, files = read_body(request, checks.TICKET_KEYS, self._account.field_types)
        self._check_ticket(sent, is_new=True)
        ticket = self._account.create(sent, files, request.base)
        self._tell(ticket, "created", echo=True)
        location = f"{request.base}/api/v2/tickets/{ticket.values['id']}"
        return json_answer(self._account.shape(ticket), 201, {"Location": location})

    def _update_ticket(self, request: Request, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        sent, files = read_body(request, checks.TICKET_KEYS, self._account.field_types)
        self._check_ticket(sent, is_new=False)
        status = ticket.values["status"]
        self._account.update(ticket, sent, files, request.base)
        if ticket.values["status"] != status:
            self._tell(ticket, "status_changed", echo=True)
        return json_answer(self._account.shape(ticket))

    def _check_ticket(self, sent: Mapping[str, Any], *, is_new: bool) -> None:
        problems = checks.ticket_problems(sent, self._account.field_types, self._account.groups, is_new=is_new)
        if problems:
            raise refusals.invalid(problems)

    def _show_ticket(self, request: Request, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        include = included(request)
        unknown = include - {"stats", "conversations", "requester", "company"}
        if unknown:
            raise refusals.invalid(
                [Problem("include", "It should be one of these values: 'conversations,requester,company,stats'")]
            )
        return json_answer({**self._account.read(ticket), **self._included(ticket, include)})

    def _included(self, ticket: Ticket, include: set[str]) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if "conversations" in include:
            extra["conversations"] = ticket.conversations[:10]
        if "stats" in include:
            extra["stats"] = ticket.stats
        if "requester" in include:
            person = self._account.people[ticket.values["requester_id"]]
            extra["requester"] = {key: person.get(key) for key in ("id", "name", "email", "mobile", "phone")}
        if "company" in include:
            extra["company"] = {}
        return extra

    def _list_tickets(self, request: Request) -> Response:
        query = finding.list_query(request, self._clock.now())
        tickets = finding.listed(self._account, query, self._settings.unknown_contact_is_400)
        return finding.page_answer(
            request, [self._listed_shape(ticket, query.include) for ticket in tickets], query.page, query.per_page
        )

    def _listed_shape(self, ticket: Ticket, include: set[str]) -> dict[str, Any]:
        """Lists leave the description out unless it is asked for."""
        shape = self._account.read(ticket)
        del shape["attachments"]
        if "description" not in include:
            del shape["description"], shape["description_text"]
        return {**shape, **self._included(ticket, include & {"stats", "requester"})}

    def _search(self, request: Request) -> Response:
        """Sees a ticket only once the index has caught up: settings.search_lag_seconds."""
        until = self._clock.now() - timedelta(seconds=self._settings.search_lag_seconds)
        tickets = [t for t in self._account.tickets.values() if t.updated_at <= until]
        found = finding.search(tickets, request.args.get("query", ""), self._account)
        start = (finding.page_number(request, most=10) - 1) * 30
        results = [self._account.shape(ticket) for ticket in found[start : start + 30]]
        for result in results:
            del result["attachments"]
        return json_answer({"total": len(found), "results": results})

    def _add_note(self, request: Request, ticket_id: int) -> Response:
        return self._converse(request, ticket_id, checks.NOTE_KEYS, NOTE)

    def _add_reply(self, request: Request, ticket_id: int) -> Response:
        return self._converse(request, ticket_id, checks.REPLY_KEYS, REPLY)

    def _converse(self, request: Request, ticket_id: int, keys: Mapping[str, checks.Check], source: int) -> Response:
        ticket = self._ticket(ticket_id)
        sent, files = read_body(request, keys, self._account.field_types)
        problems = checks.problems_of(sent, keys)
        if not sent.get("body"):
            problems.append(Problem("body", "It should be a/an String", "missing_field"))
        if problems:
            raise refusals.invalid(problems)
        user_id = self._account.service_user_id
        made = self._account.converse(ticket, sent, files, source=source, user_id=user_id, base=request.base)
        if source == REPLY:
            self._tell(ticket, "agent_replied", echo=True)
        return json_answer(made, 201)

    def _list_conversations(self, request: Request, ticket_id: int) -> Response:
        rows = self._ticket(ticket_id).conversations
        return finding.page_answer(request, rows, finding.page_number(request), finding.page_size(request))

    def _list_ratings(self, request: Request, ticket_id: int) -> Response:
        return json_answer(self._ticket(ticket_id).ratings)

    def _ticket(self, ticket_id: int) -> Ticket:
        ticket = self._account.tickets.get(ticket_id)
        if ticket is None:
            raise Refusal(refusals.not_found())
        return ticket
