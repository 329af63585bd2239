"""
Sets up a ServiceNow instance, and says what is wrong with it: columns (sys_dictionary), the business rule that calls us
(sys_script) and its two properties (sys_properties). What our user may not write is told in words, for an
administrator to do.
source: ServiceNow documentation, "Table API", "Business rules", "Priority lookup rules", read 2026-11-21.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError, Refused, Unauthorized
from connectors.helpdesks import keeping
from connectors.helpdesks.servicenow import answers, client, rule, wire
from connectors.ports import Change, Finding, HelpdeskAccount, Installed, Wanted

TABLE = "/api/now/table"
# Our columns are short texts; longer ones would be cut silently.
COLUMNS = {**keeping.FIELDS, "tags": "Baton tags"}  # ServiceNow has no tags to write to, so they get a column
TAGS_LENGTH = 1_000
COLUMN = {"name": wire.TABLE, "internal_type": "string", "max_length": str(wire.LONGEST_COLUMN), "active": "true"}
USER = "its user: User Administration → Users, roles itil (or sn_incident_write) and read access to sys_journal_field"
ASLEEP = "; a developer instance may be hibernating: sign in to its site to wake it"
INDEX = (
    "Recommended: a unique index on correlation_id of incident (System Definition → Tables → incident → Indexes). It "
    "makes a second incident for one packet impossible."
)
MOST_ROWS = 500
CANCELLED_AFTER = timedelta(seconds=60)

Row = Mapping[str, Any]


class Keeper:
    """One ServiceNow instance; see connectors.ports.HelpdeskKeeper. Raises ValueError if it has no credential."""

    name = "servicenow"

    def __init__(self, account: HelpdeskAccount, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._map = account.field_map
        self._login = account.credentials.get("user", "")
        self._now = now
        self._http = client.ServiceNowSession(
            wire.SYSTEM, account.base_url, deadline=account.timeout, auth=client.credential(account)
        )

    # What is wrong

    def examine(self, wanted: Wanted) -> Sequence[Finding]:
        try:
            answer = self._http.call("GET", f"{TABLE}/{wire.TABLE}", params={"sysparm_limit": 1})
            if answers.result_of(answer.json) is None:
                raise self._http.unclear("GET", f"GET {TABLE}/{wire.TABLE} answered {answer.status} without a result")
        except ConnectorError as error:
            return [keeping.failure("ServiceNow does not let us in", error, credential=USER, asleep=ASLEEP)]
        found = [Finding("ok", "the credential is good"), keeping.skew(answer.headers.get("Date"), self._now())]
        found.append(_patience(self._http.deadline))
        looks: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
            ("the work notes of incidents", self._journal_findings),
            ("columns", self._column_findings),
            ("groups", lambda: keeping.group_findings(wanted.routes, self._map.groups, self._groups())),
            ("the guest caller", self._guest_findings),
            ("the priority rules", self._priority_findings),
            ("the business rule", lambda: self._rule_findings(wanted)),
        )
        for what, look in looks:
            try:
                found += look()
            except ConnectorError as error:
                found.append(_not_looked_at(what, error))
        return found

    def _journal_findings(self) -> Iterator[Finding]:
        self._rows("sys_journal_field", "element=work_notes^name=incident", "element_id,element,value", limit=1)
        yield Finding("ok", "the journal may be read, so no note comes twice")

    def _column_findings(self) -> Iterator[Finding]:
        there = self._columns(self._map.fields.values())
        base = {"correlation_id"}  # the packet id may be mapped to it
        for neutral, column in self._map.fields.items():
            if column in there or column in base:
                yield Finding("ok", f"field {neutral} is there")
            else:
                told = f"field {neutral}: incidents have no column {column}"
                yield Finding("broken", told, "run `baton setup`: what is written to it is dropped without a word")

    def _guest_findings(self) -> Iterator[Finding]:
        guest = self._map.defaults.get("caller_id")
        if not guest:
            remedy = (
                "make a user for customers nobody knows and name its sys_id as defaults: caller_id: in the field map"
            )
            yield Finding("warning", "no guest caller is named", remedy)
        elif not self._rows("sys_user", f"sys_id={wire.checked_sys_id(guest)}^active=true", "sys_id,active", key=guest):
            yield Finding("broken", "the guest caller is not there or not active", "correct defaults: caller_id:")
        else:
            yield Finding("ok", "the guest caller is there")

    def _priority_findings(self) -> Iterator[Finding]:
        """The lookup table the instance makes priorities of."""
        rows = self._rows("dl_u_priority", "active=true", "impact,urgency,priority,active")
        made = {(wire.value(r, "impact"), wire.value(r, "urgency")): wire.value(r, "priority") for r in rows}
        other = [
            f"{ours.value} (impact {pair[0]}, urgency {pair[1]}) becomes {made.get(pair) or 'nothing'}"
            for ours, pair in wire.IMPACT_URGENCY.items()
            if wire.PRIORITIES.get(made.get(pair, "")) is not ours
        ]
        if other:
            remedy = "adjust Data Lookup → Priority lookup, or accept that tickets get the instance's own priority"
            yield Finding("warning", f"the instance makes other priorities than ours: {'; '.join(other)}", remedy)
        else:
            yield Finding("ok", "impact and urgency make the priorities Baton means")

    def _rule_findings(self, wanted: Wanted) -> Iterator[Finding]:
        if wanted.status_url is None:
            return
        found, problem = self._rule(), "run `baton setup`: changes are found by polling only, minutes later"
        if found is None or wire.value(found, "active") != "true":
            yield Finding("warning", f"the business rule {rule.NAME!r} is not there or not active", problem)
            return
        if _differing(found, rule.ROW):
            yield Finding("warning", f"the business rule {rule.NAME!r} is not as Baton made it", problem)
        if not _same(self._property(rule.URL_PROPERTY), wanted.status_url):
            yield Finding("broken", f"the property {rule.URL_PROPERTY} is not {wanted.status_url}", problem)
        elif not _same(self._property(rule.TOKEN_PROPERTY), wanted.webhook_token):
            told = f"the property {rule.TOKEN_PROPERTY} is not the webhook_token of baton.yml, or cannot be read"
            yield Finding("warning", told, "run `baton setup`: calls with another token are refused")
        else:
            yield Finding("ok", "the business rule is there and calls the gateway")

    # What is missing

    def install(self, wanted: Wanted, *, dry_run: bool) -> Installed:
        changes: list[Change] = []
        by_hand: list[str] = []
        fields = self._install_columns(changes, by_hand, dry_run)
        groups, left = keeping.groups_by_route(wanted.routes, self._map.groups, self._groups())
        by_hand += [*left, INDEX]
        if wanted.status_url is None:
            by_hand.append("No business rule was made: say where the gateway is reached.")
        elif not wanted.webhook_token:
            by_hand.append("No business rule was made: configure a webhook_token, which is all that vouches for it.")
        else:
            self._install_rule(wanted.status_url, wanted.webhook_token, changes, by_hand, dry_run)
        return Installed(
            changes=tuple(changes),
            fields=fields,
            groups=groups,
            webhook_secret=wanted.webhook_token,
            own_users=self._own_login(),
            by_hand=tuple(by_hand),
        )

    def _install_columns(self, changes: list[Change], by_hand: list[str], dry_run: bool) -> dict[str, str]:
        columns = {neutral: self._map.fields.get(neutral) or f"u_baton_{neutral}" for neutral in COLUMNS}
        there, learned, refused = self._columns(columns.values()), {}, []
        for neutral, column in columns.items():
            if column not in there and column != "correlation_id":
                row = {**COLUMN, "element": column, "column_label": COLUMNS[neutral]}
                row |= {"max_length": str(TAGS_LENGTH)} if neutral == "tags" else {}
                if not dry_run and not self._may_write("POST", "sys_dictionary", row):
                    refused.append(column)
                    continue
                changes.append(Change("create", "field", column))
            else:
                changes.append(Change("keep", "field", column))
            learned[neutral] = column
        if refused:
            told = f"Our user may not make columns. Make text columns of incident ({wire.LONGEST_COLUMN} characters): "
            by_hand.append(told + ", ".join(refused) + " (System Definition → Tables → incident → Columns).")
        return learned

    def _install_rule(self, url: str, token: str, changes: list[Change], by_hand: list[str], dry_run: bool) -> None:
        """The properties first: a rule without them would call nobody, or without its token."""
        private = {"type": "string", "is_private": "true", "read_roles": "admin", "write_roles": "admin"}
        wanted = [
            ("trigger", "sys_properties", {"name": rule.URL_PROPERTY, "value": url, **private}),
            ("trigger", "sys_properties", {"name": rule.TOKEN_PROPERTY, "value": token, **private}),
            ("webhook", "sys_script", rule.ROW),
        ]
        try:
            for kind, table, row in wanted:
                if not self._install_row(kind, table, row, changes, dry_run):
                    by_hand.append(rule.by_hand(url))
                    return
        except Refused as error:
            if isinstance(error, Unauthorized):
                raise
            by_hand.append(rule.by_hand(url))

    def _install_row(self, kind: str, table: str, row: Mapping[str, str], changes: list[Change], dry_run: bool) -> bool:
        """Make the row of this name, or mend it. False: our user may not."""
        there = self._named(table, row["name"])
        if there is None:
            done = dry_run or self._may_write("POST", table, row)
            action = "create"
        else:
            differing = {name: row[name] for name in _differing(there, row)}
            action = "update" if differing else "keep"
            path = f"{table}/{wire.checked_sys_id(wire.value(there, 'sys_id'))}"
            done = dry_run or not differing or self._may_write("PATCH", path, differing)
        if done:
            changes.append(Change(action, kind, row["name"]))
        return done

    # Asking

    def _columns(self, names: Iterable[str]) -> set[str]:
        """Those of the names that are columns of incidents, inherited ones too."""
        wanted = sorted(set(names))
        query = f"nameINincident,task^elementIN{','.join(wanted)}"
        rows = self._rows("sys_dictionary", query, "name,element")
        # Asked narrowly, but a query may be ignored: each row is looked at.
        return {wire.value(row, "element") for row in rows if wire.value(row, "name") in ("incident", "task")} & set(
            wanted
        )

    def _groups(self) -> dict[str, str]:
        rows = self._rows("sys_user_group", "active=true^ORDERBYname", "sys_id,name,active")
        return {wire.value(row, "sys_id"): wire.value(row, "name") for row in rows}

    def _own_login(self) -> tuple[str, ...]:
        """What our own changes are signed with (`sys_updated_by`): as configured, else asked. Empty if nobody tells."""
        if self._login:
            return (self._login,)
        rows = self._rows("sys_user", "user_name=javascript:gs.getUserName()", "sys_id,user_name", limit=2)
        return (wire.value(rows[0], "user_name"),) if len(rows) == 1 and wire.value(rows[0], "user_name") else ()

    def _rule(self) -> Row | None:
        return self._named("sys_script", rule.NAME)

    def _property(self, name: str) -> str:
        row = self._named("sys_properties", name)
        return wire.value(row, "value") if row else ""

    def _named(self, table: str, name: str) -> Row | None:
        rows = self._rows(table, f"name={name}^ORDERBYsys_created_on", "", limit=2)
        return next((row for row in rows if wire.value(row, "name") == name), None)

    def _rows(self, table: str, query: str, columns: str, *, limit: int = MOST_ROWS, key: str = "") -> list[Row]:
        """key: the sys_id a row must have; an ignored query answers with any row."""
        params: dict[str, str | int] = {"sysparm_query": query, "sysparm_limit": limit}
        params |= {"sysparm_exclude_reference_link": "true"} | ({"sysparm_fields": columns} if columns else {})
        path = f"{TABLE}/{table}"
        rows = answers.result_of(self._http.call("GET", path, params=params).json)
        if not isinstance(rows, list):
            raise self._http.unclear("GET", f"GET {path} answered without a list")
        found: list[Row] = [row for row in rows if isinstance(row, dict)]
        return [row for row in found if wire.value(row, "sys_id") == key] if key else found

    def _may_write(self, method: str, path: str, row: Mapping[str, str]) -> bool:
        """False: refused for want of a right. Unsure = it may be there: run setup again, which looks first."""
        answer = self._http.call(method, f"{TABLE}/{path}", json=row, expect=(200, 201, 403), safe=method == "PATCH")
        if answer.status == 403:
            return False
        if answers.result_of(answer.json) is None:
            raise self._http.unclear(method, f"{method} {TABLE}/{path} answered {answer.status} without a result")
        return True


def _patience(deadline: timedelta) -> Finding:
    """source: "Default quota rules" (60 s for the Table API), ServiceNow documentation, read 2026-11-21."""
    if deadline > CANCELLED_AFTER:
        return Finding("ok", "the time-out outlasts the instance's own")
    told = f"the time-out is {deadline.total_seconds():g} s; the instance cancels a call of its own after 60 s"
    return Finding("warning", told, "set `timeout: 65s`: a slow business rule makes many an outcome unknown otherwise")


def _not_looked_at(what: str, error: ConnectorError) -> Finding:
    if isinstance(error, Refused) and not isinstance(error, Unauthorized):
        level = "broken" if what in ("the work notes of incidents", "columns") else "warning"
        return Finding(level, f"{what}: our user may not read them", f"let it read the table, or look by hand; {USER}")
    return keeping.failure(f"{what} could not be looked at", error, credential=USER, asleep=ASLEEP)


def _differing(there: Row, row: Mapping[str, str]) -> list[str]:
    """Names of the columns that are not as wanted. Line ends are the instance's own affair."""
    return [name for name, text in row.items() if wire.value(there, name).replace("\r\n", "\n").strip() != text.strip()]


def _same(found: str, wanted: str | None) -> bool:
    return bool(wanted) and hmac.compare_digest(found.encode(), (wanted or "").encode())
