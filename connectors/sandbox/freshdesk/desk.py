"""
One Freshdesk account as the sandbox's server sees it: the way every call goes (credential, limit, work, headers), the
agent's screen, and the webhooks that follow.
source: Freshdesk support articles 225439 (limits) and 225431 (webhooks), read 2026-11-21.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map
from werkzeug.wrappers import Response

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.answers import Request
from connectors.sandbox.desk import (
    Deed,
    NoSuchTicket,
    Setup,
    TicketView,
    WebhookCall,
)
from connectors.sandbox.faults import Fault
from connectors.sandbox.freshdesk import refusals, screen
from connectors.sandbox.freshdesk.account import Account, Ticket
from connectors.sandbox.freshdesk.checks import PRIORITIES, STATUSES
from connectors.sandbox.freshdesk.others import AccountCalls
from connectors.sandbox.freshdesk.refusals import Refusal
from connectors.sandbox.freshdesk.tickets import TicketCalls, included
from connectors.sandbox.limits import Count, Limit, Limits
from connectors.sandbox.target import Target

# Plan "Pro", a minute; sub-limits fire while the account's counter is still full.
LIMITS: Final = {
    "account": Limit(400, 60),
    "create": Limit(160, 60),
    "update": Limit(160, 60),
    "list": Limit(100, 60),
}
RETRY_STEPS: Final = (300.0, 1800.0, 3600.0)  # source: Freshdesk support article 11000000028141


class FreshdeskDesk:
    """One Freshdesk account behind its API."""

    kind = "freshdesk"
    title = "Freshdesk"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._clock = setup.clock
        self.account = Account(setup)
        self._limits = Limits(LIMITS, setup.settings.limits, setup.clock)
        self._calls: list[WebhookCall] = []
        tickets = TicketCalls(setup, self.account, self._tell)
        self._map = Map([*tickets.rules(), *AccountCalls(self.account).rules()])

    # The way of one call

    @contextmanager
    def session(self, request: Request) -> Iterator[None]:
        """Freshdesk's calls do not wait for one another."""
        yield

    def answer(self, request: Request) -> Response:
        """Do one call: credential, limit, work, and the headers every answer carries."""
        cost = 1 + len(included(request))
        count = self._limits.count("account", cost=cost)
        try:
            response = self._do(request, count)
        except Refusal as refusal:
            response = refusal.response
        self._add_headers(response, count, cost)
        return response

    def _do(self, request: Request, count: Count) -> Response:
        authorization = request.authorization
        if authorization is None or authorization.username != CREDENTIALS.api_key:
            return refusals.unauthorized()
        try:
            work, arguments = self._map.bind("").match(request.path, request.method)
        except MethodNotAllowed:
            return refusals.coded(405, "method_not_allowed", f"{request.method} method is not allowed")
        except HTTPException:
            return refusals.not_found()
        counts = [count, *self._sub_count(request)]
        if any(one.exceeded for one in counts):
            return refusals.too_many(max(one.resets_in for one in counts if one.exceeded), "json")
        response: Response = work(request, **arguments)
        return response

    def _sub_count(self, request: Request) -> list[Count]:
        if request.path == "/api/v2/tickets":
            return [self._limits.count("create" if request.method == "POST" else "list")]
        return [self._limits.count("update")] if request.method == "PUT" else []

    def _add_headers(self, response: Response, count: Count, cost: int = 1) -> None:
        response.headers.extend(
            {
                "Status": response.status,
                "X-Freshdesk-API-Version": "latest=v2; requested=v2",
                "X-Request-Id": secrets.token_hex(16),
                "X-RateLimit-Total": str(count.total),
                "X-RateLimit-Remaining": str(count.remaining),
                "X-RateLimit-Used-CurrentRequest": str(cost),
            }
        )

    # Faults, and what people do

    def fault_answer(self, fault: Fault, done: Response | None) -> Response:
        """How Freshdesk looks while it suffers."""
        response = refusals.fault_answer(fault)
        if response.mimetype != "text/html":
            self._add_headers(response, self._limits.count("account"))
        return response

    def agent_page(self, request: Request) -> str | None:
        """https://…/a/tickets/{id}"""
        return request.path.removeprefix("/a/tickets/") if request.path.startswith("/a/tickets/") else None

    def views(self) -> Sequence[TicketView]:
        """All tickets, oldest first."""
        return [screen.view_of(ticket, self.account) for ticket in self.account.tickets.values()]

    def view(self, ticket_id: str) -> TicketView:
        """One ticket."""
        return screen.view_of(self._known(ticket_id), self.account)

    def _known(self, ticket_id: str) -> Ticket:
        ticket = self.account.tickets.get(int(ticket_id)) if ticket_id.isdigit() else None
        if ticket is None:
            raise NoSuchTicket(ticket_id)
        return ticket

    def act(self, ticket_id: str, deed: Deed) -> None:
        """What an agent (or, for a rating, the customer) does on the screen."""
        ticket = self._known(ticket_id)
        self._tell(ticket, screen.do(deed, ticket, self.account))

    def _tell(self, ticket: Ticket, event: str, *, echo: bool = False) -> None:
        """An automation rule with a template of ids: display names, no free text, no delivery id, no signature."""
        if echo and not self._setup.settings.echo_own_changes:
            return
        values = ticket.values
        content = _simple(values, event) if self._setup.settings.simple_webhooks else _by_template(values, event)
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Freshdesk"}
        self._calls.append(WebhookCall(event, str(values["id"]), body, headers))

    def take_new_target(self) -> Target | None:
        """Webhooks are set up by people here, not by API calls."""
        return None

    def take_calls(self) -> list[WebhookCall]:
        """Webhooks not yet handed over for sending."""
        calls, self._calls = self._calls, []
        return calls

    def attempt_headers(self, call: WebhookCall, secret: str) -> Mapping[str, str]:
        """A custom header of the rule; all the proof there is."""
        return {"X-Webhook-Token": secret}

    def retry_in(self, attempts: int, status: int | None, retry_after: float | None) -> float | None:
        """After 5, 30 and 60 minutes, then never."""
        return RETRY_STEPS[attempts - 1] if attempts <= len(RETRY_STEPS) else None


def _by_template(values: Mapping[str, Any], event: str) -> dict[str, Any]:
    """What our own template of the rule makes."""
    return {
        "ticket_id": values["id"],
        "event": event,
        "status": STATUSES[values["status"]],
        "priority": PRIORITIES[values["priority"]],
        "updated_at": values["updated_at"],
    }


def _simple(values: Mapping[str, Any], event: str) -> dict[str, Any]:
    """
    The ticked fields of a rule's "simple" content. `triggered_event` is a text in braces and no JSON, and nothing says
    when. source: a body captured by wechaty/plugin-freshdesk, read 2026-11-21.
    """
    field, _, verb = event.partition("_")
    return {
        "freshdesk_webhook": {
            "ticket_id": values["id"],
            "ticket_status": STATUSES[values["status"]],
            "ticket_priority": PRIORITIES[values["priority"]],
            "triggered_event": f"{{{field}:{verb or 'updated'}}}",
        }
    }
