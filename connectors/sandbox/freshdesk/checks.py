"""
Freshdesk's strictness: a number sent as text, a field it does not know, a choice it does not have are each a 400 that
names the field, and nothing of the request is done.
source: fresh-samples issue 33, node-freshdesk-api issue 61, FreshdeskApiDotnet, read 2026-11-21. Messages other than
those two are unverified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from connectors.sandbox.freshdesk.refusals import Problem

STATUSES: Final = {2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed", 6: "Waiting on Customer"} | {
    7: "Waiting on Third Party"
}
PRIORITIES: Final = {1: "Low", 2: "Medium", 3: "High", 4: "Urgent"}
SOURCES: Final = (1, 2, 3, 7, 8, 9, 10)
TYPES: Final = ("Question", "Incident", "Problem", "Feature Request", "Refund")
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REQUESTER_KEYS: Final = ("requester_id", "email", "phone", "facebook_id", "twitter_id", "unique_external_id")

Check = Callable[[Any], str | None]  # a value → what is wrong with its type, or None

_NAMES: Final = {bool: "Boolean", int: "Integer", float: "Float", str: "String", list: "Array", dict: "key/value pair"}


def _type_name(value: Any) -> str:
    return "Null" if value is None else _NAMES.get(type(value), "Unknown")


def _a(kind: type, wanted: str) -> Check:
    def check(value: Any) -> str | None:
        if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
            return None
        return f"Value set is of type {_type_name(value)}.It should be a/an {wanted}"

    return check


def _one_of(choices: tuple[int, ...]) -> Check:
    listed = ",".join(str(choice) for choice in choices)

    def check(value: Any) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return None
        return f"Value set is of type {_type_name(value)}.It should be one of these values: '{listed}'"

    return check


TEXT: Final = _a(str, "String")
NUMBER: Final = _a(int, "Positive Integer")
LIST: Final = _a(list, "Array")

CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "status": tuple(STATUSES),
    "priority": tuple(PRIORITIES),
    "source": SOURCES,
    "type": TYPES,
}

TICKET_KEYS: Final[Mapping[str, Check]] = {
    "name": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "facebook_id": TEXT,
    "twitter_id": TEXT,
    "unique_external_id": TEXT,
    "requester_id": NUMBER,
    "subject": TEXT,
    "description": TEXT,
    "type": TEXT,
    "status": _one_of(tuple(STATUSES)),
    "priority": _one_of(tuple(PRIORITIES)),
    "source": _one_of(SOURCES),
    "responder_id": NUMBER,
    "group_id": NUMBER,
    "product_id": NUMBER,
    "company_id": NUMBER,
    "email_config_id": NUMBER,
    "parent_id": NUMBER,
    "tags": LIST,
    "cc_emails": LIST,
    "custom_fields": _a(dict, "key/value pair"),
    "due_by": TEXT,
    "fr_due_by": TEXT,
    "attachments": LIST,
}
NOTE_KEYS: Final[Mapping[str, Check]] = {
    "body": TEXT,
    "private": _a(bool, "Boolean"),
    "incoming": _a(bool, "Boolean"),
    "notify_emails": LIST,
    "user_id": NUMBER,
    "attachments": LIST,
}
REPLY_KEYS: Final[Mapping[str, Check]] = {
    "body": TEXT,
    "from_email": TEXT,
    "user_id": NUMBER,
    "cc_emails": LIST,
    "bcc_emails": LIST,
    "attachments": LIST,
}

# Field type → how a custom field's value is checked.
FIELD_TYPES: Final[Mapping[str, Check]] = {
    "custom_text": TEXT,
    "custom_paragraph": TEXT,
    "custom_number": _a(int, "Integer"),
    "custom_checkbox": _a(bool, "Boolean"),
    "custom_dropdown": TEXT,
}


def problems_of(sent: Mapping[str, Any], keys: Mapping[str, Check]) -> list[Problem]:
    """Unknown keys, wrong types and choices that do not exist."""
    found = []
    for name, value in sent.items():
        if name not in keys:
            found.append(Problem(name, "Unexpected/invalid field in request", "invalid_field"))
        elif (wrong := keys[name](value)) is not None:
            found.append(Problem(name, wrong, "datatype_mismatch"))
        elif name in CHOICES and value is not None and value not in CHOICES[name]:
            listed = ",".join(str(choice) for choice in CHOICES[name])
            found.append(Problem(name, f"It should be one of these values: '{listed}'"))
    return found


def ticket_problems(
    sent: Mapping[str, Any], field_types: Mapping[str, str], groups: Mapping[int, str], *, is_new: bool
) -> list[Problem]:
    """Everything wrong with the body of a create (or, not `is_new`, of an update)."""
    found = problems_of(sent, TICKET_KEYS)
    if is_new:
        found += _missing(sent)
    if isinstance(sent.get("email"), str) and not EMAIL.fullmatch(sent["email"]):
        found.append(Problem("email", "It should be in the 'valid email address' format"))
    if isinstance(sent.get("group_id"), int) and sent["group_id"] not in groups:
        found.append(Problem("group_id", "There is no group matching the given group_id"))
    if isinstance(sent.get("tags"), list) and not all(isinstance(tag, str) for tag in sent["tags"]):
        found.append(Problem("tags", "It should contain elements of type String", "datatype_mismatch"))
    if isinstance(sent.get("custom_fields"), dict):
        found += _custom_problems(sent["custom_fields"], field_types)
    return found + _due_problems(sent)


def _missing(sent: Mapping[str, Any]) -> list[Problem]:
    found = [
        Problem(name, "It should be a/an String", "missing_field")
        for name in ("subject", "description")
        if not sent.get(name)
    ]
    if not any(sent.get(key) for key in REQUESTER_KEYS):
        message = f"Please fill at least 1 of {', '.join(REQUESTER_KEYS)} fields"
        found.append(Problem("requester_id", message, "missing_field"))
    elif sent.get("phone") and not sent.get("name") and not sent.get("email"):
        found.append(Problem("name", "It should be a/an String", "missing_field"))
    return found


def _custom_problems(sent: Mapping[str, Any], field_types: Mapping[str, str]) -> list[Problem]:
    found = []
    for name, value in sent.items():
        if name not in field_types:
            found.append(Problem(name, "Unexpected/invalid field in request", "invalid_field"))
        elif (wrong := FIELD_TYPES[field_types[name]](value)) is not None:
            found.append(Problem(name, wrong, "datatype_mismatch"))
    return found


def _due_problems(sent: Mapping[str, Any]) -> list[Problem]:
    times: dict[str, datetime] = {}
    found = []
    for name in ("due_by", "fr_due_by"):
        try:
            if isinstance(sent.get(name), str):
                times[name] = datetime.fromisoformat(sent[name])
        except ValueError:
            found.append(Problem(name, "It should be in the combined date and time ISO8601 format"))
    if len(times) == 2 and times["due_by"] <= times["fr_due_by"]:
        found.append(Problem("fr_due_by", "Should be lesser than due_by"))
    return found


def from_form(form: MultiDict[str, str], keys: Mapping[str, Check], field_types: Mapping[str, str]) -> dict[str, Any]:
    """
    What a multipart body says, in the types JSON would have: `tags[]` is a list, `custom_fields[cf_x]` one entry, and
    numbers come as text, which Freshdesk converts here (and only here).
    """
    sent: dict[str, Any] = {}
    for name, value in form.items(multi=True):
        if name.endswith("[]"):
            sent.setdefault(name[:-2], []).append(value)
        elif name.startswith("custom_fields[") and name.endswith("]"):
            field = name[len("custom_fields[") : -1]
            check = FIELD_TYPES[field_types.get(field, "custom_text")]
            sent.setdefault("custom_fields", {})[field] = _converted(value, check)
        else:
            sent[name] = _converted(value, keys[name]) if name in keys else value
    return sent


def _converted(text: str, check: Check) -> Any:
    if check(text) is None:
        return text
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text
