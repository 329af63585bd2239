"""
The calls beside tickets: custom fields, groups, whose key this is.
source: Freshdesk API v2 as told by its clients, read 2026-11-21.
"""

from __future__ import annotations

import re
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, json_answer, rule
from connectors.sandbox.freshdesk import checks, finding, refusals
from connectors.sandbox.freshdesk.account import Account
from connectors.sandbox.freshdesk.bodies import read_body
from connectors.sandbox.freshdesk.refusals import Problem


class AccountCalls:
    """Everything a gateway asks an account for that is no ticket."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def rules(self) -> list[Rule]:
        """Which call is done by which method."""
        return [
            rule("GET", "/api/v2/ticket_fields", self._list_fields),
            rule("GET", "/api/v2/admin/ticket_fields", self._list_fields),
            rule("POST", "/api/v2/admin/ticket_fields", self._create_field),
            rule("GET", "/api/v2/groups", self._list_groups),
            rule("GET", "/api/v2/agents/me", self._me),
        ]

    def _list_fields(self, request: Request) -> Response:
        account = self._account
        return json_answer(
            [_field_shape(i, n, account.field_labels[n], t) for i, (n, t) in enumerate(account.field_types.items(), 1)]
        )

    def _create_field(self, request: Request) -> Response:
        """Newer accounts make the name from the label: `cf_` and the words of it."""
        sent, _ = read_body(request, {}, self._account.field_types)
        label, kind = sent.get("label"), sent.get("type", "custom_text")
        if not isinstance(label, str) or not label.strip():
            raise refusals.invalid([Problem("label", "It should be a/an String", "missing_field")])
        if kind not in checks.FIELD_TYPES:
            listed = ",".join(checks.FIELD_TYPES)
            raise refusals.invalid([Problem("type", f"It should be one of these values: '{listed}'")])
        name = "cf_" + re.sub(r"\W+", "_", label.strip().lower()).strip("_")
        if name in self._account.field_types:
            problem = Problem("label", "It should be a unique value", "duplicate_value")
            raise refusals.invalid([problem])
        self._account.field_types[name], self._account.field_labels[name] = kind, label
        return json_answer(_field_shape(len(self._account.field_types), name, label, kind), 201)

    def _list_groups(self, request: Request) -> Response:
        now = self._account.now()
        extra: dict[str, Any] = {"description": None, "business_hour_id": None, "escalate_to": None}
        extra |= {"unassigned_for": None, "agent_ids": sorted(self._account.agent_ids), "auto_ticket_assign": 0}
        rows = [
            {"id": group_id, "name": name, **extra, "created_at": now, "updated_at": now}
            for group_id, name in self._account.groups.items()
        ]
        return finding.page_answer(request, rows, finding.page_number(request), finding.page_size(request))

    def _me(self, request: Request) -> Response:
        agent = self._account.people[self._account.service_user_id]
        now = self._account.now()
        contact = {"active": True, "email": agent["email"], "job_title": None, "language": "en", "name": agent["name"]}
        contact |= {"last_login_at": now, "mobile": None, "phone": None, "time_zone": "UTC"}
        contact |= {"created_at": now, "updated_at": now}
        shape = {"available": True, "occasional": False, "signature": None, "id": agent["id"], "ticket_scope": 1}
        return json_answer({**shape, "created_at": now, "updated_at": now, "available_since": None, "contact": contact})


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
