"""
The calls of Freshdesk's API that a gateway makes, and what an agent can do on the screen.
source: Freshdesk API v2 as told by its samples and clients (the reference page is not mirrored), read 2026-11-21.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from connectors.sandbox.freshdesk import checks, finding, refusals
from connectors.sandbox.freshdesk.account import NOTE, REPLY, Account, Ticket
from connectors.sandbox.freshdesk.checks import PRIORITIES, STATUSES
from connectors.sandbox.freshdesk.refusals import Problem, Refusal
from connectors.sandbox.html import clean
from connectors.sandbox.limits import Count, Limit, Limits

# Plan "Pro", a minute; sub-limits fire while the account's counter is still full.
LIMITS: Final = {
    "account": Limit(400, 60),
    "create": Limit(160, 60),
    "update": Limit(160, 60),
    "list": Limit(100, 60),
}
RETRY_STEPS: Final = (300.0, 1800.0, 3600.0)  # source: Freshdesk support article 11000000028141
STATUS_WORDS: Final = {
    "open": 2,
    "reopened": 2,
    "pending": 3,
    "resolved": 4,
    "solved": 4,
    "closed": 5,
    "waiting on customer": 6,
    "waiting on third party": 7,
    "hold": 7,
}
PRIORITY_WORDS: Final = {word.lower(): code for code, word in PRIORITIES.items()}
RATINGS: Final = {"good": 103, "neutral": 100, "bad": -103}
Files = Sequence[tuple[str, str, bytes]]


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
        self._map = Map(
            [
                _rule("POST", "/api/v2/tickets", self._create_ticket),
                _rule("GET", "/api/v2/tickets", self._list_tickets),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>", self._show_ticket),
                _rule("PUT", "/api/v2/tickets/<int:ticket_id>", self._update_ticket),
                _rule("POST", "/api/v2/tickets/<int:ticket_id>/notes", self._add_note),
                _rule("POST", "/api/v2/tickets/<int:ticket_id>/reply", self._add_reply),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>/conversations", self._list_conversations),
                _rule("GET", "/api/v2/tickets/<int:ticket_id>/satisfaction_ratings", self._list_ratings),
                _rule("GET", "/api/v2/search/tickets", self._search),
                _rule("GET", "/api/v2/ticket_fields", self._list_fields),
                _rule("GET", "/api/v2/admin/ticket_fields", self._list_fields),
                _rule("POST", "/api/v2/admin/ticket_fields", self._create_field),
                _rule("GET", "/api/v2/groups", self._list_groups),
                _rule("GET", "/api/v2/agents/me", self._me),
            ]
        )

    # The way of one call

    @contextmanager
    def session(self, request: Request) -> Iterator[None]:
        """Freshdesk's calls do not wait for one another."""
        yield

    def answer(self, request: Request) -> Response:
        """Do one call: credential, limit, work, and the headers every answer carries."""
        count = self._limits.count("account")
        try:
            response = self._do(request, count)
        except Refusal as refusal:
            response = refusal.response
        self._add_headers(response, count)
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

    def _add_headers(self, response: Response, count: Count) -> None:
        response.headers.extend(
            {
                "Status": response.status,
                "X-Freshdesk-API-Version": "latest=v2; requested=v2",
                "X-Request-Id": secrets.token_hex(16),
                "X-RateLimit-Total": str(count.total),
                "X-RateLimit-Remaining": str(count.remaining),
                "X-RateLimit-Used-CurrentRequest": "1",
            }
        )

    def _body(self, request: Request, keys: Mapping[str, checks.Check]) -> tuple[dict[str, Any], Files]:
        """The body in JSON types, and the files that came with it (multipart only)."""
        if request.mimetype == "multipart/form-data":
            sent = checks.from_form(request.form, keys, self.account.field_types)
            uploads = request.files.getlist("attachments[]")
            files = [(f.filename or "file", f.mimetype or "application/octet-stream", f.read()) for f in uploads]
            return sent, files
        try:
            body = request.json_body()
        except ValueError as error:
            raise refusals.unreadable() from error
        if not isinstance(body, dict):
            raise refusals.unreadable()
        return body, []

    # Tickets

    def _create_ticket(self, request: Request) -> Response:
        sent, files = self._body(request, checks.TICKET_KEYS)
        self._check_ticket(sent, is_new=True)
        ticket = self.account.create(sent, files, request.base)
        self._tell(ticket, "created", echo=True)
        location = f"{request.base}/api/v2/tickets/{ticket.values['id']}"
        return json_answer(self.account.shape(ticket), 201, {"Location": location})

    def _update_ticket(self, request: Request, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        sent, files = self._body(request, checks.TICKET_KEYS)
        self._check_ticket(sent, is_new=False)
        status = ticket.values["status"]
        self.account.update(ticket, sent, files, request.base)
        if ticket.values["status"] != status:
            self._tell(ticket, "status_changed", echo=True)
        return json_answer(self.account.shape(ticket))

    def _check_ticket(self, sent: Mapping[str, Any], *, is_new: bool) -> None:
        problems = checks.ticket_problems(sent, self.account.field_types, self.account.groups, is_new=is_new)
        if problems:
            raise refusals.invalid(problems)

    def _show_ticket(self, request: Request, ticket_id: int) -> Response:
        ticket = self._ticket(ticket_id)
        include = set(filter(None, request.args.get("include", "").split(",")))
        unknown = include - {"stats", "conversations", "requester", "company"}
        if unknown:
            raise refusals.invalid(
                [Problem("include", "It should be one of these values: 'conversations,requester,company,stats'")]
            )
        return json_answer({**self.account.shape(ticket), **self._included(ticket, include)})

    def _included(self, ticket: Ticket, include: set[str]) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if "conversations" in include:
            extra["conversations"] = ticket.conversations[:10]
        if "stats" in include:
            extra["stats"] = ticket.stats
        if "requester" in include:
            person = self.account.people[ticket.values["requester_id"]]
            extra["requester"] = {key: person.get(key) for key in ("id", "name", "email", "mobile", "phone")}
        if "company" in include:
            extra["company"] = {}
        return extra

    def _list_tickets(self, request: Request) -> Response:
        query = finding.list_query(request, self._clock.now())
        tickets = finding.listed(self.account, query, self._setup.settings.unknown_contact_is_400)
        return finding.page_answer(
            request, [self._listed_shape(ticket, query.include) for ticket in tickets], query.page, query.per_page
        )

    def _listed_shape(self, ticket: Ticket, include: set[str]) -> dict[str, Any]:
        """Lists leave the description out unless it is asked for."""
        shape = self.account.shape(ticket)
        del shape["attachments"]
        if "description" not in include:
            del shape["description"], shape["description_text"]
        return {**shape, **self._included(ticket, include & {"stats", "requester"})}

    def _search(self, request: Request) -> Response:
        """Sees a ticket only once the index has caught up: settings.search_lag_seconds."""
        until = self._clock.now() - timedelta(seconds=self._setup.settings.search_lag_seconds)
        tickets = [t for t in self.account.tickets.values() if t.updated_at <= until]
        found = finding.search(tickets, request.args.get("query", ""), self.account)
        start = (finding.page_number(request, most=10) - 1) * 30
        results = [self.account.shape(ticket) for ticket in found[start : start + 30]]
        for result in results:
            del result["attachments"]
        return json_answer({"total": len(found), "results": results})

    # Conversations

    def _add_note(self, request: Request, ticket_id: int) -> Response:
        return self._converse(request, ticket_id, checks.NOTE_KEYS, NOTE)

    def _add_reply(self, request: Request, ticket_id: int) -> Response:
        return self._converse(request, ticket_id, checks.REPLY_KEYS, REPLY)

    def _converse(self, request: Request, ticket_id: int, keys: Mapping[str, checks.Check], source: int) -> Response:
        ticket = self._ticket(ticket_id)
        sent, files = self._body(request, keys)
        problems = checks.problems_of(sent, keys)
        if not sent.get("body"):
            problems.append(Problem("body", "It should be a/an String", "missing_field"))
        if problems:
            raise refusals.invalid(problems)
        user_id = self.account.service_user_id
        made = self.account.converse(ticket, sent, files, source=source, user_id=user_id, base=request.base)
        if source == REPLY:
            self._tell(ticket, "agent_replied", echo=True)
        return json_answer(made, 201)

    def _list_conversations(self, request: Request, ticket_id: int) -> Response:
        rows = self._ticket(ticket_id).conversations
        return finding.page_answer(request, rows, finding.page_number(request), finding.page_size(request))

    def _list_ratings(self, request: Request, ticket_id: int) -> Response:
        return json_answer(self._ticket(ticket_id).ratings)

    # The rest of the account

    def _list_fields(self, request: Request) -> Response:
        account = self.account
        return json_answer(
            [_field_shape(i, n, account.field_labels[n], t) for i, (n, t) in enumerate(account.field_types.items(), 1)]
        )

    def _create_field(self, request: Request) -> Response:
        """Newer accounts make the name from the label: `cf_` and the words of it."""
        sent, _ = self._body(request, {})
        label, kind = sent.get("label"), sent.get("type", "custom_text")
        if not isinstance(label, str) or not label.strip():
            raise refusals.invalid([Problem("label", "It should be a/an String", "missing_field")])
        if kind not in checks.FIELD_TYPES:
            listed = ",".join(checks.FIELD_TYPES)
            raise refusals.invalid([Problem("type", f"It should be one of these values: '{listed}'")])
        name = "cf_" + re.sub(r"\W+", "_", label.strip().lower()).strip("_")
        if name in self.account.field_types:
            problem = Problem("label", "It should be a unique value", "duplicate_value")
            raise refusals.invalid([problem])
        self.account.field_types[name], self.account.field_labels[name] = kind, label
        return json_answer(_field_shape(len(self.account.field_types), name, label, kind), 201)

    def _list_groups(self, request: Request) -> Response:
        now = self.account.now()
        extra: dict[str, Any] = {"description": None, "business_hour_id": None, "escalate_to": None}
        extra |= {"unassigned_for": None, "agent_ids": sorted(self.account.agent_ids), "auto_ticket_assign": 0}
        rows = [
            {"id": group_id, "name": name, **extra, "created_at": now, "updated_at": now}
            for group_id, name in self.account.groups.items()
        ]
        return finding.page_answer(request, rows, finding.page_number(request), finding.page_size(request))

    def _me(self, request: Request) -> Response:
        agent = self.account.people[self.account.service_user_id]
        now = self.account.now()
        contact = {"active": True, "email": agent["email"], "job_title": None, "language": "en", "name": agent["name"]}
        contact |= {"last_login_at": now, "mobile": None, "phone": None, "time_zone": "UTC"}
        contact |= {"created_at": now, "updated_at": now}
        shape = {"available": True, "occasional": False, "signature": None, "id": agent["id"], "ticket_scope": 1}
        return json_answer({**shape, "created_at": now, "updated_at": now, "available_since": None, "contact": contact})

    def _ticket(self, ticket_id: int) -> Ticket:
        ticket = self.account.tickets.get(ticket_id)
        if ticket is None:
            raise Refusal(refusals.not_found())
        return ticket

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
        values, account = ticket.values, self.account
        requester = account.people[values["requester_id"]]
        set_fields = {name: str(value) for name, value in ticket.fields.items() if value is not None}
        fields = {account.neutral_names[n]: v for n, v in set_fields.items() if n in account.neutral_names}
        rating = ticket.ratings[-1]["ratings"]["default_question"] if ticket.ratings else None
        responder = account.people.get(values["responder_id"])
        return TicketView(
            ticket_id=str(values["id"]),
            number=f"#{values['id']}",
            key=fields.get("packet_id"),
            subject=values["subject"],
            priority=PRIORITIES[values["priority"]],
            status=STATUSES[values["status"]],
            requester={key: requester.get(key) for key in ("name", "email", "phone")},
            group=account.groups.get(values["group_id"]),
            assignee=responder["name"] if responder else None,
            tags=tuple(values["tags"] or ()),
            fields=fields,
            labels={account.field_labels[name]: value for name, value in set_fields.items()},
            entries=(self._description(ticket), *(self._entry(c) for c in ticket.conversations)),
            attachments=tuple(FileView(str(f.file_id), f.name, f.content_type, f.content) for f in ticket.files),
            created_at=ticket.created_at,
            updated_at=ticket.updated_at,
            rating=str(rating) if rating is not None else None,
        )

    def _description(self, ticket: Ticket) -> EntryView:
        """The description is public: its requester sees it."""
        values = ticket.values
        author = self.account.people[values["requester_id"]]["name"]
        return EntryView(
            author, False, values["description_text"], clean(values["description"]), ticket.created_at, by_agent=False
        )

    def _entry(self, conversation: Mapping[str, Any]) -> EntryView:
        author = self.account.people.get(conversation["user_id"], {"name": "somebody"})
        return EntryView(
            author=author["name"],
            private=conversation["private"],
            text=conversation["body_text"],
            html=clean(conversation["body"]),
            at=datetime.fromisoformat(conversation["created_at"]),
            by_agent=conversation["user_id"] in self.account.agent_ids and not conversation["incoming"],
        )

    def act(self, ticket_id: str, deed: Deed) -> None:
        """What an agent (or, for a rating, the customer) does on the screen."""
        ticket, account = self._known(ticket_id), self.account
        word = deed.value.lower()
        if deed.kind in ("reply", "note"):
            source = REPLY if deed.kind == "reply" else NOTE
            agent_id = account.agent(deed.agent)["id"]
            body = {"body": "<div>" + _escaped(deed.value) + "</div>"}
            account.converse(ticket, body, [], source=source, user_id=agent_id, base="")
            self._tell(ticket, "agent_replied" if deed.kind == "reply" else "note_added")
        elif deed.kind == "assign":
            account.update(ticket, {"responder_id": account.agent(deed.value)["id"]}, [], "")
            self._tell(ticket, "assigned")
        elif deed.kind == "status" and word in STATUS_WORDS:
            account.update(ticket, {"status": STATUS_WORDS[word]}, [], "")
            self._tell(ticket, "status_changed")
        elif deed.kind == "priority" and word in PRIORITY_WORDS:
            account.update(ticket, {"priority": PRIORITY_WORDS[word]}, [], "")
            self._tell(ticket, "priority_changed")
        elif deed.kind == "rate" and word in RATINGS:
            account.rate(ticket, RATINGS[word], "")
            self._tell(ticket, "rated")
        else:
            raise CannotDo(f"Freshdesk has no {deed.kind} {deed.value!r}")

    def _tell(self, ticket: Ticket, event: str, *, echo: bool = False) -> None:
        """An automation rule with a template of ids: display names, no free text, no delivery id, no signature."""
        if echo and not self._setup.settings.echo_own_changes:
            return
        values = ticket.values
        content = {
            "ticket_id": values["id"],
            "event": event,
            "status": STATUSES[values["status"]],
            "priority": PRIORITIES[values["priority"]],
            "updated_at": values["updated_at"],
        }
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "Freshdesk"}
        self._calls.append(WebhookCall(event, str(values["id"]), body, headers))

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


def _rule(method: str, path: str, work: Callable[..., Response]) -> Rule:
    return Rule(path, methods=[method], endpoint=work)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")


def _field_shape(number: int, name: str, label: str, kind: str) -> dict[str, Any]:
    return {
        "id": 36_000_900_000 + number,
        "name": name,
        "label": label,
        "description": "",
        "position": number,
        "required_for_closure": False,
        "required_for_agents": False,
        "type": kind,
        "default": False,
        "customers_can_edit": False,
        "label_for_customers": label,
        "required_for_customers": False,
        "displayed_to_customers": False,
    }
