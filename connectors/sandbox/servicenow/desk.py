"""
One ServiceNow instance as the sandbox's server sees it: the way every call goes (session, credential, work), the
agent's screen, and the business rule of ours that calls out.
source: ServiceNow documentation, "Table API", "Semaphores", "Inbound REST API rate limiting", read 2026-11-21.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map
from werkzeug.wrappers import Response

from connectors.sandbox.accounts import SERVICE_USER, servicenow_user_id
from connectors.sandbox.answers import Request
from connectors.sandbox.desk import (
    CannotDo,
    Deed,
    NoSuchTicket,
    Setup,
    TicketView,
    WebhookCall,
)
from connectors.sandbox.faults import Fault
from connectors.sandbox.limits import Limit, Limits
from connectors.sandbox.servicenow import refusals, screen
from connectors.sandbox.servicenow.access import Access
from connectors.sandbox.servicenow.attachments import AttachmentCalls
from connectors.sandbox.servicenow.instance import Change, Instance
from connectors.sandbox.servicenow.refusals import Refusal
from connectors.sandbox.servicenow.table import TableCalls
from connectors.sandbox.target import BadTarget, Target, check_target

LIMITS: Final = {"table-api": Limit(1000, 3600)}  # enforced only where settings.limits names it, as in a new instance

# What our business rule tells of an incident.
TOLD: Final = (
    *("sys_id", "number", "correlation_id", "state", "hold_reason", "priority", "impact", "urgency", "assigned_to"),
    *("assignment_group", "sys_updated_on", "sys_mod_count"),
)


# What our business rule calls by one name, and the columns it watches for it.
WATCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "state_changed": ("state", "hold_reason"),
    "assigned": ("assigned_to", "assignment_group"),
    "priority_changed": ("priority",),
}

# The properties our business rule reads.
STATUS_URL: Final = "baton.status_url"
WEBHOOK_TOKEN: Final = "baton.webhook_token"  # noqa: S105 - a name


class ServiceNowDesk:
    """One ServiceNow instance behind its API."""

    kind = "servicenow"
    title = "ServiceNow"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._clock = setup.clock
        self.instance = Instance(setup)
        self._own_id = servicenow_user_id(SERVICE_USER)
        self._limits = Limits(LIMITS, setup.settings.limits, setup.clock)
        self._access = Access(setup)
        self._sessions: dict[str, threading.Lock] = {}
        self._calls: list[WebhookCall] = []
        self._new_target: Target | None = None
        table = TableCalls(self.instance, self._own_id, self._tell, self._tell_change, self._configured)
        self._map = Map([*table.rules(), *AttachmentCalls(self.instance, self._own_id).rules()])

    # The way of one call

    @contextmanager
    def session(self, request: Request) -> Iterator[None]:
        """Calls with the same session cookie are run one after another (the instance locks the session)."""
        cookie = request.cookies.get("JSESSIONID")
        if cookie is None:
            yield
            return
        with self._setup.lock:
            lock = self._sessions.setdefault(cookie, threading.Lock())
        with lock:
            yield

    def answer(self, request: Request) -> Response:
        """Do one call; the session cookie comes even with a 401."""
        if request.path == "/oauth_token.do":
            return self._access.grant(request)
        try:
            response = self._do(request)
        except Refusal as refusal:
            response = refusal.response
        if "JSESSIONID" not in request.cookies:
            response.set_cookie("JSESSIONID", secrets.token_hex(16).upper(), httponly=True)
        return response

    def _do(self, request: Request) -> Response:
        if not self._access.allows(request):
            return refusals.unauthorized()
        path = request.path
        for prefix in ("/api/now/v2", "/api/now/v1", "/api/now"):
            if path.startswith(prefix + "/"):
                path = path.removeprefix(prefix)
                break
        else:
            return refusals.no_path(request.path)
        method = request.headers.get("X-HTTP-Method-Override", request.method)
        try:
            work, arguments = self._map.bind("").match(path, method)
        except MethodNotAllowed:
            return refusals.failure(405, "Method not supported", f"{method} is not supported here")
        except HTTPException:
            return refusals.no_path(request.path)
        count = self._limits.count("table-api", late=self._setup.settings.limits_late_seconds)
        if count.exceeded:
            return refusals.too_many(count.resets_in, "json")
        if request.accept_mimetypes and not request.accept_mimetypes.accept_json:
            return refusals.failure(406, "Not acceptable", "The Accept header names no type this can answer in")
        response: Response = work(request, **arguments)
        return response

    # Faults, and what people do

    def fault_answer(self, fault: Fault, done: Response | None) -> Response:
        """How an instance looks while it suffers."""
        return refusals.fault_answer(fault, done)

    def agent_page(self, request: Request) -> str | None:
        """https://…/incident.do?sys_id={id}, bare or inside /nav_to.do?uri=…"""
        if request.path == "/incident.do":
            return request.args.get("sys_id")
        if request.path == "/nav_to.do":
            inner = parse_qs(urlsplit(request.args.get("uri", "")).query)
            return next(iter(inner.get("sys_id", ())), None)
        return None

    def views(self) -> Sequence[TicketView]:
        """All incidents, oldest first."""
        return [screen.view_of(row, self.instance) for row in self.instance.incidents.values()]

    def view(self, ticket_id: str) -> TicketView:
        """One incident, by sys_id or by number."""
        return screen.view_of(self._known(ticket_id), self.instance)

    def _known(self, ticket_id: str) -> dict[str, str]:
        incidents = self.instance.incidents
        row = incidents.get(ticket_id) or next((r for r in incidents.values() if r["number"] == ticket_id), None)
        if row is None:
            raise NoSuchTicket(ticket_id)
        return row

    def act(self, ticket_id: str, deed: Deed) -> None:
        """What an agent (or, for a rating, the caller) does on the screen."""
        row = self._known(ticket_id)
        if deed.kind == "rate":
            self.instance.ratings[row["sys_id"]] = deed.value
            self._tell(row, "rated", rating=deed.value)
            return
        agent_id = self.instance.user_id(deed.agent)
        try:
            change = self.instance.update(row, screen.update_of(deed, self.instance), agent_id)
        except Refusal as refusal:
            raise CannotDo(refusal.response.get_data(as_text=True)) from refusal
        self._tell_change(row, change)

    def _tell_change(self, row: Mapping[str, str], change: Change, *, echo: bool = False) -> None:
        if change.commented:
            self._tell(row, "commented", echo=echo)
        for event, watched in WATCHED.items():
            if any(change.moved(row, column) for column in watched):
                self._tell(row, event, echo=echo)

    def _tell(self, row: Mapping[str, str], event: str, *, echo: bool = False, **more: str) -> None:
        """What our own business rule sends: ids and codes, never the words."""
        if echo and not self._setup.settings.echo_own_changes:
            return
        caller = self.instance.tables["sys_user"].rows.get(row["caller_id"], {})
        content: dict[str, Any] = {"event": event, **{name: row[name] for name in TOLD}, **more}
        content |= {"updated_by": row["sys_updated_by"], "caller": caller.get("user_name", "")}
        headers = {"Content-Type": "application/json", "User-Agent": "ServiceNow/1.0"}
        self._calls.append(WebhookCall(event, row["sys_id"], json.dumps(content).encode(), headers))

    def _configured(self, table: str) -> None:
        """
        An active business rule of ours on incidents calls the address in our property, with the token in the other.
        The script itself is not run; what it sends stands in `_tell`.
        """
        rules = [r for r in self.instance.tables["sys_script"].rows.values() if STATUS_URL in r["script"]]
        url = self.instance.row_named("sys_properties", STATUS_URL).get("value", "")
        token = self.instance.row_named("sys_properties", WEBHOOK_TOKEN).get("value", "")
        if table not in ("sys_script", "sys_properties") or not rules or not url:
            return
        try:
            check_target(url)
        except BadTarget as error:  # the real one calls any address; a sandbox must not
            raise refusals.bad_request(f"Invalid value for {STATUS_URL}", str(error)) from error
        is_active = any(rule["active"] == "true" and rule["collection"] == "incident" for rule in rules)
        self._new_target = Target(url, token, only=None if is_active else frozenset())

    def take_new_target(self) -> Target | None:
        """Where the business rule calls from now on, if the API has just said so."""
        target, self._new_target = self._new_target, None
        return target

    def take_calls(self) -> list[WebhookCall]:
        """Webhooks not yet handed over for sending."""
        calls, self._calls = self._calls, []
        return calls

    def attempt_headers(self, call: WebhookCall, secret: str) -> Mapping[str, str]:
        """The rule sends the secret itself."""
        return {"X-Webhook-Token": secret}

    def retry_in(self, attempts: int, status: int | None, retry_after: float | None) -> float | None:
        """A business rule sends once; polling is the source of truth."""
        return None
