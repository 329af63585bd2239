"""
One ServiceNow instance: its tables, and the rules that run when an incident is written.
source: ServiceNow documentation, "Table API", "Incident state model", "Priority lookup rules", read 2026-11-21.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.sandbox.accounts import (
    CREDENTIALS,
    PEOPLE,
    SERVICENOW_GROUP_IDS,
    label_of,
    servicenow_columns,
    servicenow_user_id,
)
from connectors.sandbox.desk import Setup
from connectors.sandbox.servicenow import columns
from connectors.sandbox.servicenow.refusals import bad_request, refused

# Kept by the instance; what a caller sends for them is ignored.
COMPUTED: Final = frozenset(
    (
        *("sys_id", "number", "sys_mod_count", "sys_created_on", "sys_created_by", "sys_updated_on"),
        *("sys_updated_by", "sys_class_name", "sys_domain", "sys_domain_path", "opened_by", "comments_and_work_notes"),
    )
)


@dataclass(frozen=True, slots=True)
class File:
    """One attachment: its row, and its bytes."""

    row: dict[str, str]
    content: bytes


@dataclass(slots=True)
class Table:
    """Rows by sys_id, in the order they were inserted. `columns` may grow."""

    columns: list[str]
    rows: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did to an incident: the columns that moved, and whether words were added for the caller."""

    before: Mapping[str, str]
    commented: bool = False

    def moved(self, row: Mapping[str, str], column: str) -> bool:
        """Whether this column has another value than before."""
        return self.before.get(column, "") != row.get(column, "")


class Instance:
    """Everything one instance holds. Used under the desk's lock."""

    def __init__(self, setup: Setup) -> None:
        self._clock = setup.clock
        self._settings = setup.settings
        self._numbers = itertools.count(10_001)
        self.custom = servicenow_columns(setup.fields)
        self.tables = {name: Table(list(names)) for name, names in columns.OTHER_TABLES.items()}
        self.tables["incident"] = Table([*columns.INCIDENT, *self.custom.values()])
        self.by_correlation_id: dict[str, list[str]] = {}
        self.journal: dict[str, list[dict[str, str]]] = {}  # incident's sys_id → its entries
        self.files: dict[str, list[File]] = {}
        self.created_at: dict[str, datetime] = {}
        self.ratings: dict[str, str] = {}
        self.labels: dict[str, str] = {}  # column → what an agent reads beside it
        for person in PEOPLE:
            user_name = CREDENTIALS.user if person.number == 1 else person.email.partition("@")[0]
            self._add_user(servicenow_user_id(person), user_name, person.name, person.email)
        for route, group_id in SERVICENOW_GROUP_IDS.items():
            self.tables["sys_user_group"].rows[group_id] = {"sys_id": group_id, "name": route, "active": "true"}
        for (impact, urgency), priority in columns.MATRIX.items():
            self.insert_other(
                "dl_u_priority", {"impact": impact, "urgency": urgency, "priority": priority, "active": True}
            )
        for name, column in self.custom.items():
            self.add_column("incident", column, label_of(name))

    @property
    def incidents(self) -> dict[str, dict[str, str]]:
        """The rows of the incident table."""
        return self.tables["incident"].rows

    def now(self) -> str:
        """This moment as ServiceNow writes it: UTC, and it does not say so."""
        return stamp(self._clock.now())

    # Users and columns

    def _add_user(self, sys_id: str, user_name: str, name: str, email: str) -> dict[str, str]:
        first, _, last = name.partition(" ")
        row = {"sys_id": sys_id, "user_name": user_name, "name": name, "first_name": first, "last_name": last}
        row |= {"email": email, "phone": "", "active": "true"}
        self.tables["sys_user"].rows[sys_id] = row
        return row

    def user_id(self, name: str) -> str:
        """The user of this name or user name, made on the spot if there is none."""
        for row in self.tables["sys_user"].rows.values():
            if name in (row["name"], row["user_name"]):
                return row["sys_id"]
        return self._add_user(secrets.token_hex(16), name.lower().replace(" ", "."), name, "")["sys_id"]

    def user_name(self, sys_id: str) -> str:
        """How this user is named in `sys_created_by`."""
        return self.tables["sys_user"].rows[sys_id]["user_name"]

    def add_column(self, table: str, column: str, label: str) -> dict[str, str]:
        """A column more, as a row of the dictionary."""
        if table in self.tables and column not in self.tables[table].columns:
            self.tables[table].columns.append(column)
        if label:
            self.labels[column] = label
        sys_id = secrets.token_hex(16)
        row = {"sys_id": sys_id, "name": table, "element": column, "internal_type": "string", "max_length": "4000"}
        row |= {"column_label": label, "active": "true"}
        self.tables["sys_dictionary"].rows[sys_id] = row
        return row

    # Incidents

    def insert(self, sent: Mapping[str, Any], user_id: str) -> dict[str, str]:
        """Make one incident."""
        now, user = self.now(), self.user_name(user_id)
        sys_id = secrets.token_hex(16)
        row: dict[str, str] = dict.fromkeys(self.tables["incident"].columns, "")
        row.update(columns.DEFAULTS)
        row |= {"sys_id": sys_id, "number": f"INC{next(self._numbers):07d}", "opened_by": user_id, "opened_at": now}
        row |= {"sys_created_on": now, "sys_created_by": user, "sys_updated_on": now, "sys_updated_by": user}
        row["priority"] = columns.MATRIX["3", "3"]
        written = self._written(row, sent)
        _data_policy(row | written, sent)
        row |= written
        self._run_rules(row, sent, before=dict(columns.DEFAULTS))
        self.incidents[sys_id] = row
        self.created_at[sys_id] = self._clock.now()
        self.journal[sys_id] = []
        self._add_entries(sys_id, sent, user)
        if row["correlation_id"]:
            self.by_correlation_id.setdefault(row["correlation_id"], []).append(sys_id)
        return row

    def update(self, row: dict[str, str], sent: Mapping[str, Any], user_id: str) -> Change:
        """Change what is named. Columns nobody knows are ignored."""
        if row["state"] == "7":
            raise refused("ACL Exception Update Failed due to security constraints")
        before = dict(row)
        written = self._written(row, sent)
        _data_policy(row | written, sent)
        row |= written
        self._run_rules(row, sent, before)
        user = self.user_name(user_id)
        entries = self._add_entries(row["sys_id"], sent, user)
        if before["correlation_id"] != row["correlation_id"]:
            self._move_key(row, before["correlation_id"])
        if entries or row != before:
            row["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
            row["sys_updated_on"], row["sys_updated_by"] = self.now(), user
        return Change(before, commented="comments" in entries)

    def _written(self, row: Mapping[str, str], sent: Mapping[str, Any]) -> dict[str, str]:
        """What of the body is kept, as text and cut to its column."""
        kept = {}
        for name, value in sent.items():
            if name not in row or name in COMPUTED or name in columns.JOURNALS:
                continue
            if name == "priority" and not self._settings.keep_written_priority:
                continue
            text = _as_text(value)
            kept[name] = text[: columns.LENGTHS[name]] if name in columns.LENGTHS else text
        return kept

    def _run_rules(self, row: dict[str, str], sent: Mapping[str, Any], before: Mapping[str, str]) -> None:
        """Priority from the matrix, the two state columns alike, and what follows from a new state."""
        if "incident_state" in sent and "state" not in sent:
            row["state"] = row["incident_state"]
        row["incident_state"] = row["state"]
        weighed = any(row[name] != before.get(name) for name in ("impact", "urgency"))
        if weighed or not ("priority" in sent and self._settings.keep_written_priority):
            row["priority"] = columns.MATRIX.get((row["impact"], row["urgency"]), "5")
        if row["state"] != "3":
            row["hold_reason"] = ""
        old, now = before.get("state", "1"), self.now()
        if row["state"] == "6" and old != "6":
            row["resolved_at"] = now
        elif row["state"] == "7" and old != "7":
            row["closed_at"], row["active"] = now, "false"
        elif old == "6" and row["state"] in ("1", "2", "3"):
            row["reopen_count"] = str(int(row["reopen_count"]) + 1)
            row["reopened_time"], row["resolved_at"] = now, ""

    def _move_key(self, row: Mapping[str, str], old: str) -> None:
        if old:
            self.by_correlation_id[old].remove(row["sys_id"])
        if row["correlation_id"]:
            self.by_correlation_id.setdefault(row["correlation_id"], []).append(row["sys_id"])

    def _add_entries(self, sys_id: str, sent: Mapping[str, Any], user: str) -> list[str]:
        """Journal fields append, each to a row of its own; the incident itself reads "" for them."""
        written = [name for name in columns.JOURNALS if _as_text(sent.get(name, ""))]
        for name in written:
            entry_id = secrets.token_hex(16)
            entry = {"sys_id": entry_id, "name": "incident", "element": name, "element_id": sys_id}
            entry |= {"value": _as_text(sent[name]), "sys_created_on": self.now(), "sys_created_by": user}
            self.tables["sys_journal_field"].rows[entry_id] = entry
            self.journal[sys_id].append(entry)
        return written

    def attach(self, sys_id: str, name: str, content_type: str, content: bytes, user_id: str, base: str) -> File:
        """Hang a file on an incident."""
        file_id, now, user = secrets.token_hex(16), self.now(), self.user_name(user_id)
        row = {
            "size_bytes": str(len(content)),
            "file_name": name,
            "sys_mod_count": "0",
            "average_image_color": "",
            "image_width": "",
            "sys_updated_on": now,
            "sys_tags": "",
            "table_name": "incident",
            "sys_id": file_id,
            "image_height": "",
            "sys_updated_by": user,
            "download_link": f"{base}/api/now/attachment/{file_id}/file",
            "content_type": content_type,
            "sys_created_on": now,
            "size_compressed": str(len(content)),
            "compressed": "true",
            "state": "pending",
            "table_sys_id": sys_id,
            "chunk_size_bytes": "700000",
            "hash": secrets.token_hex(32),
            "sys_created_by": user,
        }
        file = File(row, content)
        self.files.setdefault(sys_id, []).append(file)
        return file

    def insert_other(self, table: str, sent: Mapping[str, Any]) -> dict[str, str]:
        """A row of any other table; a row of the dictionary makes a column."""
        if table == "sys_dictionary":
            if not sent.get("name") or not sent.get("element"):
                raise bad_request("Missing name or element", None)
            return self.add_column(str(sent["name"]), str(sent["element"]), str(sent.get("column_label", "")))
        kept = self.tables[table]
        row = dict.fromkeys(kept.columns, "") | {n: _as_text(v) for n, v in sent.items() if n in kept.columns}
        row["sys_id"] = secrets.token_hex(16)
        if "sys_created_on" in row:
            row["sys_created_on"] = self.now()
        kept.rows[row["sys_id"]] = row
        return row

    def row_named(self, table: str, name: str) -> Mapping[str, str]:
        """The first row of this name; empty if there is none."""
        return next((row for row in self.tables[table].rows.values() if row["name"] == name), {})


def stamp(at: datetime) -> str:
    """A time as ServiceNow writes it."""
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):  # a reference as it was read
        return str(value.get("value", ""))
    return str(value)


def _data_policy(row: Mapping[str, str], sent: Mapping[str, Any]) -> None:
    """Resolving needs a code and notes; holding for the caller needs words to the caller. Wording unverified."""
    if row["state"] == "6" and not (row["close_code"] and row["close_notes"]):
        raise refused("Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes")
    if sent.get("hold_reason") == "1" and not sent.get("comments"):
        raise refused("Data Policy Exception: The following fields are mandatory: Additional comments")
