"""
ServiceNow's Table API: open an incident once, make sure the packet is on it, read it, change it.

There is no idempotency key; after an unknown outcome the incident is looked up by `correlation_id`, which holds the
packet id from the first POST on. A success counts only as 2xx with JSON, a `result` and no `error`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.errors import ConnectorError, Refused, Unavailable
from connectors.helpdesks.servicenow import answers, wire
from connectors.helpdesks.text import email_address
from connectors.http import Answer, HardenedSession
from connectors.oauth import TOKEN_DEADLINE, ClientCredentials, fetch_token, token_name
from connectors.ports import Capabilities, HelpdeskAccount
from packets.draft import DraftAttachment, TicketDraft, TicketRef, TicketState, TicketUpdate

log = logging.getLogger(__name__)

INCIDENTS = f"/api/now/table/{wire.TABLE}"
USERS = "/api/now/table/sys_user"
JOURNAL = "/api/now/table/sys_journal_field"
ATTACHMENTS = "/api/now/attachment"
TOKEN = "/oauth_token.do"  # noqa: S105 - an address
# No rate by default; about four calls of all integrations run at a time on a node, so we take two of them.
CAPABILITIES = Capabilities(note_limit=30_000, requests_per_minute=300, at_once=2)
JOURNAL_ENTRIES = 500
MOST_CHANGED = 300
TAG_TRIES = 3
READ = (
    "sys_id,number,state,hold_reason,priority,assigned_to,assignment_group,caller_id,resolved_at,closed_at,"
    "correlation_id,sys_created_by,sys_updated_on"
)
AUTOMATION = "system"  # what jobs and flows write as


class ServiceNowSession(HardenedSession):
    """ServiceNow's error bodies: `{"error": {"message", "detail"}, "status": "failure"}`."""

    def judge(self, answer: Answer, *, safe: bool) -> ConnectorError | None:
        """A 403 concerns this one record (a data policy, a business rule), so it does not stop the account."""
        return Refused(self.system, answers.refusal(answer.json)) if answer.status == 403 else None


class ServiceNow:
    """One ServiceNow instance; see connectors.ports.Helpdesk."""

    name = "servicenow"

    def __init__(self, account: HelpdeskAccount) -> None:
        if problems := wire.check_field_map(account.field_map):
            raise ValueError(f"helpdesk {account.name!r}: " + "; ".join(problems))
        self.capabilities = replace(CAPABILITIES, lookup_after=account.lookup_after or CAPABILITIES.lookup_after)
        self._field_map = account.field_map
        self._login = account.credentials.get("user", "")
        self._http = ServiceNowSession(
            wire.SYSTEM, account.base_url, deadline=account.timeout, auth=credential(account)
        )

    def prepare(self, draft: TicketDraft, *, key: str) -> bytes:
        """Asks who the caller is; see `wire.incident`. Refused if the key cannot stand in a query."""
        caller = self._caller(email_address(draft.requester.email))
        body = wire.incident(draft, key, self._field_map, caller, self.capabilities.note_limit)
        return json.dumps(body).encode()

    def open_ticket(self, body: bytes, *, key: str) -> TicketRef:
        """
        Create one incident from a prepared body, in which `key` stands already.

        raises: Throttled, Unavailable, Unsure, Refused (a data policy or business rule, by name), Unauthorized.
        source: Table API, "Table - POST /now/table/{tableName}", read 2026-11-21.
        """
        answer = self._http.call("POST", INCIDENTS, data=body, headers={"Content-Type": "application/json"})
        row = self._result("POST", INCIDENTS, answer)
        ref = answers.ticket_ref(row, self._http.base_url)
        if ref is None:
            raise self._http.unclear("POST", f"POST {INCIDENTS} answered {answer.status} without a sys_id")
        self._tell_what_differs(row, json.loads(body), ref)
        return ref

    def find_tickets(self, draft: TicketDraft, *, key: str, since: datetime) -> tuple[TicketRef, ...]:
        """
        The incidents whose correlation_id is `key`, oldest first; `since` is not needed for that.

        Refused if the instance shows that it did not really look (see `answers.ours`).
        source: Table API, "Table - GET /now/table/{tableName}", read 2026-11-21.
        """
        query = f"correlation_id={wire.checked_key(key)}^ORDERBYsys_created_on"
        rows = self._rows(INCIDENTS, query, "sys_id,number,state,correlation_id,sys_created_on", limit=2)
        refs = (answers.ticket_ref(row, self._http.base_url) for row in answers.ours(rows, key))
        return tuple(ref for ref in refs if ref is not None)

    def complete_ticket(self, ref: TicketRef, draft: TicketDraft, *, key: str) -> None:
        """
        The note travelled with the incident; it is written only if the journal does not show it. What the note could
        not hold is attached, unless a file of that name is there.
        """
        sys_id = wire.checked_sys_id(ref.ticket_id)
        if not self._has_note(sys_id, key):
            note = wire.note(draft, key, self.capabilities.note_limit)
            self._patch(sys_id, {"work_notes": note}, safe=False)
        for file in wire.files(draft, key, self.capabilities.note_limit):
            self._attach(sys_id, file)

    def update_ticket(self, ref: TicketRef, update: TicketUpdate) -> None:
        """
        Set what differs, the note in the same PATCH. The priority follows from impact and urgency by the instance's
        own rules; it is never written. Tags need a column mapped as `tags`, else they are left out. Refused if the
        journal may not be read: then nobody could tell whether the note is there.
        """
        sys_id = wire.checked_sys_id(ref.ticket_id)
        if update.note_key and answers.is_noted(self._journal(sys_id, "work_notes"), update.note_key):
            return
        asked = sorted({"sys_id", "state", *wire.changes({}, update, self._field_map)})
        body = wire.changes(self._incident(sys_id, ",".join(asked)), update, self._field_map)
        if update.note is not None:
            note, files = wire.news_note(update, self.capabilities.note_limit)
            for file in files:
                self._attach(sys_id, file)
            body["work_notes"] = note
        if body:
            row = self._patch(sys_id, body, safe="work_notes" not in body)
            self._tell_what_differs(row, body, ref)
            self._keep_tags(sys_id, row, body, update)

    def read_ticket(self, ticket_id: str) -> TicketState:
        """The incident, and from its journal when a person first answered the customer."""
        row = self._incident(wire.checked_sys_id(ticket_id), READ)
        ref = answers.ticket_ref(row, self._http.base_url)
        if ref is None or ref.ticket_id != ticket_id:
            raise self._http.unclear("GET", f"GET {INCIDENTS}/{ticket_id} answered without that incident")
        return answers.ticket_state(row, ref, self._first_reply_at(row))

    def changed_since(self, since: datetime, *, late: bool = True) -> tuple[TicketState, ...]:
        """
        Without the first reply, which stands in each incident's journal. Refused if the instance shows that it ignored
        the query (see `answers.changed_ours`).
        source: Table API, "Table - GET /now/table/{tableName}", read 2026-11-21.
        """
        begin = since.astimezone(UTC)
        query = (
            f"correlation_display={wire.CORRELATION_DISPLAY}^sys_updated_on>={begin:%Y-%m-%d %H:%M:%S}"
            "^ORDERBYsys_updated_on"
        )
        rows = self._rows(INCIDENTS, query, f"{READ},correlation_display", limit=MOST_CHANGED)
        refs = ((row, answers.ticket_ref(row, self._http.base_url)) for row in answers.changed_ours(rows, begin))
        return tuple(answers.ticket_state(row, ref, None) for row, ref in refs if ref is not None)

    def _keep_tags(self, sys_id: str, row: Any, sent: Mapping[str, str], update: TicketUpdate) -> None:
        """
        The tags share one column and there is no lock, so the incident is read again until ours are seen on it. Raises
        Unavailable if somebody keeps overwriting them. A column that is too short for them keeps what it can.
        """
        column = self._field_map.fields.get("tags", "")
        if column not in sent or not isinstance(row, dict):
            return
        if wire.value(row, column) != sent[column]:
            log.warning("servicenow_tags_cut", extra={"ticket": sys_id, "fields": [column]})
            return
        only_tags = TicketUpdate(tags=update.tags)
        for _ in range(TAG_TRIES):
            missing = wire.changes(self._incident(sys_id, f"sys_id,state,{column}"), only_tags, self._field_map)
            if not missing:
                return
            self._patch(sys_id, missing, safe=True)
        raise Unavailable(wire.SYSTEM, f"our tags on incident {sys_id} are overwritten again and again")

    def _caller(self, email: str | None) -> str | None:
        """
        The one active user with that address. Two of them, or none we may see: nobody is known for certain, and an
        incident must not show up with the wrong person.
        """
        if email is None:
            return None
        try:
            rows = self._rows(USERS, f"email={email}^active=true", "sys_id,email,active", limit=2)
        except Refused as error:
            if type(error) is not Refused:  # Unauthorized: then the incident could not be created either
                raise
            log.warning("servicenow_callers_unreadable", extra={"detail": error.detail})
            return None
        # An ignored query answers with anybody, so the address is compared here.
        same = [row for row in rows if wire.value(row, "email").casefold() == email]
        return wire.value(same[0], "sys_id") or None if len(same) == 1 else None

    def _has_note(self, sys_id: str, key: str) -> bool:
        """If the journal may not be read at all, the note is believed to have travelled with the incident."""
        try:
            return answers.is_noted(self._journal(sys_id, "work_notes"), key)
        except Refused as error:
            if type(error) is not Refused:
                raise
            log.warning("servicenow_journal_unreadable", extra={"ticket": sys_id, "detail": error.detail})
            return True

    def _first_reply_at(self, row: Mapping[str, Any]) -> datetime | None:
        """
        When the first comment was written by a person who is neither the caller nor us (we created the incident).
        None also if that cannot be told: nobody may be told of an answer that was none.
        """
        us = {self._login, AUTOMATION, wire.value(row, "sys_created_by")}
        try:
            comments = [
                c for c in self._journal(wire.value(row, "sys_id"), "comments") if c["sys_created_by"] not in us
            ]
            if not comments:
                return None
            caller = self._login_of(wire.value(row, "caller_id"))
        except Refused as error:
            if type(error) is not Refused:
                raise
            log.warning(
                "servicenow_replies_unreadable", extra={"ticket": wire.value(row, "sys_id"), "detail": error.detail}
            )
            return None
        by_people = (c for c in comments if c["sys_created_by"] != caller)
        return next((answers.moment(c["sys_created_on"]) for c in by_people), None)

    def _login_of(self, user: str) -> str | None:
        if not user:
            return None
        path = f"{USERS}/{wire.checked_sys_id(user)}"
        row = self._result("GET", path, self._http.call("GET", path, params={"sysparm_fields": "sys_id,user_name"}))
        login = wire.value(row, "user_name") if isinstance(row, dict) else ""
        if not login:
            raise Refused(wire.SYSTEM, "our user may not read user_name of the caller")
        return login

    def _journal(self, sys_id: str, element: str) -> list[Mapping[str, str]]:
        """
        The first comments, or the newest work notes: people's first answer and our last note are looked for. Refused
        if a whole answer holds other incidents' entries: then the instance ignored the query, and ours may be missing.
        source: web-services/retrieving-journal-entries.md, read 2026-11-21.
        """
        order = "ORDERBYDESC" if element == "work_notes" else "ORDERBY"
        query = f"element_id={sys_id}^element={element}^{order}sys_created_on"
        rows = self._rows(
            JOURNAL, query, "element_id,element,value,sys_created_on,sys_created_by", limit=JOURNAL_ENTRIES
        )
        entries = answers.journal_of(rows, sys_id, element)
        if len(entries) < len(rows) >= JOURNAL_ENTRIES:
            raise Refused(wire.SYSTEM, "the instance ignored our query on the journal; may our user read element_id?")
        return entries

    def _attach(self, sys_id: str, file: DraftAttachment) -> None:
        """source: rest-apis/c_AttachmentAPI.md, read 2026-11-21."""
        query = f"table_name={wire.TABLE}^table_sys_id={sys_id}^file_name={file.filename}"
        rows = self._rows(ATTACHMENTS, query, "sys_id,file_name,table_sys_id", limit=JOURNAL_ENTRIES)
        if any(
            wire.value(row, "file_name") == file.filename and wire.value(row, "table_sys_id") == sys_id for row in rows
        ):
            return
        path = f"{ATTACHMENTS}/file"
        where = {"table_name": wire.TABLE, "table_sys_id": sys_id, "file_name": file.filename}
        content = file.content.encode("utf-8", "replace")
        answer = self._http.call("POST", path, params=where, data=content, headers={"Content-Type": file.content_type})
        self._result("POST", path, answer)

    def _incident(self, sys_id: str, columns: str) -> Mapping[str, Any]:
        path = f"{INCIDENTS}/{sys_id}"
        row = self._result("GET", path, self._http.call("GET", path, params=_shown(columns)))
        return row if isinstance(row, dict) else {}

    def _patch(self, sys_id: str, body: Mapping[str, str], *, safe: bool) -> Any:
        path = f"{INCIDENTS}/{sys_id}"
        return self._result("PATCH", path, self._http.call("PATCH", path, json=body, safe=safe), safe=safe)

    def _rows(self, path: str, query: str, columns: str, *, limit: int) -> list[Any]:
        params = {**_shown(columns), "sysparm_query": query, "sysparm_limit": limit}
        rows = self._result("GET", path, self._http.call("GET", path, params=params))
        if not isinstance(rows, list):
            raise self._http.unclear("GET", f"GET {path} answered without a list")
        return rows

    def _result(self, method: str, path: str, answer: Answer, *, safe: bool | None = None) -> Any:
        result = answers.result_of(answer.json)
        if result is None:
            raise self._http.unclear(method, f"{method} {path} answered {answer.status} without a result", safe=safe)
        return result

    def _tell_what_differs(self, row: Any, sent: Mapping[str, str], ref: TicketRef) -> None:
        """
        An unknown column is dropped in silence, and an instance may rate impact and urgency its own way. Neither is an
        error: the ticket is there. Ops should know.
        """
        if not isinstance(row, dict):
            return
        if dropped := answers.dropped(row, sent):
            log.warning("servicenow_columns_dropped", extra={"ticket": ref.ticket_id, "fields": dropped})
        if answers.is_rated_otherwise(row, sent):
            log.warning("servicenow_priority_differs", extra={"ticket": ref.ticket_id})


def _shown(columns: str) -> dict[str, str | int]:
    return {"sysparm_fields": columns, "sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}


def credential(account: HelpdeskAccount) -> tuple[str, str] | ClientCredentials:
    """source: OAuth, rest-api-explorer/r_RESTOAuthExample.md (form-encoded), read 2026-11-21."""
    given = account.credentials
    if given.get("client_id") and given.get("client_secret"):
        form = {"grant_type": "client_credentials"} | {name: given[name] for name in ("client_id", "client_secret")}
        door = HardenedSession(wire.SYSTEM, account.base_url, deadline=min(account.timeout, TOKEN_DEADLINE))
        return ClientCredentials(
            lambda: fetch_token(door, TOKEN, data=form), store=account.tokens, name=token_name(account)
        )
    if given.get("user") and given.get("password"):
        return given["user"], given["password"]
    raise ValueError(
        f"helpdesk {account.name!r}: ServiceNow needs `oauth` with client_id and client_secret, or user and password"
    )
