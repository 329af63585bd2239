"""
Which keys a ticket and its comment may have, and which kind of value each takes. What Zendesk says to a value of the
wrong kind is not documented; here it is a 422 that names the key.
source: Zendesk API, "Tickets" and the OpenAPI file 2.0.0 (TicketCreateInput), read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.sandbox.zendesk.refusals import invalid_field

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "priority": ("urgent", "high", "normal", "low"),
    "status": ("new", "open", "pending", "hold", "solved", "closed"),
    "type": ("problem", "incident", "question", "task"),
}
_ID: Final = (int,)
_TEXT: Final = (str,)
_LIST: Final = (list,)
_ANY: Final = (object,)

TICKET_KEYS: Final[Mapping[str, tuple[type, ...]]] = {
    "assignee_id": _ID,
    "brand_id": _ID,
    "collaborators": _LIST,
    "comment": (dict, str),
    "custom_fields": (list, dict),
    "custom_status_id": _ID,
    "description": _TEXT,
    "due_at": _TEXT,
    "email_ccs": _LIST,
    "external_id": (str, int),
    "fields": (list, dict),
    "followers": _LIST,
    "group_id": _ID,
    "locale_id": _ID,
    "metadata": (dict,),
    "organization_id": _ID,
    "priority": _TEXT,
    "problem_id": _ID,
    "recipient": _TEXT,
    "requester": (dict,),
    "requester_id": _ID,
    "safe_update": _ANY,
    "status": _TEXT,
    "subject": _TEXT,
    "submitter_id": _ID,
    "tags": (list, str),
    "ticket_form_id": _ID,
    "type": _TEXT,
    "updated_stamp": _ANY,
    "via": (dict,),
    "via_followup_source_id": _ID,
}
COMMENT_KEYS: Final[Mapping[str, tuple[type, ...]]] = {
    "body": _TEXT,
    "html_body": _TEXT,
    "author_id": _ID,
    "uploads": (list, str),
}
USER_KEYS: Final[Mapping[str, tuple[type, ...]]] = {"name": _TEXT, "email": _TEXT, "phone": _TEXT}


def check_types(wanted: Mapping[str, Any]) -> None:
    """Raises Refusal for the first value of the wrong kind; null is right everywhere."""
    _check(wanted, TICKET_KEYS)
    for key, choices in CHOICES.items():
        if wanted.get(key) is not None and wanted[key] not in choices:
            raise invalid_field(key, f"{key.capitalize()}: {wanted[key]} is not valid", "InvalidValue")
    if isinstance(wanted.get("comment"), dict):
        _check(wanted["comment"], COMMENT_KEYS)
    if isinstance(wanted.get("requester"), dict):
        check_user(wanted["requester"])
    for name in ("custom_fields", "fields"):
        listed = wanted.get(name)
        if isinstance(listed, list) and not all(isinstance(field, dict) for field in listed):
            raise invalid_field(name, f"{name.capitalize()}: is invalid", "InvalidValue")


def check_user(wanted: Mapping[str, Any]) -> None:
    """Raises Refusal for a name, e-mail or phone that is no text."""
    _check(wanted, USER_KEYS)


def _check(wanted: Mapping[str, Any], keys: Mapping[str, tuple[type, ...]]) -> None:
    for key, value in wanted.items():
        kinds = keys.get(key)
        if value is None or kinds is None:
            continue
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds == _ID):
            raise invalid_field(key, f"{key.capitalize()}: is invalid", "InvalidValue")
