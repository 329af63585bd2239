"""
One Zendesk account as the sandbox's server sees it: the way every call goes (credential, limit, work, headers), the
agent's screen, and the webhooks that follow.
source: Zendesk API, "Rate limits" and recorded answers of 2023-2024, read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request
from connectors.sandbox.desk import CannotDo, Deed, NoSuchTicket, Setup, TicketView, WebhookCall
from connectors.sandbox.faults import Fault
from connectors.sandbox.limits import Count, Limit, Limits
from connectors.sandbox.target import Target
from connectors.sandbox.zendesk import events, refusals, screen
from connectors.sandbox.zendesk.access import Access
from connectors.sandbox.zendesk.account import Account, Ticket, Writer
from connectors.sandbox.zendesk.others import AccountCalls
from connectors.sandbox.zendesk.refusals import Refusal
from connectors.sandbox.zendesk.subscriptions import Subscriptions
from connectors.sandbox.zendesk.tickets import TicketCalls
from connectors.sandbox.zendesk.triggers import Triggers

# Account and endpoint limits; counted always, enforced only where settings.limits names them.
LIMITS: Final = {
    "account": Limit(700, 60),
    "tickets-index": Limit(100, 60),
    "ticket-request-create-by-user-and-ip": Limit(300, 60),
    "per-ticket-updates": Limit(30, 600),
}


class ZendeskDesk:
    """One Zendesk account behind its API."""

    kind = "zendesk"
    title = "Zendesk"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._clock = setup.clock
        self.account = Account(setup)
        self._limits = Limits(LIMITS, setup.settings.limits, setup.clock)
        self._access = Access(setup, self.account)
        self._calls: list[WebhookCall] = []
        self._subscriptions = Subscriptions()
        tickets = TicketCalls(setup, self.account, self._tell)
        self._triggers = Triggers(setup, self.account)
        others = AccountCalls(setup, self.account, self._subscriptions, self._triggers, self._access)
        self._map = Map([*tickets.rules(), *others.rules()])

    # The way of one call

    @contextmanager
    def session(self, request: Request) -> Iterator[None]:
        """Zendesk's calls do not wait for one another."""
        yield

    def answer(self, request: Request) -> Response:
        """Do one call: credential, limit, work, and the headers every answer carries."""
        started = time.perf_counter()
        path = request.path.removesuffix(".json")
        if path == "/oauth/tokens":
            return self._access.grant(request)
        counts: dict[str, Count] = {"account": self._limits.count("account")}
        try:
            response = self._do(request, path, counts)
        except Refusal as refusal:
            response = refusal.response
        self._add_headers(response, counts, time.perf_counter() - started)
        return response

    def _do(self, request: Request, path: str, counts: dict[str, Count]) -> Response:
        user_id = self._access.user_id(request)
        if user_id is None:
            return refusals.unauthorized()
        try:
            work, arguments = self._map.bind("").match(path, request.method)
        except MethodNotAllowed:
            return refusals.method_not_allowed()
        except HTTPException:
            return refusals.not_found()
        counts.update(self._endpoint_counts(request.method, path, arguments, user_id))
        if any(count.exceeded for count in counts.values()):
            wait = max(count.resets_in for count in counts.values() if count.exceeded)
            return refusals.too_many(wait, self._setup.settings.limit_body)
        if not self._access.may(request):
            return refusals.out_of_scope()
        client = request.headers.get("User-Agent", "")
        response: Response = work(request, Writer(user_id, request.base, client), **arguments)
        return response

    def _endpoint_counts(self, method: str, path: str, arguments: Mapping[str, Any], user_id: int) -> dict[str, Count]:
        if path == "/api/v2/tickets":
            name = "tickets-index" if method == "GET" else "ticket-request-create-by-user-and-ip"
            return {name: self._limits.count(name)}
        if method != "GET" and "ticket_id" in arguments:
            return {
                "per-ticket-updates": self._limits.count("per-ticket-updates", f"{arguments['ticket_id']} {user_id}")
            }
        return {}

    def _add_headers(self, response: Response, counts: Mapping[str, Count], seconds: float) -> None:
        """The form of 2024: `ratelimit-…` for the account, `zendesk-ratelimit-…` for an endpoint (recorded)."""
        account = counts["account"]
        response.headers.extend(
            {
                "cache-control": "max-age=0, private, must-revalidate",
                "etag": f'W/"{hashlib.md5(response.get_data(), usedforsecurity=False).hexdigest()}"',
                "ratelimit-limit": str(account.total),
                "ratelimit-remaining": str(account.remaining),
                "ratelimit-reset": str(account.resets_in),
                "x-rate-limit": str(account.total),
                "x-rate-limit-remaining": str(account.remaining),
                "x-request-id": secrets.token_hex(16),
                "x-runtime": f"{seconds:.6f}",
                "x-zendesk-api-version": "v2",
                "x-zendesk-origin-server": "sandbox",
            }
        )
        for name, count in counts.items():
            if name != "account":
                told = f"total={count.total}; remaining={count.remaining}; resets={count.resets_in}"
                response.headers[f"zendesk-ratelimit-{name}"] = told

    # Faults, and what people do

    def fault_answer(self, fault: Fault, done: Response | None) -> Response:
        """How Zendesk looks while it suffers."""
        response = refusals.fault_answer(fault)
        if response.status_code == 429:
            self._add_headers(response, {"account": self._limits.count("account")}, 0.0)
        return response

    def agent_page(self, request: Request) -> str | None:
        """https://…/agent/tickets/{id}"""
        return _after(request.path, "/agent/tickets/")

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
        if deed.kind == "rate":
            self._rate(ticket, deed.value)
            return
        agent = self.account.agent(deed.value if deed.kind == "assign" else deed.agent)
        wanted = screen.update_of(deed, agent["id"], ticket.values["status"])
        try:
            audit = self.account.update(ticket, wanted, Writer(agent["id"], "", "Zendesk web"))
        except Refusal as refusal:
            raise CannotDo(refusal.response.get_data(as_text=True)) from refusal
        self._tell(ticket, audit)

    def _rate(self, ticket: Ticket, score: str) -> None:
        before = ticket.values["satisfaction_rating"]
        ticket.values["satisfaction_rating"] = {"id": self.account.next_id(), "score": score, "comment": ""}
        self._calls.append(events.rated(ticket, self._clock.now(), score, before))

    def _tell(self, ticket: Ticket, audit: Mapping[str, Any], *, echo: bool = False, created: bool = False) -> None:
        if echo and not self._setup.settings.echo_own_changes:
            return
        now = self._clock.now()
        told = events.calls_of(ticket, audit, self.account.users, now, created=created)
        if (webhook_id := self._subscriptions.of_events()) is not None:
            told = [self._of_webhook(call, webhook_id) for call in told]
        self._calls.extend(told)
        for webhook_id, body in self._triggers.fired(ticket, audit, created):
            if (target := self._subscriptions.trigger_target(webhook_id)) is not None:
                call = events.trigger_call(ticket, body)
                self._calls.append(replace(self._of_webhook(call, webhook_id), target=target))

    def _of_webhook(self, call: WebhookCall, webhook_id: str) -> WebhookCall:
        """The call names its webhook, and what becomes of it shows among the webhook's invocations."""
        headers = {**call.headers, "X-Zendesk-Webhook-Id": webhook_id}
        invocation = headers["X-Zendesk-Webhook-Invocation-Id"]
        outcome = self._subscriptions.recorder(webhook_id, invocation, self._clock.now)
        return replace(call, headers=headers, outcome=outcome)

    def take_new_target(self) -> Target | None:
        """The webhook an API call has just made."""
        return self._subscriptions.take_new_target()

    def take_calls(self) -> list[WebhookCall]:
        """Webhooks not yet handed over for sending."""
        calls, self._calls = self._calls, []
        return calls

    def attempt_headers(self, call: WebhookCall, secret: str) -> Mapping[str, str]:
        """A fresh timestamp, and the signature over it and the body."""
        return events.signed(call.body, secret, self._clock.now())

    def retry_in(self, attempts: int, status: int | None, retry_after: float | None) -> float | None:
        """Only 409, time-outs, and 429 or 503 with a short Retry-After. A 500 or 403 is not retried."""
        return events.retry_in(attempts, status, retry_after)


def _after(path: str, prefix: str) -> str | None:
    return path.removeprefix(prefix) if path.startswith(prefix) else None
