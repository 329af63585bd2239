"""
Ticket triggers, as far as a gateway needs them: conditions on what a change was, and the one action that calls a
webhook with a body its author wrote. Values are filled in without any escaping, as the real ones are said to be.
source: recorded trigger of 2023 (shape); "Conditions reference" and "Actions reference", read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, empty_answer, json_answer
from connectors.sandbox.desk import Setup
from connectors.sandbox.zendesk import finding, refusals, shapes
from connectors.sandbox.zendesk.account import Account, Ticket, Writer
from connectors.sandbox.zendesk.bodies import envelope
from connectors.sandbox.zendesk.refusals import Refusal

CALL_WEBHOOK = "notification_webhook"
CHANGEABLE = ("title", "active", "actions", "conditions", "description")
CHANGED_FIELDS = ("status", "priority", "assignee_id", "group_id")
_PLACEHOLDER = re.compile(r"\{\{\s*ticket\.(\w+)\s*\}\}")


class Triggers:
    """The triggers of one account."""

    def __init__(self, setup: Setup, account: Account) -> None:
        self._clock = setup.clock
        self._account = account
        self._triggers: dict[int, dict[str, Any]] = {}

    # The calls

    def list_all(self, request: Request, by: Writer) -> Response:
        page = finding.page_of(list(self._triggers.values()), request)
        return json_answer({"triggers": page.rows, **page.rest})

    def create(self, request: Request, by: Writer) -> Response:
        wanted = envelope(request, "trigger")
        if not wanted.get("title") or not wanted.get("actions"):
            raise refusals.invalid_field("base", "Title and actions: cannot be blank", "BlankValue")
        trigger_id, at = self._account.next_id(), shapes.stamp(self._clock.now())
        conditions = wanted.get("conditions") or {"all": wanted.get("all", []), "any": wanted.get("any", [])}
        self._triggers[trigger_id] = {
            "url": f"{by.base}/api/v2/triggers/{trigger_id}.json",
            "id": trigger_id,
            "title": wanted["title"],
            "active": wanted.get("active", True),
            "updated_at": at,
            "created_at": at,
            "default": False,
            "actions": wanted["actions"],
            "conditions": {"all": conditions.get("all", []), "any": conditions.get("any", [])},
            "description": wanted.get("description"),
            "position": len(self._triggers) + 1,
            "raw_title": wanted["title"],
            "category_id": "6130869158682",
        }
        location = {"location": self._triggers[trigger_id]["url"]}
        return json_answer({"trigger": self._triggers[trigger_id]}, 201, location)

    def update(self, request: Request, by: Writer, trigger_id: int) -> Response:
        trigger = self._known(trigger_id)
        wanted = envelope(request, "trigger")
        trigger.update({key: wanted[key] for key in CHANGEABLE if key in wanted})
        trigger["updated_at"] = shapes.stamp(self._clock.now())
        return json_answer({"trigger": trigger})

    def delete(self, request: Request, by: Writer, trigger_id: int) -> Response:
        self._known(trigger_id)
        del self._triggers[trigger_id]
        return empty_answer(204)

    def _known(self, trigger_id: int) -> dict[str, Any]:
        if trigger_id not in self._triggers:
            raise Refusal(refusals.not_found())
        return self._triggers[trigger_id]

    # What they do

    def fired(self, ticket: Ticket, audit: Mapping[str, Any], created: bool) -> Iterator[tuple[str, bytes]]:
        """(webhook id, body) of every call this change makes."""
        for trigger in self._triggers.values():
            if trigger["active"] and self._holds(trigger["conditions"], ticket, audit, created):
                for action in trigger["actions"]:
                    if action.get("field") == CALL_WEBHOOK:
                        webhook_id, body = action["value"]
                        yield str(webhook_id), _filled_in(str(body), ticket).encode()

    def _holds(self, conditions: Mapping[str, Any], ticket: Ticket, audit: Mapping[str, Any], created: bool) -> bool:
        every = all(self._met(one, ticket, audit, created) for one in conditions["all"])
        return every and (not conditions["any"] or any(self._met(c, ticket, audit, created) for c in conditions["any"]))

    def _met(self, condition: Mapping[str, Any], ticket: Ticket, audit: Mapping[str, Any], created: bool) -> bool:
        """A condition nobody has taught the sandbox is never met."""
        field, operator, value = condition.get("field"), condition.get("operator"), condition.get("value")
        if field == "update_type":
            return (value == "Create") == created
        if field == "current_tags":
            return (str(value) in ticket.values["tags"]) == (operator == "includes")
        if field == "role":
            return self._is_by(audit["author_id"], str(value)) == (operator == "is")
        if field == "comment_is_public":
            said = [event["public"] for event in audit["events"] if event["type"] == "Comment"]
            return (str(value) == "not_relevant" and bool(said)) or (str(value).lower() == "true" and any(said))
        if field in CHANGED_FIELDS and operator == "changed":
            return any(e["type"] == "Change" and e["field_name"] == field for e in audit["events"])
        return False

    def _is_by(self, author_id: int, wanted: str) -> bool:
        role = "end_user" if self._account.users[author_id]["role"] == "end-user" else "agent"
        return wanted in (role, str(author_id))


def _filled_in(body: str, ticket: Ticket) -> str:
    """Rendered titles ("Normal"), tags separated by a space, nothing escaped."""

    def value(match: re.Match[str]) -> str:
        found = ticket.values.get(match[1])
        if match[1] in ("status", "priority"):
            return str(found or "").capitalize()
        return " ".join(found) if isinstance(found, list) else str(found if found is not None else "")

    return _PLACEHOLDER.sub(value, body)
