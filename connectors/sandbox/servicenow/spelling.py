"""
How a row is spelt in an answer: every value a string, set references as objects, journal fields empty.
source: ServiceNow documentation, "Table API" (sysparm_fields, sysparm_display_value), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, json_answer
from connectors.sandbox.servicenow import columns
from connectors.sandbox.servicenow.instance import Instance
from connectors.sandbox.servicenow.refusals import CONTENT_TYPE


def result(rows: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Everything good stands under `result`."""
    return json_answer({"result": rows}, status, headers, CONTENT_TYPE)


def number_of(request: Request, name: str, default: int) -> int:
    """A number in the query; anything else counts as not said."""
    text = request.args.get(name, "")
    return int(text) if text.isdigit() else default


def spelt_row(request: Request, row: Mapping[str, str], instance: Instance) -> dict[str, Any]:
    """One row, with the columns and in the form the request asks for. Unknown columns are left out."""
    arguments = request.args
    names = [name for name in arguments.get("sysparm_fields", "").split(",") if name] or list(row)
    how = arguments.get("sysparm_display_value", "false")
    bare = arguments.get("sysparm_exclude_reference_link", "false") == "true"
    return {name: _spelt(name, row[name], how, bare, request.base, instance) for name in names if name in row}


def _spelt(name: str, value: str, how: str, bare: bool, base: str, instance: Instance) -> Any:
    table = columns.REFERENCES.get(name)
    link = {} if bare or not table or not value else {"link": f"{base}/api/now/table/{table}/{value}"}
    label = shown(name, value, instance)
    if how == "all":
        return {"display_value": label, "value": value, **link}
    if how == "true":
        return {"display_value": label, **link} if link else label
    return {**link, "value": value} if link else value


def shown(name: str, value: str, instance: Instance) -> str:
    """What the screen shows for a value: the label of a choice, the name of a reference."""
    if name in columns.LABELS:
        return columns.LABELS[name].get(value, value)
    table = instance.tables.get(columns.REFERENCES.get(name, ""))
    row = table.rows.get(value) if table else None
    return row["name"] if row and "name" in row else value
