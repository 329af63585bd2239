"""
The calls of Zendesk's API that a gateway makes, and what an agent can do on the screen.
source: Zendesk API reference (Tickets, Uploads, Users, Groups, Ticket fields, OAuth), read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.answers import Request, json_answer
from connectors.sandbox.desk import (
    CannotDo,
    Deed,
    EntryView,
    FileView,
    NoSuchTicket,
    Setup,
    TicketView,
    WebhookCall,
)
from connectors.sandbox.faults import Fault
from connectors.sandbox.html import clean
from connectors.sandbox.limits import Count, Limit, Limits
from connectors.sandbox.zendesk import events, finding, refusals, shapes
from connectors.sandbox.zendesk.account import KNOWN_KEYS, Account, Ticket, Upload, Writer, tags_of
from connectors.sandbox.zendesk.refusals import Refusal

KEY_MEMORY: Final = timedelta(hours=2)

# Account and endpoint limits; counted always, enforced only where settings.limits names them.
LIMITS: Final = {
    "account": Limit(700, 60),
    "tickets-index": Limit(100, 60),
    "ticket-request-create-by-user-and-ip": Limit(300, 60),
    "per-ticket-updates": Limit(30, 600),
}

# What control calls and buttons may say → Zendesk's own word.
STATUS_WORDS: Final = {word: word for word in ("new", "open", "pending", "hold", "solved", "closed")} | {
    "reopened": "open",
    "resolved": "solved",
}


@dataclass(frozen=True, slots=True)
class Remembered:
    """The first answer to one Idempotency-Key."""

    request: str
    status: int
    body: bytes
    location: str
    at: datetime


class ZendeskDesk:
    """One Zendesk account behind its API."""

    kind = "zendesk"
    title = "Zendesk"

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._clock = setup.clock
        self.account = Account(setup)
        self._limits = Limits(LIMITS, setup.settings.limits, setup.clock)
        self._tokens: dict[str, datetime] = {}
        self._remembered: dict[str, Remembered] = {}
        self._calls: list[WebhookCall] = []
        self._webhooks: dict[str, dict[str, Any]] = {}
        self._map = Map(
            [
                _rule("POST", "/api/v2/tickets", self._create_ticket),
                _rule("GET", "/api/v2/tickets", self._list_tickets),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>", self._show_ticket),
                _rule("PUT", "/api/v2/tickets/<int:ticket_id>", self._update_ticket),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>/audits", self._list_audits),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>/comments", self._list_comments),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>/tags", self._list_tags),
                _rule("PUT", "/api/v2/tickets/<int:ticket_id>/tags", self._add_tags),
                _rule("POST", "/api/v2/tickets/<int:ticket_id>/tags", self._replace_tags),
                _rule("DELETE", "/api/v2/tickets/<int:ticket_id>/tags", self._remove_tags),
                _rule("POST", "/api/v2/uploads", self._upload),
                _rule("GET", "/api/v2/search", self._search),
                _rule("GET", "/api/v2/users/me", self._me),
                _rule("GET", "/api/v2/users/<int:user_id>", self._show_user),
                _rule("POST", "/api/v2/users/create_or_update", self._upsert_user),
                _rule("GET", "/api/v2/groups", self._list_groups),
                _rule("GET", "/api/v2/ticket_fields", self._list_fields),
                _rule("POST", "/api/v2/ticket_fields", self._create_field),
            ]
        )

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
            return self._grant_token(request)
        counts: dict[str, Count] = {"account": self._limits.count("account")}
        try:
            response = self._do(request, path, counts)
        except Refusal as refusal:
            response = refusal.response
        self._add_headers(response, counts, time.perf_counter() - started)
        return response

    def _do(self, request: Request, path: str, counts: dict[str, Count]) -> Response:
        user_id = self._authenticated(request)
        if user_id is None:
            return refusals.unauthorized()
        try:
            work, arguments = self._map.bind("").match(path, request.method)
        except MethodNotAllowed:
            return refusals.method_not_allowed()
        except HTTPException:
            return refusals.not_found()
        counts.update(self._endpoint_counts(request.method, path, arguments))
        if any(count.exceeded for count in counts.values()):
            wait = max(count.resets_in for count in counts.values() if count.exceeded)
            return refusals.too_many(wait, "json")
        client = request.headers.get("User-Agent", "")
        response: Response = work(request, Writer(user_id, request.base, client), **arguments)
        return response

    def _endpoint_counts(self, method: str, path: str, arguments: Mapping[str, Any]) -> dict[str, Count]:
        if path == "/api/v2/tickets":
            name = "tickets-index" if method == "GET" else "ticket-request-create-by-user-and-ip"
            return {name: self._limits.count(name)}
        if method != "GET" and "ticket_id" in arguments:
            return {"per-ticket-updates": self._limits.count("per-ticket-updates", str(arguments["ticket_id"]))}
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

    def _authenticated(self, request: Request) -> int | None:
        """The user this call is made as. An API token may act as any verified user: the e-mail decides."""
        authorization = request.authorization
        if authorization is None:
            return None
        if authorization.type == "bearer" and authorization.token:
            expires = self._tokens.get(authorization.token)
            valid = authorization.token == CREDENTIALS.bearer or (expires is not None and self._clock.now() < expires)
            return self.account.service_user_id if valid else None
        name = authorization.username or ""
        if authorization.type != "basic" or authorization.password != CREDENTIALS.api_token:
            return None
        user = self.account.user_by_email(name.removesuffix("/token")) if name.endswith("/token") else None
        return int(user["id"]) if user and user["role"] != "end-user" else None

    def _grant_token(self, request: Request) -> Response:
        """Client credentials only: what a confidential client of a gateway uses."""
        try:
            sent = request.json_body()
        except ValueError:
            sent = request.form
        get: Callable[..., Any] = sent.get if hasattr(sent, "get") else {}.get
        if (get("client_id"), get("client_secret")) != (CREDENTIALS.client_id, CREDENTIALS.client_secret):
            description = "Client authentication failed due to unknown client, or no client authentication included"
            return json_answer({"error": "invalid_client", "error_description": description}, 401)
        if get("grant_type") != "client_credentials":
            description = "The authorization grant type is not supported by the sandbox"
            return json_answer({"error": "unsupported_grant_type", "error_description": description}, 400)
        wanted = get("expires_in")
        lifetime = float(wanted) if isinstance(wanted, int) else self._setup.settings.token_lifetime_seconds
        token = secrets.token_hex(32)
        self._tokens[token] = self._clock.now() + timedelta(seconds=lifetime)
        scope = get("scope") or "read write"
        return json_answer(
            {"access_token": token, "token_type": "bearer", "scope": scope, "expires_in": int(lifetime)}, 200
        )

    # Tickets

    def _create_ticket(self, request: Request, by: Writer) -> Response:
        wanted = _envelope(request, "ticket")
        key = request.headers.get("Idempotency-Key")
        request_hash = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
        known = self._remembered.get(key) if key else None
        if known is not None and self._clock.now() - known.at < KEY_MEMORY:
            if known.request != request_hash:
                raise refusals.other_parameters()
            headers = {"Location": known.location, "x-idempotency-lookup": "hit"}
            return Response(known.body, known.status, headers, content_type="application/json; charset=utf-8")
        ticket = self.account.create(wanted, by)
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
        wanted = _envelope(request, "ticket")
        _check_stamp(ticket, wanted)
        audit = self.account.update(ticket, wanted, by)
        self._tell(ticket, audit, echo=True)
        body = {"ticket": self._shape(ticket, by.base), "audit": audit}
        return json_answer(body, 200, _warning(wanted, "update"))

    def _show_ticket(self, request: Request, by: Writer, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        return json_answer({"ticket": self._shape(ticket, by.base, int(self._clock.now().timestamp()))})

    def _list_tickets(self, request: Request, by: Writer) -> Response:
        external_id = request.args.get("external_id")
        if external_id is None:
            tickets = list(self.account.tickets.values())
        else:
            tickets = [self.account.tickets[i] for i in self.account.by_external_id.get(external_id, ())]
        page = finding.page_of(tickets, request)
        shaped = [self._shape(ticket, by.base) for ticket in page.rows]
        if page.by_cursor:  # recorded: cursor pages leave `fields` out
            shaped = [{key: value for key, value in one.items() if key != "fields"} for one in shaped]
        return json_answer({"tickets": shaped, **page.rest})

    def _search(self, request: Request, by: Writer) -> Response:
        """Sees a ticket only once the index has caught up: settings.search_lag_seconds."""
        until = self._clock.now() - timedelta(seconds=self._setup.settings.search_lag_seconds)
        tickets = [t for t in self.account.tickets.values() if t.created_at <= until]
        found = finding.search(tickets, request.args.get("query", ""), self.account)
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
        sent = _json_object(request)
        _check_stamp(ticket, sent)
        audit = self.account.update(
            ticket, {"tags": change(ticket.values["tags"], tags_of(sent.get("tags") or []))}, by
        )
        self._tell(ticket, audit, echo=True)
        return json_answer({"tags": ticket.values["tags"]}, status)

    # The rest of the account

    def _upload(self, request: Request, by: Writer) -> Response:
        """Raw bytes in, JSON out, under a text/plain header (recorded)."""
        content = request.get_data()
        name = request.args.get("filename")
        if not name or not content:
            body = {"error": "AttachmentUnprocessable", "description": "Attachment file could not be processed."}
            return json_answer(body, 422)
        file_id = self.account.next_id()
        content_type = request.headers.get("Content-Type", "application/octet-stream")
        shape = shapes.attachment(file_id, name, content_type, len(content), by.base)
        token = secrets.token_urlsafe(16)
        self.account.uploads[token] = Upload(file_id, name, content_type, content, shape)
        expires_at = shapes.stamp(self._clock.now() + timedelta(days=3))
        upload = {"token": token, "expires_at": expires_at, "attachments": [shape], "attachment": shape}
        return json_answer({"upload": upload}, 201, {"Location": shape["url"]}, "text/plain; charset=utf-8")

    def _me(self, request: Request, by: Writer) -> Response:
        return json_answer({"user": shapes.user(self.account.users[by.user_id], by.base)})

    def _show_user(self, request: Request, by: Writer, user_id: int) -> Response:
        if user_id not in self.account.users:
            return refusals.not_found()
        return json_answer({"user": shapes.user(self.account.users[user_id], by.base)})

    def _upsert_user(self, request: Request, by: Writer) -> Response:
        user, was_made = self.account.upsert_user(_envelope(request, "user"), where="user")
        shape = shapes.user(user, by.base)
        return json_answer({"user": shape}, 201 if was_made else 200, {"Location": shape["url"]})

    def _list_groups(self, request: Request, by: Writer) -> Response:
        at = shapes.stamp(self._clock.now())
        rows = [shapes.group(group_id, name, at, by.base) for group_id, name in self.account.groups.items()]
        page = finding.page_of(rows, request)
        return json_answer({"groups": page.rows, **page.rest})

    def _list_fields(self, request: Request, by: Writer) -> Response:
        at = shapes.stamp(self._clock.now())
        rows = [
            self.account.field_shapes.get(field_id) or shapes.ticket_field(field_id, title, "text", at, by.base)
            for field_id, title in self.account.field_titles.items()
        ]
        page = finding.page_of(rows, request)
        return json_answer({"ticket_fields": page.rows, **page.rest})

    def _create_field(self, request: Request, by: Writer) -> Response:
        wanted = _envelope(request, "ticket_field")
        if not wanted.get("title") or not wanted.get("type"):
            raise refusals.invalid_field("title", "Title: cannot be blank", "BlankValue")
        field_id = self.account.next_id()
        at = shapes.stamp(self._clock.now())
        options = wanted.get("custom_field_options")
        shape = shapes.ticket_field(field_id, str(wanted["title"]), str(wanted["type"]), at, by.base, options)
        self.account.field_titles[field_id] = str(wanted["title"])
        self.account.field_shapes[field_id] = shape
        return json_answer({"ticket_field": shape}, 201, {"Location": shape["url"]})

    def _ticket(self, ticket_id: int) -> Ticket:
        ticket = self.account.tickets.get(ticket_id)
        if ticket is None:
            raise Refusal(refusals.not_found())
        return ticket

    def _shape(self, ticket: Ticket, base: str, generated: int = 0) -> dict[str, Any]:
        return shapes.ticket(ticket.values, ticket.fields, self.account.field_titles, base, generated)

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
        return [self._view(ticket) for ticket in self.account.tickets.values()]

    def view(self, ticket_id: str) -> TicketView:
        """One ticket."""
        return self._view(self._known(ticket_id))

    def _known(self, ticket_id: str) -> Ticket:
        ticket = self.account.tickets.get(int(ticket_id)) if ticket_id.isdigit() else None
        if ticket is None:
            raise NoSuchTicket(ticket_id)
        return ticket

    def _view(self, ticket: Ticket) -> TicketView:
        values, users = ticket.values, self.account.users
        requester = users[values["requester_id"]]
        rating = values["satisfaction_rating"]
        named = {field_id: str(value) for field_id, value in ticket.fields.items() if value is not None}
        neutral = self.account.neutral_names
        return TicketView(
            ticket_id=str(values["id"]),
            number=f"#{values['id']}",
            key=values["external_id"],
            subject=values["subject"],
            priority=values["priority"],
            status=values["status"],
            requester={key: requester.get(key) for key in ("name", "email", "phone")},
            group=self.account.groups.get(values["group_id"]),
            assignee=users[values["assignee_id"]]["name"] if values["assignee_id"] else None,
            tags=tuple(values["tags"]),
            fields={neutral[i]: value for i, value in named.items() if i in neutral},
            labels={self.account.field_titles[i]: value for i, value in named.items()},
            entries=tuple(self._entry(event, audit) for event, audit in ticket.comments()),
            attachments=tuple(FileView(str(f.file_id), f.name, f.content_type, f.content) for f in ticket.files),
            created_at=ticket.created_at,
            updated_at=datetime.fromisoformat(values["updated_at"]),
            rating=rating["score"] if rating else None,
        )

    def _entry(self, event: Mapping[str, Any], audit: Mapping[str, Any]) -> EntryView:
        author = self.account.users[event["author_id"]]
        return EntryView(
            author=author["name"],
            private=not event["public"],
            text=event["plain_body"],
            html=clean(event["html_body"]),
            at=datetime.fromisoformat(audit["created_at"]),
            by_agent=author["role"] != "end-user",
        )

    def act(self, ticket_id: str, deed: Deed) -> None:
        """What an agent (or, for a rating, the customer) does on the screen."""
        ticket = self._known(ticket_id)
        agent = self.account.agent(deed.value if deed.kind == "assign" else deed.agent)
        by = Writer(agent["id"], "", "Zendesk web")
        values = ticket.values
        opened = {"status": "open"} if values["status"] == "new" else {}
        try:
            if deed.kind == "rate":
                before = values["satisfaction_rating"]
                values["satisfaction_rating"] = {"id": self.account.next_id(), "score": deed.value, "comment": ""}
                self._calls.append(events.rated(ticket, self._clock.now(), deed.value, before))
                return
            wanted = _deed_body(deed, agent["id"], opened)
            audit = self.account.update(ticket, wanted, by)
        except Refusal as refusal:
            raise CannotDo(refusal.response.get_data(as_text=True)) from refusal
        self._tell(ticket, audit)

    def _tell(self, ticket: Ticket, audit: Mapping[str, Any], *, echo: bool = False, created: bool = False) -> None:
        if echo and not self._setup.settings.echo_own_changes:
            return
        self._calls.extend(events.calls_of(ticket, audit, self.account.users, self._clock.now(), created=created))

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


def _rule(method: str, path: str, work: Callable[..., Response]) -> Rule:
    return Rule(path, methods=[method], endpoint=work)


def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = request.json_body()
    except ValueError as error:
        raise refusals.unreadable() from error
    if not isinstance(body, dict):
        raise refusals.unreadable()
    return body


def _envelope(request: Request, name: str) -> dict[str, Any]:
    inside = _json_object(request).get(name)
    if not isinstance(inside, dict):
        raise refusals.missing_parameter(name)
    return inside


def _check_stamp(ticket: Ticket, wanted: Mapping[str, Any]) -> None:
    """`safe_update` of any value switches the lock on, false too, says the documentation. Grain: one second."""
    if "safe_update" in wanted and wanted.get("updated_stamp") != ticket.values["updated_at"]:
        raise refusals.outdated()


def _warning(wanted: Mapping[str, Any], action: str) -> dict[str, str]:
    """Keys Zendesk does not take are ignored and named in a header (recorded, Ruby hash text)."""
    unknown = [f"ticket.{key}" for key in wanted if key not in KNOWN_KEYS]
    if not unknown:
        return {}
    keys = ", ".join(f'"{key}"' for key in unknown)
    told = f'{{:allowed_parameters=>{{:controller=>"tickets", :action=>"{action}", '
    return {"x-zendesk-api-warn": told + f":unpermitted_keys=>[{keys}], :invalid_values=>[]}}}}"}


def _deed_body(deed: Deed, agent_id: int, opened: Mapping[str, str]) -> dict[str, Any]:
    if deed.kind in ("reply", "note"):
        comment = {"body": deed.value, "public": deed.kind == "reply"}
        return {"comment": comment, **(opened if deed.kind == "reply" else {})}
    if deed.kind == "assign":
        return {"assignee_id": agent_id, **opened}
    if deed.kind == "priority":
        return {"priority": deed.value}
    if deed.kind == "status" and deed.value.lower() in STATUS_WORDS:
        return {"status": STATUS_WORDS[deed.value.lower()]}
    raise CannotDo(f"Zendesk has no {deed.kind} {deed.value!r}; statuses are {', '.join(STATUS_WORDS)}")


def _after(path: str, prefix: str) -> str | None:
    return path.removeprefix(prefix) if path.startswith(prefix) else None
