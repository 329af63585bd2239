"""
Sets up a Zendesk account, and says what is wrong with it. What is needed stands in needs.py. Whatever is missing is
made after looking for it, so that a second run, or one after a crash, changes nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from connectors.helpdesks.zendesk import needs, wire
from connectors.helpdesks.zendesk.credential import SCOPES, credential
from connectors.helpdesks.zendesk.inbound import TEST_SECRET
from connectors.helpdesks.zendesk.session import ZendeskSession
from connectors.http import Answer
from connectors.ports import Change, Finding, HelpdeskAccount, Installed, Wanted

MOST_PAGES = 50
CLIENTS = "Admin Center → Apps and integrations → APIs → OAuth clients"
API_TOKENS_END = "30 April 2027"


class Keeper:
    """One Zendesk account; see connectors.ports.HelpdeskKeeper. Raises ValueError if it has no credential."""

    name = "zendesk"

    def __init__(self, account: HelpdeskAccount, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._account = account
        self._map = account.field_map
        self._now = now
        self._http = ZendeskSession(wire.SYSTEM, account.base_url, deadline=account.timeout, auth=credential(account))

    # What is wrong

    def examine(self, wanted: Wanted) -> Sequence[Finding]:
        try:
            answer = self._http.call("GET", "/api/v2/users/me.json")
        except ConnectorError as error:
            return [_told("Zendesk does not let us in", error)]
        user = _object(answer, "user")
        found = [needs.skew_finding(answer.headers.get("Date"), self._now()), *self._user_findings(user)]
        for what, look in (
            ("the scopes of the token", self._scopes),
            ("ticket fields", lambda: needs.field_findings(self._map, self._all("ticket_fields"))),
            ("groups", lambda: needs.group_findings(self._map, self._all("groups"), wanted.routes)),
            ("the webhook", lambda: self._webhook_findings(wanted)),
        ):
            try:
                found += look()
            except ConnectorError as error:
                found.append(_told(f"{what} could not be looked at", error))
        return found

    def _user_findings(self, user: Mapping[str, Any]) -> Iterator[Finding]:
        role = user.get("role")
        if user.get("suspended") is True:
            yield Finding("broken", "our service user is suspended", "lift the suspension in Admin Center → People")
        elif role not in ("agent", "admin"):
            yield Finding("broken", "the credential does not act as an agent", f"let the client act for one: {CLIENTS}")
        else:
            yield Finding("ok", f"the credential is good (user {user.get('id')}, {role})")
        if not self._account.credentials.get("client_id"):
            told = f"API tokens stop working on {API_TOKENS_END}"
            yield Finding("warning", told, f"make a confidential OAuth client and use `oauth`: {CLIENTS}")

    def _scopes(self) -> Iterator[Finding]:
        """source: "Show Token", OpenAPI 2.0.0 (/api/v2/oauth/tokens/current), read 2026-11-21."""
        if not self._account.credentials.get("client_id"):
            return
        token = _object(self._http.call("GET", "/api/v2/oauth/tokens/current.json"), "token")
        scopes = token.get("scopes")
        missing = [s for s in SCOPES.split() if isinstance(scopes, list) and s not in scopes]
        if missing:
            remedy = f"allow them to the OAuth client: {CLIENTS} → Allowed scopes"
            yield Finding("broken", f"the token lacks the scope {' and '.join(missing)}", remedy)
        else:
            yield Finding("ok", f"the token's scope is {SCOPES}")

    def _webhook_findings(self, wanted: Wanted) -> Iterator[Finding]:
        if wanted.status_url is None:
            return
        every = self._all("webhooks")
        ours = [w for by_trigger in (False, True) for w in needs.webhooks_at(wanted.status_url, every, by_trigger)]
        live = [w for w in ours if w.get("status") == "active"]
        if not live:
            told = "is switched off" if ours else "is not there"
            remedy = "run `baton setup`: without it no clock stops when people answer"
            yield Finding("broken", f"the webhook to {wanted.status_url} {told}", remedy)
            return
        if len(live) > 1:
            yield Finding("warning", f"{len(live)} webhooks go to {wanted.status_url}", "delete all but one")
        for webhook in live:
            yield from self._one_webhook(str(webhook.get("id")), webhook, wanted)

    def _one_webhook(self, webhook_id: str, webhook: Mapping[str, Any], wanted: Wanted) -> Iterator[Finding]:
        if needs.BY_TRIGGER in (webhook.get("subscriptions") or ()):
            calling = [t for t in self._all("triggers") if needs.is_ours_trigger(t, webhook_id)]
            if not calling:
                yield Finding("broken", "no trigger calls the webhook", "run `baton setup --by-trigger`")
            elif not all(needs.trigger_body_is_json(t) for t in calling):
                yield Finding("broken", "the trigger's body is not the JSON it was", "run `baton setup --by-trigger`")
        elif missing := needs.missing_events(webhook):
            names = ", ".join(name.rpartition(":")[2] for name in missing)
            yield Finding("broken", f"the webhook is not told of {names}", "run `baton setup`")
        secret = self._secret(webhook_id)
        if not any(hmac.compare_digest(secret.encode(), one.encode()) for one in wanted.webhook_secrets):
            remedy = "run `baton setup`, which keeps the secret; or put it into `webhook_secret`"
            yield Finding("broken", "the webhook signs with a secret the gateway does not know", remedy)
        else:
            yield Finding("ok", "the webhook is there and its secret is known")
        path = f"/api/v2/webhooks/{webhook_id}/invocations"
        invocations = _rows(self._http.call("GET", path, params={"page[size]": 10}), "invocations")
        yield needs.invocation_finding(invocations)

    # What is missing

    def install(self, wanted: Wanted, *, dry_run: bool) -> Installed:
        own = _object(self._http.call("GET", "/api/v2/users/me.json"), "user").get("id")
        if not isinstance(own, int):
            raise Unauthorized(wire.SYSTEM, "the credential belongs to nobody; check the OAuth client")
        changes: list[Change] = []
        fields = self._install_fields(changes, dry_run)
        groups, by_hand = self._groups(wanted.routes)
        secret = self._install_webhook(wanted, own, changes, dry_run) if wanted.status_url else None
        if wanted.status_url is None:
            by_hand = (*by_hand, "no webhook was made: say where the gateway is reached (`public_url`, or --url)")
        return Installed(tuple(changes), fields, groups, secret, (str(own),), by_hand)

    def _install_fields(self, changes: list[Change], dry_run: bool) -> dict[str, str]:
        there, learned = self._all("ticket_fields"), {}
        for name, title in needs.FIELDS.items():
            row = needs.field_for(name, self._map, there)
            changes.append(Change("keep" if row else "create", "field", title))
            if row is None and not dry_run:
                wanted = {"title": title, "type": needs.FIELD_TYPE, "description": "Filled in by Baton."}
                row = self._created("ticket_field", "/api/v2/ticket_fields.json", wanted)
            if row is not None:
                learned[name] = str(row["id"])
        return learned

    def _groups(self, routes: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Groups are looked up by name and never made: a group nobody is in would swallow tickets."""
        there = self._all("groups")
        found = {route: row for route in routes if (row := needs.group_for(route, self._map, there)) is not None}
        default = needs.default_group(self._map, there)
        learned = {route: str(row["id"]) for route, row in found.items()}
        learned |= {"default": str(default["id"])} if default is not None else {}
        without = [route for route in routes if route not in found]
        if not without:
            return learned, ()
        told = f"routes without a group of their name: {', '.join(without)}. "
        told += "They go to the default group" if default is not None else "Their tickets go to no group"
        return learned, (f"{told}; name a group for each in the field map, if there is a better one.",)

    def _install_webhook(self, wanted: Wanted, own: int, changes: list[Change], dry_run: bool) -> str | None:
        """The secret it signs with; None where a dry run makes no webhook."""
        assert wanted.status_url is not None  # noqa: S101 - the caller looks
        there = needs.webhooks_at(wanted.status_url, self._all("webhooks"), wanted.by_trigger)
        if there:
            webhook_id = str(there[0].get("id"))
            self._mend_webhook(there[0], wanted.by_trigger, changes, dry_run)
        else:
            changes.append(Change("create", "webhook", wanted.status_url))
            if dry_run:
                changes += [Change("create", "trigger", needs.TRIGGER_TITLE)] if wanted.by_trigger else []
                return None
            webhook_id = str(self._created_webhook(wanted)["id"])
        if wanted.by_trigger:
            self._install_trigger(webhook_id, own, changes, dry_run)
        return self._secret(webhook_id)

    def _mend_webhook(self, row: Mapping[str, Any], by_trigger: bool, changes: list[Change], dry_run: bool) -> None:
        missing = [] if by_trigger else needs.missing_events(row)
        wanted: dict[str, Any] = {} if row.get("status") == "active" else {"status": "active"}
        wanted |= {"subscriptions": [*row["subscriptions"], *missing]} if missing else {}
        changes.append(Change("update" if wanted else "keep", "webhook", str(row.get("endpoint")), ", ".join(wanted)))
        if wanted and not dry_run:
            path = f"/api/v2/webhooks/{row['id']}"
            self._http.call("PATCH", path, json={"webhook": wanted}, expect=(200, 204), safe=True, json_answer=False)

    def _created_webhook(self, wanted: Wanted) -> Mapping[str, Any]:
        """An account that does not know the one uncertain event gets a webhook without it."""
        url, path = str(wanted.status_url), "/api/v2/webhooks"
        try:
            return self._created("webhook", path, needs.webhook(url, wanted.by_trigger))
        except Refused as error:
            if wanted.by_trigger or isinstance(error, Unauthorized):
                raise
        certain = [name for name in needs.SUBSCRIPTIONS if name != needs.UNCERTAIN]
        return self._created("webhook", path, needs.webhook(url, False, certain))

    def _install_trigger(self, webhook_id: str, own: int, changes: list[Change], dry_run: bool) -> None:
        calling = [row for row in self._all("triggers") if needs.calls_webhook(row, webhook_id)]
        good = [row for row in calling if needs.is_ours_trigger(row, webhook_id) and needs.trigger_body_is_json(row)]
        action = "keep" if good else "update" if calling else "create"
        changes.append(Change(action, "trigger", needs.TRIGGER_TITLE))
        if good or dry_run:
            return
        wanted = needs.trigger(webhook_id, own)
        if not calling:
            self._created("trigger", "/api/v2/triggers.json", wanted)
            return
        mended = {key: wanted[key] for key in ("active", "conditions", "actions")}  # its name is people's by now
        self._http.call("PUT", f"/api/v2/triggers/{calling[0]['id']}.json", json={"trigger": mended}, safe=True)

    # Asking

    def _secret(self, webhook_id: str) -> str:
        answer = self._http.call("GET", f"/api/v2/webhooks/{webhook_id}/signing_secret")
        secret = _object(answer, "signing_secret").get("secret")
        if not isinstance(secret, str) or not secret or secret == TEST_SECRET:
            raise Refused(wire.SYSTEM, "the webhook's signing secret is none that could be trusted")
        return secret

    def _created(self, kind: str, path: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        """Unsure = it may be there: run setup again, which looks first."""
        made = _object(self._http.call("POST", path, json={kind: wanted}), kind)
        if "id" not in made:
            raise self._http.unclear("POST", f"made a {kind}, but the answer does not name it")
        return made

    def _all(self, kind: str) -> list[Mapping[str, Any]]:
        """Every row of a list, page by page (cursor pagination)."""
        rows: list[Mapping[str, Any]] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            params: dict[str, str | int] = {"page[size]": 100} | ({"page[after]": after} if after else {})
            answer = self._http.call("GET", f"/api/v2/{kind}{'' if kind == 'webhooks' else '.json'}", params=params)
            rows += _rows(answer, kind)
            meta = _object(answer, "meta")
            after = meta.get("after_cursor")
            if not meta.get("has_more") or not isinstance(after, str):
                return rows
        return rows


def _told(what: str, error: ConnectorError) -> Finding:
    if isinstance(error, Unauthorized):
        remedy = (
            f"check client_id, client_secret (or email, api_token) and base_url in baton.yml; the client: {CLIENTS}"
        )
        return Finding("broken", f"{what}: {error}", f"{remedy}. Setup and webhooks need an admin's rights")
    if isinstance(error, Throttled):
        return Finding("warning", f"{what}: {error}", "ask again later; `baton doctor` makes about ten calls")
    if isinstance(error, Refused):
        return Finding(
            "broken", f"{what}: {error}", "this account answers otherwise than Zendesk's API; check base_url"
        )
    return Finding("broken", f"{what}: {error}", "check base_url, DNS, the way out of your network, status.zendesk.com")


def _object(answer: Answer, key: str) -> Mapping[str, Any]:
    found = answer.json.get(key) if isinstance(answer.json, dict) else None
    return found if isinstance(found, dict) else {}


def _rows(answer: Answer, key: str) -> list[Mapping[str, Any]]:
    found = answer.json.get(key) if isinstance(answer.json, dict) else None
    if not isinstance(found, list):
        raise Refused(wire.SYSTEM, f"the answer has no list of {key}")
    return [row for row in found if isinstance(row, dict)]
