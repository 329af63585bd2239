"""
The calls of ServiceNow's API that a gateway makes, and what an agent can do on the screen.
source: ServiceNow documentation, "Table API", "Attachment API", "OAuth", read 2026-11-21.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from connectors.sandbox.accounts import CREDENTIALS, SERVICE_USER, servicenow_user_id
from connectors.sandbox.answers import Request, empty_answer, json_answer
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
from connectors.sandbox.html import paragraphs
from connectors.sandbox.limits import Limit, Limits
from connectors.sandbox.servicenow import columns, query, refusals
from connectors.sandbox.servicenow.instance import Change, File, Instance, Table
from connectors.sandbox.servicenow.refusals import CONTENT_TYPE, Refusal

LIMITS: Final = {"table-api": Limit(1000, 3600)}  # enforced only where settings.limits names it, as in a new instance
DEFAULT_ROWS: Final = 10_000
ACCESS_SECONDS: Final = 1799

STATE_WORDS: Final[Mapping[str, dict[str, str]]] = {
    "new": {"state": "1"},
    "open": {"state": "2"},
    "reopened": {"state": "2"},
    "in progress": {"state": "2"},
    "pending": {"state": "3", "hold_reason": "1", "comments": "Waiting for your answer."},
    "on hold": {"state": "3", "hold_reason": "4"},
    "hold": {"state": "3", "hold_reason": "4"},
    "solved": {"state": "6", "close_code": "Solution provided", "close_notes": "Solved"},
    "resolved": {"state": "6", "close_code": "Solution provided", "close_notes": "Solved"},
    "closed": {"state": "7", "close_code": "Solution provided", "close_notes": "Solved"},
    "canceled": {"state": "8"},
    "cancelled": {"state": "8"},
}
# Priority follows from these two.
PRIORITY_WORDS: Final[Mapping[str, dict[str, str]]] = {
    "critical": {"impact": "1", "urgency": "1"},
    "high": {"impact": "2", "urgency": "1"},
    "moderate": {"impact": "2", "urgency": "2"},
    "low": {"impact": "3", "urgency": "2"},
    "planning": {"impact": "3", "urgency": "3"},
}
# What our business rule tells of an incident.
TOLD: Final = (
    *("sys_id", "number", "correlation_id", "state", "hold_reason", "priority", "impact", "urgency", "assigned_to"),
    *("assignment_group", "sys_updated_on", "sys_mod_count"),
)


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
        self._tokens: dict[str, datetime] = {}
        self._refresh_tokens: set[str] = set()
        self._sessions: dict[str, threading.Lock] = {}
        self._calls: list[WebhookCall] = []
        routes = [
            _rule("GET", "/table/<table>", self._list),
            _rule("POST", "/table/<table>", self._insert),
            _rule("GET", "/table/<table>/<sys_id>", self._show),
            _rule("PUT", "/table/<table>/<sys_id>", self._update),
            _rule("PATCH", "/table/<table>/<sys_id>", self._update),
            _rule("DELETE", "/table/<table>/<sys_id>", self._delete),
            _rule("POST", "/attachment/file", self._attach_file),
            _rule("POST", "/attachment/upload", self._attach_upload),
            _rule("GET", "/attachment", self._list_files),
            _rule("GET", "/attachment/<file_id>", self._show_file),
            _rule("GET", "/attachment/<file_id>/file", self._download),
        ]
        self._map = Map(routes)

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
            return self._grant_token(request)
        try:
            response = self._do(request)
        except Refusal as refusal:
            response = refusal.response
        if "JSESSIONID" not in request.cookies:
            response.set_cookie("JSESSIONID", secrets.token_hex(16).upper(), httponly=True)
        return response

    def _do(self, request: Request) -> Response:
        if not self._is_authenticated(request):
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
        count = self._limits.count("table-api")
        if count.exceeded:
            return refusals.too_many(count.resets_in, "json")
        if not request.accept_mimetypes.accept_json:
            return refusals.failure(406, "Not acceptable", "The Accept header names no type this can answer in")
        response: Response = work(request, **arguments)
        return response

    def _is_authenticated(self, request: Request) -> bool:
        authorization = request.authorization
        if authorization is None:
            return False
        if authorization.type == "bearer" and authorization.token:
            expires = self._tokens.get(authorization.token)
            return authorization.token == CREDENTIALS.bearer or (expires is not None and self._clock.now() < expires)
        given = (authorization.username, authorization.password)
        return authorization.type == "basic" and given == (CREDENTIALS.user, CREDENTIALS.password)

    def _grant_token(self, request: Request) -> Response:
        """Form-encoded; here `error` is a string (shape unverified)."""
        form = request.form
        if (form.get("client_id"), form.get("client_secret")) != (CREDENTIALS.client_id, CREDENTIALS.client_secret):
            return _oauth_error("invalid_client", "access_denied")
        grant = form.get("grant_type")
        if grant == "password" and (form.get("username"), form.get("password")) != (
            CREDENTIALS.user,
            CREDENTIALS.password,
        ):
            return _oauth_error("server_error", "access_denied")
        if grant == "refresh_token" and form.get("refresh_token") not in self._refresh_tokens:
            return _oauth_error("server_error", "access_denied")
        if grant not in ("password", "refresh_token", "client_credentials"):
            return _oauth_error("unsupported_grant_type", "The grant type is not supported")
        access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        lifetime = int(min(self._setup.settings.token_lifetime_seconds, ACCESS_SECONDS))
        self._tokens[access] = self._clock.now() + timedelta(seconds=lifetime)
        self._refresh_tokens.add(refresh)
        answer = {"scope": "useraccount", "token_type": "Bearer", "expires_in": lifetime}
        return json_answer(
            {**answer, "refresh_token": refresh, "access_token": access}, content_type="application/json"
        )

    # The Table API

    def _table(self, name: str) -> Table:
        if name not in self.instance.tables:
            raise refusals.bad_request(f"Invalid table {name}")
        return self.instance.tables[name]

    def _row(self, table: str, sys_id: str) -> dict[str, str]:
        row = self._table(table).rows.get(sys_id)
        if row is None:
            raise Refusal(refusals.no_record())
        return row

    def _list(self, request: Request, table: str) -> Response:
        kept = self._table(table)
        wanted = query.parse(request.args.get("sysparm_query", ""), [*kept.columns, "sys_id"])
        rows = wanted.run(self._candidates(table, kept, wanted))
        rows = [row for row in rows if self._plain_filters_hold(request, kept, row)]
        limit = _number(request, "sysparm_limit", DEFAULT_ROWS)
        offset = _number(request, "sysparm_offset", 0)
        page = rows[offset : offset + limit]
        headers = {"X-Total-Count": str(len(rows))}
        if offset + limit < len(rows):
            arguments = {**request.args.to_dict(), "sysparm_offset": str(offset + limit)}
            headers["Link"] = f'<{request.base}{request.path}?{urlencode(arguments)}>;rel="next"'
        return self._result([self._shape(request, row) for row in page], 200, headers)

    def _candidates(self, table: str, kept: Table, wanted: query.Query) -> list[Mapping[str, str]]:
        """Every row, or, where the query names a key we keep an index of, the few it can mean."""
        key = wanted.keys_of("correlation_id") if table == "incident" else None
        if key:
            return [kept.rows[sys_id] for sys_id in self.instance.by_correlation_id.get(key, ())]
        key = wanted.keys_of("element_id") if table == "sys_journal_field" else None
        if key is not None:
            return list(self.instance.journal.get(key, ()))
        return list(kept.rows.values())

    @staticmethod
    def _plain_filters_hold(request: Request, kept: Table, row: Mapping[str, str]) -> bool:
        """`?email=a@b.c` beside the sysparm_ ones; unknown columns are ignored here too."""
        named = {key: value for key, value in request.args.items() if key in kept.columns}
        return all(row.get(key, "") == value for key, value in named.items())

    def _insert(self, request: Request, table: str) -> Response:
        self._table(table)
        sent = self._sent(request)
        if table == "incident":
            row = self.instance.insert(sent, self._own_id)
            self._tell(row, "created", echo=True)
        else:
            row = self.instance.insert_other(table, sent)
        headers = {"Location": f"{request.base}/api/now/table/{table}/{row['sys_id']}"}
        if request.headers.get("X-no-response-body", "").lower() == "true":
            return empty_answer(201, headers)
        return self._result(self._shape(request, row), 201, headers)

    def _show(self, request: Request, table: str, sys_id: str) -> Response:
        return self._result(self._shape(request, self._row(table, sys_id)))

    def _update(self, request: Request, table: str, sys_id: str) -> Response:
        row = self._row(table, sys_id)
        sent = self._sent(request)
        if table == "incident":
            change = self.instance.update(row, sent, self._own_id)
            self._tell_change(row, change, echo=True)
        else:
            row.update({name: str(value) for name, value in sent.items() if name in row and name != "sys_id"})
        return self._result(self._shape(request, row))

    def _delete(self, request: Request, table: str, sys_id: str) -> Response:
        row = self._row(table, sys_id)
        del self._table(table).rows[sys_id]
        if table == "incident" and row["correlation_id"]:
            self.instance.by_correlation_id[row["correlation_id"]].remove(sys_id)
        return empty_answer(204)

    def _sent(self, request: Request) -> dict[str, Any]:
        if request.mimetype != "application/json":
            raise Refusal(refusals.failure(415, "Unsupported media type", f"{request.mimetype} is not supported"))
        try:
            body = request.json_body() if request.get_data() else {}
        except ValueError as error:
            raise refusals.bad_request(
                "Exception while reading request", "Cannot decode: the body is no JSON"
            ) from error
        if isinstance(body, list):  # of several records only the first is inserted
            body = body[0] if body else {}
        if not isinstance(body, dict):
            raise refusals.bad_request("Exception while reading request", "The body is no JSON object")
        return body

    @staticmethod
    def _result(result: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return json_answer({"result": result}, status, headers, CONTENT_TYPE)

    # How a row is spelt: every value a string, references as objects, journal fields empty.

    def _shape(self, request: Request, row: Mapping[str, str]) -> dict[str, Any]:
        arguments = request.args
        names = [name for name in arguments.get("sysparm_fields", "").split(",") if name] or list(row)
        how = arguments.get("sysparm_display_value", "false")
        bare = arguments.get("sysparm_exclude_reference_link", "false") == "true"
        return {name: self._spelt(name, row[name], how, bare, request.base) for name in names if name in row}

    def _spelt(self, name: str, value: str, how: str, bare: bool, base: str) -> Any:
        table = columns.REFERENCES.get(name)
        link = {} if bare or not table or not value else {"link": f"{base}/api/now/table/{table}/{value}"}
        shown = self._shown(name, value)
        if how == "all":
            return {"display_value": shown, "value": value, **link}
        if how == "true":
            return {"display_value": shown, **link} if link else shown
        return {**link, "value": value} if link else value

    def _shown(self, name: str, value: str) -> str:
        if name in columns.LABELS:
            return columns.LABELS[name].get(value, value)
        table = self.instance.tables.get(columns.REFERENCES.get(name, ""))
        row = table.rows.get(value) if table else None
        return row["name"] if row and "name" in row else value

    # Attachments

    def _attach_file(self, request: Request) -> Response:
        arguments = request.args
        content_type = request.headers.get("Content-Type", "application/octet-stream")
        name = arguments.get("file_name")
        if not name:
            raise refusals.bad_request("Invalid attachment", "Missing file_name")
        where = (arguments.get("table_name"), arguments.get("table_sys_id"))
        return self._attach(request, where, name, content_type, request.get_data())

    def _attach_upload(self, request: Request) -> Response:
        upload = next(iter(request.files.values()), None)
        if upload is None:
            raise refusals.bad_request("Failed to create the attachment", "File part might be missing in the request.")
        where = (request.form.get("table_name"), request.form.get("table_sys_id"))
        return self._attach(request, where, upload.filename or "file", upload.mimetype, upload.read())

    def _attach(
        self, request: Request, where: tuple[str | None, str | None], name: str, content_type: str, content: bytes
    ) -> Response:
        row = self._row(where[0] or "", where[1] or "")
        file = self.instance.attach(row["sys_id"], name, content_type, content, self._own_id, request.base)
        headers = {"Location": f"{request.base}/api/now/attachment/{file.row['sys_id']}"}
        return self._result(file.row, 201, headers)

    def _all_files(self) -> list[File]:
        return [file for files in self.instance.files.values() for file in files]

    def _file(self, file_id: str) -> File:
        for file in self._all_files():
            if file.row["sys_id"] == file_id:
                return file
        raise Refusal(refusals.no_record())

    def _list_files(self, request: Request) -> Response:
        rows: list[Mapping[str, str]] = [file.row for file in self._all_files()]
        known = rows[0].keys() if rows else ()
        found = query.parse(request.args.get("sysparm_query", ""), list(known)).run(rows)
        return self._result(found[: _number(request, "sysparm_limit", 1000)])

    def _show_file(self, request: Request, file_id: str) -> Response:
        return self._result(self._file(file_id).row)

    def _download(self, request: Request, file_id: str) -> Response:
        file = self._file(file_id)
        return Response(file.content, content_type=file.row["content_type"])

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
        return [self._view(row) for row in self.instance.incidents.values()]

    def view(self, ticket_id: str) -> TicketView:
        """One incident, by sys_id or by number."""
        return self._view(self._known(ticket_id))

    def _known(self, ticket_id: str) -> dict[str, str]:
        incidents = self.instance.incidents
        row = incidents.get(ticket_id) or next((r for r in incidents.values() if r["number"] == ticket_id), None)
        if row is None:
            raise NoSuchTicket(ticket_id)
        return row

    def _view(self, row: Mapping[str, str]) -> TicketView:
        instance, sys_id = self.instance, row["sys_id"]
        caller = instance.tables["sys_user"].rows.get(row["caller_id"], {})
        neutral = {column: name for name, column in instance.custom.items()}
        custom = {name: value for name, value in row.items() if name.startswith("u_") and value}
        files = instance.files.get(sys_id, ())
        return TicketView(
            ticket_id=sys_id,
            number=row["number"],
            key=row["correlation_id"] or None,
            subject=row["short_description"],
            priority=columns.PRIORITIES.get(row["priority"], row["priority"]),
            status=columns.STATES.get(row["state"], row["state"]),
            requester={key: caller.get(key) for key in ("name", "email", "phone")},
            group=self._shown("assignment_group", row["assignment_group"]) or None,
            assignee=self._shown("assigned_to", row["assigned_to"]) or None,
            tags=(),
            fields={neutral[column]: value for column, value in custom.items() if column in neutral},
            labels={neutral.get(column, column): value for column, value in custom.items()},
            entries=(*self._description(row), *(self._entry(e) for e in instance.journal[sys_id])),
            attachments=tuple(
                FileView(f.row["sys_id"], f.row["file_name"], f.row["content_type"], f.content) for f in files
            ),
            created_at=instance.created_at[sys_id],
            updated_at=_time(row["sys_updated_on"]),
            rating=instance.ratings.get(sys_id),
        )

    def _description(self, row: Mapping[str, str]) -> list[EntryView]:
        """The caller sees the description."""
        if not row["description"]:
            return []
        author = self._shown("caller_id", row["caller_id"]) or "nobody"
        html = paragraphs(row["description"])
        return [EntryView(author, False, row["description"], html, _time(row["sys_created_on"]), by_agent=False)]

    def _entry(self, entry: Mapping[str, str]) -> EntryView:
        """Journal text is shown as text: hardened instances do not render [code]."""
        users = self.instance.tables["sys_user"].rows.values()
        author = next((u for u in users if u["user_name"] == entry["sys_created_by"]), None)
        private = entry["element"] == "work_notes"
        html = f"<pre>{escape(entry['value'], quote=False)}</pre>"
        name = author["name"] if author else entry["sys_created_by"]
        return EntryView(name, private, entry["value"], html, _time(entry["sys_created_on"]), by_agent=True)

    def act(self, ticket_id: str, deed: Deed) -> None:
        """What an agent (or, for a rating, the caller) does on the screen."""
        row = self._known(ticket_id)
        if deed.kind == "rate":
            self.instance.ratings[row["sys_id"]] = deed.value
            self._tell(row, "rated")
            return
        agent_id = self.instance.user_id(deed.agent)
        try:
            change = self.instance.update(row, self._deed_body(deed), agent_id)
        except Refusal as refusal:
            raise CannotDo(refusal.response.get_data(as_text=True)) from refusal
        self._tell_change(row, change)

    def _deed_body(self, deed: Deed) -> dict[str, str]:
        word = deed.value.lower()
        if deed.kind in ("reply", "note"):
            return {"comments" if deed.kind == "reply" else "work_notes": deed.value}
        if deed.kind == "assign":
            return {"assigned_to": self.instance.user_id(deed.value), "state": "2"}
        if deed.kind == "status" and word in STATE_WORDS:
            return STATE_WORDS[word]
        if deed.kind == "priority" and word in PRIORITY_WORDS:
            return PRIORITY_WORDS[word]
        raise CannotDo(f"ServiceNow has no {deed.kind} {deed.value!r}; statuses are {', '.join(STATE_WORDS)}")

    def _tell_change(self, row: Mapping[str, str], change: Change, *, echo: bool = False) -> None:
        if change.commented:
            self._tell(row, "commented", echo=echo, comment={"public": True})
        for column, event in (
            ("state", "state_changed"),
            ("assigned_to", "assigned"),
            ("priority", "priority_changed"),
        ):
            if change.moved(row, column):
                self._tell(row, event, echo=echo)

    def _tell(self, row: Mapping[str, str], event: str, *, echo: bool = False, comment: object = None) -> None:
        """What our own business rule sends: ids and codes, never the words."""
        if echo and not self._setup.settings.echo_own_changes:
            return
        content: dict[str, Any] = {"event": event, **{name: row[name] for name in TOLD}}
        content["updated_by"] = row["sys_updated_by"]
        if comment is not None:
            content["comment"] = comment
        headers = {"Content-Type": "application/json", "User-Agent": "ServiceNow/1.0"}
        self._calls.append(WebhookCall(event, row["sys_id"], json.dumps(content).encode(), headers))

    def take_calls(self) -> list[WebhookCall]:
        """Webhooks not yet handed over for sending."""
        calls, self._calls = self._calls, []
        return calls

    def attempt_headers(self, call: WebhookCall, secret: str) -> Mapping[str, str]:
        """The rule sends the secret itself."""
        return {"Authorization": f"Bearer {secret}"}

    def retry_in(self, attempts: int, status: int | None, retry_after: float | None) -> float | None:
        """A business rule sends once; polling is the source of truth."""
        return None


def _rule(method: str, path: str, work: Callable[..., Response]) -> Rule:
    return Rule(path, methods=[method], endpoint=work)


def _oauth_error(error: str, description: str) -> Response:
    return json_answer({"error": error, "error_description": description}, 401, content_type="application/json")


def _number(request: Request, name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdigit() else default


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
