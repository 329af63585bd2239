"""
Sets up a Freshdesk account, and says what is wrong with it. Custom fields can be made through the API; automation
rules cannot, so the rule that calls us is told in words, for a person to make.
source: Freshdesk API v2, "Ticket Fields" (admin), "Groups", "Currently Authenticated Agent", read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.errors import ConnectorError, Refused
from connectors.helpdesks import keeping
from connectors.helpdesks.freshdesk import wire
from connectors.helpdesks.freshdesk.client import WholeAccountSession
from connectors.http import SUCCESS
from connectors.ports import Change, Finding, HelpdeskAccount, Installed, Wanted

ME = "/api/v2/agents/me"
FIELD_TYPE = "custom_text"
USABLE_TYPES = ("custom_text", "custom_paragraph")  # a drop-down refuses the whole ticket for a word it does not know
MAY_NOT = (403, 404)  # the key's agent is no administrator, or the plan has no such interface
ALL_TICKETS = 1  # ticket_scope of an agent; 2: those of their groups, 3: those assigned to them
AGENT = "Admin → Team → Agents; the key: Profile settings"
MOST_PAGES = 20
# Ids and times only: whether Freshdesk escapes quotes in a placeholder is not known.
TEMPLATE = (
    '{"ticket_id": "{{ticket.id}}", "event": "updated", "status": "{{ticket.status}}", '
    '"updated_at": "{{ticket.updated_at}}"}'
)

Row = Mapping[str, Any]


class Keeper:
    """One Freshdesk account; see connectors.ports.HelpdeskKeeper. Raises ValueError if it has no API key."""

    name = "freshdesk"

    def __init__(self, account: HelpdeskAccount, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        api_key = account.credentials.get("api_key")
        if not api_key:
            raise ValueError(f"helpdesk {account.name!r}: Freshdesk needs an `api_key` (an agent's, Profile settings)")
        self._map = account.field_map
        self._now = now
        self._http = WholeAccountSession(wire.SYSTEM, account.base_url, deadline=account.timeout, auth=(api_key, "X"))

    # What is wrong

    def examine(self, wanted: Wanted) -> Sequence[Finding]:
        try:
            answer = self._http.call("GET", ME)
        except ConnectorError as error:
            return [keeping.failure("Freshdesk does not let us in", error, credential=AGENT)]
        agent = answer.json if isinstance(answer.json, dict) else {}
        found = [_scope(agent), keeping.skew(answer.headers.get("Date"), self._now())]
        looks: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
            ("ticket fields", self._field_findings),
            ("groups", lambda: keeping.group_findings(wanted.routes, self._map.groups, self._groups())),
        )
        for what, look in looks:
            try:
                found += look()
            except ConnectorError as error:
                found.append(keeping.failure(f"{what} could not be looked at", error, credential=AGENT))
        return [*found, *_webhook_findings(wanted)]

    def _field_findings(self) -> Iterator[Finding]:
        fields = {str(row.get("name")): row for row in self._fields()}
        if "packet_id" not in self._map.fields:
            remedy = "run `baton setup`: without it no ticket is opened, because it could not be found again"
            yield Finding("broken", "the field map names no custom field for packet_id", remedy)
        for neutral, name in self._map.fields.items():
            yield _field_finding(neutral, name, fields.get(name))
        ours = set(self._map.fields.values())
        for name, row in fields.items():
            if name not in ours and row.get("default") is False and row.get("required_for_agents") is True:
                remedy = "make it optional (Admin → Ticket fields): Baton cannot know what to put there"
                yield Finding("warning", f"the account demands the field {_safe(name)} of every ticket", remedy)

    # What is missing

    def install(self, wanted: Wanted, *, dry_run: bool) -> Installed:
        agent = self._http.call("GET", ME).json
        changes: list[Change] = []
        fields, by_hand = self._install_fields(changes, dry_run)
        groups, left = keeping.groups_by_route(wanted.routes, self._map.groups, self._groups())
        return Installed(
            changes=tuple(changes),
            fields=fields,
            groups=groups,
            webhook_secret=wanted.webhook_token,
            own_users=(str(agent["id"]),) if isinstance(agent, dict) and "id" in agent else (),
            by_hand=(*by_hand, *left, rule_text(wanted)),
        )

    def _install_fields(self, changes: list[Change], dry_run: bool) -> tuple[dict[str, str], tuple[str, ...]]:
        there = self._fields()
        learned: dict[str, str] = {}
        missing: list[str] = []
        for neutral, label in keeping.FIELDS.items():
            row = _field_for(neutral, self._map.fields, there)
            if row is None and not dry_run:
                row = self._created(label)
            if row is None and not dry_run:
                missing.append(label)
                continue
            is_there = row is not None and row in there
            changes.append(Change("keep" if is_there else "create", "field", label))
            if row is not None:
                learned[neutral] = str(row["name"])
        if not missing:
            return learned, ()
        told = f"The account does not let this agent make fields. Make single-line text fields: {', '.join(missing)} "
        return learned, (told + "(Admin → Workflows → Ticket Fields), then run `baton setup` again.",)

    def _created(self, label: str) -> Row | None:
        """None: this agent may not, because it is no administrator. Unsure = it may be there: run setup again."""
        wanted = {
            "label": label,
            "label_for_customers": label,
            "type": FIELD_TYPE,
            "customers_can_edit": False,
            "displayed_to_customers": False,
            "required_for_agents": False,
            "required_for_closure": False,
            "required_for_customers": False,
        }
        path = "/api/v2/admin/ticket_fields"
        answer = self._http.call("POST", path, json=wanted, expect={*SUCCESS, *MAY_NOT}, json_answer=False)
        if answer.status in MAY_NOT:
            return None
        made = answer.json
        if not isinstance(made, dict) or not isinstance(made.get("name"), str):
            raise self._http.unclear("POST", f"POST {path} made a field, but the answer does not name it")
        return made

    # Asking

    def _groups(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in range(1, MOST_PAGES + 1):
            rows, is_last = self._rows("/api/v2/groups", {"per_page": 100, "page": page})
            found |= {str(row.get("id")): str(row.get("name")) for row in rows}
            if is_last:
                break
        return found

    def _fields(self) -> list[Row]:
        """All on one page; this list refuses arguments it does not know."""
        return self._rows("/api/v2/ticket_fields", {})[0]

    def _rows(self, path: str, params: Mapping[str, int]) -> tuple[list[Row], bool]:
        """The rows of one page, and whether it is the last."""
        answer = self._http.call("GET", path, params=params)
        if not isinstance(answer.json, list):
            raise Refused(wire.SYSTEM, f"GET {path} answered without a list; is this Freshdesk's API?")
        return [row for row in answer.json if isinstance(row, dict)], 'rel="next"' not in answer.headers.get("Link", "")


def rule_text(wanted: Wanted) -> str:
    """The automation rule that calls us, as a person makes it. The token's value is not in it."""
    url = wanted.status_url or "https://<your gateway>/v1/status/<name of this helpdesk>"
    return (
        "Make the automation rule that tells Baton (Freshdesk has no interface for it): Admin → Workflows → "
        "Automations → Ticket Updates → New rule. When an action is performed by: agent or requester, not Baton's own "
        "agent. Involves any of: status, priority, agent or group is changed; reply is sent; customer feedback is "
        f"received. Action: Trigger webhook, POST {url}, custom header `X-Webhook-Token: <webhook_token of baton.yml>`"
        f", encoding JSON, content advanced: {TEMPLATE}"
    )


def _scope(agent: Row) -> Finding:
    if agent.get("ticket_scope") not in (None, ALL_TICKETS):
        remedy = f"give it the scope of all tickets: one it cannot see looks like one never opened ({AGENT})"
        return Finding("broken", f"the key's agent ({_safe(str(agent.get('id')))}) does not see all tickets", remedy)
    return Finding("ok", f"the key is good (agent {_safe(str(agent.get('id')))}) and sees all tickets")


def _field_for(neutral: str, mapped: Mapping[str, str], there: Sequence[Row]) -> Row | None:
    """The account's field for one of ours: the one the map names, if it can be used, else one with our label."""
    usable = [row for row in there if row.get("type") in USABLE_TYPES]
    by_name = (row for row in usable if row.get("name") == mapped.get(neutral))
    by_label = (row for row in usable if row.get("label") == keeping.FIELDS[neutral])
    return next(by_name, None) or next(by_label, None)


def _field_finding(neutral: str, name: str, row: Row | None) -> Finding:
    if row is None:
        remedy = "run `baton setup`: one wrong name has every ticket refused"
        return Finding("broken", f"field {neutral}: the account has no ticket field {_safe(name)}", remedy)
    if row.get("type") not in USABLE_TYPES:
        told = f"field {neutral}: {_safe(name)} is a {_safe(str(row.get('type')))}"
        return Finding("broken", told, "use a single-line text field: other kinds have tickets refused for a new word")
    return Finding("ok", f"field {neutral} is there")


def _webhook_findings(wanted: Wanted) -> list[Finding]:
    if wanted.status_url is None:
        return []
    if not wanted.webhook_token:
        return [Finding("broken", "no webhook_token is configured", "set one: nothing else vouches for a webhook")]
    told = "whether the automation rule is there cannot be asked; changes are found by polling all the same"
    return [Finding("warning", told, f"look at Admin → Workflows → Automations for a rule to {wanted.status_url}")]


def _safe(text: str) -> str:
    return text if text.replace("_", "").isalnum() and len(text) <= 80 else "(of another spelling)"
