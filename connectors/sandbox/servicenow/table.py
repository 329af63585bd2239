"""
The Table API: list with its trap, insert, show, update, delete; of incidents and of the few other tables there are.
source: ServiceNow documentation, "Table API", read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, empty_answer, rule
from connectors.sandbox.servicenow import query, refusals, spelling
from connectors.sandbox.servicenow.instance import Change, Instance, Table
from connectors.sandbox.servicenow.refusals import Refusal
from connectors.sandbox.servicenow.spelling import number_of, result

DEFAULT_ROWS: Final = 10_000
OWN_NAME: Final = "javascript:gs.getUserName()"  # the one script in a query that is run here


class Tell(Protocol):
    """Says that an API call made this happen to an incident."""

    def __call__(self, row: Mapping[str, str], event: str, *, echo: bool = False) -> None: ...


class TellChange(Protocol):
    """Says that an API call changed an incident."""

    def __call__(self, row: Mapping[str, str], change: Change, *, echo: bool = False) -> None: ...


class TableCalls:
    """The calls under /table; all are made as one user."""

    def __init__(
        self,
        instance: Instance,
        user_id: str,
        tell: Tell,
        tell_change: TellChange,
        configured: Callable[[str], None],
    ) -> None:
        self._instance = instance
        self._own_id = user_id
        self._configured = configured
        self._tell = tell
        self._tell_change = tell_change

    def rules(self) -> list[Rule]:
        """Which call is done by which method; paths behind /api/now."""
        return [
            rule("GET", "/table/<table>", self._list),
            rule("POST", "/table/<table>", self._insert),
            rule("GET", "/table/<table>/<sys_id>", self._show),
            rule("PUT", "/table/<table>/<sys_id>", self._update),
            rule("PATCH", "/table/<table>/<sys_id>", self._update),
            rule("DELETE", "/table/<table>/<sys_id>", self._delete),
        ]

    def _table(self, name: str) -> Table:
        if name not in self._instance.tables:
            raise refusals.bad_request(f"Invalid table {name}")
        return self._instance.tables[name]

    def _row(self, table: str, sys_id: str) -> dict[str, str]:
        row = self._table(table).rows.get(sys_id)
        if row is None:
            raise Refusal(refusals.no_record())
        return row

    def _list(self, request: Request, table: str) -> Response:
        kept = self._table(table)
        asked = request.args.get("sysparm_query", "").replace(OWN_NAME, self._instance.user_name(self._own_id))
        wanted = query.parse(asked, [*kept.columns, "sys_id"])
        rows = wanted.run(self._candidates(table, kept, wanted))
        rows = [row for row in rows if self._plain_filters_hold(request, kept, row)]
        limit = number_of(request, "sysparm_limit", DEFAULT_ROWS)
        offset = number_of(request, "sysparm_offset", 0)
        page = rows[offset : offset + limit]
        headers = {"X-Total-Count": str(len(rows))}
        if offset + limit < len(rows):
            arguments = {**request.args.to_dict(), "sysparm_offset": str(offset + limit)}
            headers["Link"] = f'<{request.base}{request.path}?{urlencode(arguments)}>;rel="next"'
        return result([spelling.spelt_row(request, row, self._instance) for row in page], 200, headers)

    def _candidates(self, table: str, kept: Table, wanted: query.Query) -> list[Mapping[str, str]]:
        """Every row, or, where the query names a key we keep an index of, the few it can mean."""
        key = wanted.keys_of("correlation_id") if table == "incident" else None
        if key:
            return [kept.rows[sys_id] for sys_id in self._instance.by_correlation_id.get(key, ())]
        key = wanted.keys_of("element_id") if table == "sys_journal_field" else None
        if key is not None:
            return list(self._instance.journal.get(key, ()))
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
            row = self._instance.insert(sent, self._own_id)
            self._tell(row, "created", echo=True)
        else:
            row = self._instance.insert_other(table, sent)
            self._configured(table)
        headers = {"Location": f"{request.base}/api/now/table/{table}/{row['sys_id']}"}
        if request.headers.get("X-no-response-body", "").lower() == "true":
            return empty_answer(201, headers)
        return result(spelling.spelt_row(request, row, self._instance), 201, headers)

    def _show(self, request: Request, table: str, sys_id: str) -> Response:
        return result(spelling.spelt_row(request, self._row(table, sys_id), self._instance))

    def _update(self, request: Request, table: str, sys_id: str) -> Response:
        row = self._row(table, sys_id)
        sent = self._sent(request)
        if table == "incident":
            change = self._instance.update(row, sent, self._own_id)
            self._tell_change(row, change, echo=True)
        else:
            row.update({name: str(value) for name, value in sent.items() if name in row and name != "sys_id"})
            self._configured(table)
        return result(spelling.spelt_row(request, row, self._instance))

    def _delete(self, request: Request, table: str, sys_id: str) -> Response:
        row = self._row(table, sys_id)
        del self._table(table).rows[sys_id]
        if table == "incident" and row["correlation_id"]:
            self._instance.by_correlation_id[row["correlation_id"]].remove(sys_id)
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
