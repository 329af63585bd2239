"""The configured accounts: vendors, helpdesks, chats. Each connector says itself whether it has what it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from ruamel.yaml.error import MarkedYAMLError

from connectors.ports import FieldMap, HelpdeskAccount, NotifierAccount, VendorAccount
from connectors.registry import make_helpdesk, make_notifier, make_vendor_client, vendor
from connectors.sandbox.accounts import CREDENTIALS as SANDBOX_CREDENTIALS
from gateway.settings.kept import kept_secret, learned_fields, read_field_file
from gateway.settings.page import Page
from gateway.settings.shape import did_you_mean
from gateway.settings.values import (
    SANDBOX,
    SANDBOX_CHAT,
    SANDBOXES_VARIABLE,
    STARTER_FIELDS,
    HelpdeskSettings,
    NotifierSettings,
    SourceSettings,
)

LONGEST_CALL_BACK = timedelta(seconds=15)  # three of them fit into one job (jobs/queues.py)
SHORTEST_HEARTBEAT = timedelta(seconds=30)  # signs of life are written every ten seconds

SANDBOX_RATE = 6000  # requests a minute: a sandbox has no plan, unless baton.yml gives it one
SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but a sandbox
_SOURCE_NAME = re.compile(r"[^/?#%\s]{1,100}")
_HELPDESK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")  # the subject of its poll, too: tables.Id
_CHAT_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_CREDENTIALS = ("client_id", "client_secret", "email", "api_token", "api_key", "user", "password")


def source(page: Page, name: str, entry: dict[str, Any], helpdesks: Mapping[str, Any]) -> SourceSettings:
    place = ("sources", name)
    if not _SOURCE_NAME.fullmatch(name):
        page.problem(place, "its name stands in the address of webhooks: at most 100 characters, no blank / ? # %")
    if entry["helpdesk"] not in helpdesks:
        page.problem(
            (*place, "helpdesk"), f"no helpdesk {entry['helpdesk']!r}" + did_you_mean(entry["helpdesk"], helpdesks)
        )
    account = VendorAccount(
        name=name,
        vendor=entry["vendor"],
        secrets=tuple(entry["secrets"]),
        options=_options(page, entry),
        base_url=entry["base_url"].rstrip("/") if entry.get("base_url") else None,
        credentials=entry.get("credentials", {}),
        timeout=page.duration((*place, "timeout"), entry.get("timeout")) or timedelta(seconds=10),
    )
    _check_source(page, place, account)
    heartbeat = page.duration((*place, "heartbeat"), entry.get("heartbeat"))
    if heartbeat is not None and heartbeat < SHORTEST_HEARTBEAT:
        page.problem((*place, "heartbeat"), f"is too short: {SHORTEST_HEARTBEAT.seconds}s or more")
    return SourceSettings(account, entry["helpdesk"], heartbeat)


def _options(page: Page, entry: dict[str, Any]) -> dict[str, str]:
    """As the adapter reads them: texts, and files by their whole path."""
    files = vendor(entry["vendor"]).capabilities.path_options
    told = {key: _plain(value) for key, value in entry.get("options", {}).items()}
    return {key: str(page.beside(value)) if key in files else value for key, value in told.items()}


def _check_source(page: Page, place: tuple[Any, ...], account: VendorAccount) -> None:
    adapter = vendor(account.vendor)
    if account.timeout > LONGEST_CALL_BACK:
        page.problem((*place, "timeout"), f"a vendor is waited for {LONGEST_CALL_BACK.seconds}s at most")
    for key in account.options.keys() - adapter.options.keys():
        known = f". Known: {', '.join(sorted(adapter.options))}." if adapter.options else ": it has none"
        page.problem((*place, "options", key), f"vendor {account.vendor!r} has no option {key!r}{known}")
    try:  # the connector knows best what it needs; making a client sends nothing
        adapter.check(account)
        make_vendor_client(account)
    except ValueError as error:
        page.problem(place, str(error))


def helpdesk(page: Page, name: str, entry: dict[str, Any], var: Path) -> HelpdeskSettings:
    place = ("helpdesks", name)
    if not _HELPDESK_NAME.fullmatch(name):
        page.problem(
            place, "a helpdesk's name is up to 40 letters, digits, _, - and .: it stands in the address of its webhooks"
        )
    offered = {**entry.get("oauth", {}), **{k: v for k, v in entry.items() if isinstance(v, str)}}
    sandbox: Mapping[str, str] = {}
    sandbox_wanted = entry["base_url"] == SANDBOX
    if sandbox_wanted:
        offered = asdict(SANDBOX_CREDENTIALS)
        sandbox = json.loads(page.environ.get(SANDBOXES_VARIABLE, "{}")).get(name, {})
    fields_path = _fields_path(page, name, entry)
    field_map, own_users = _field_map(page, place, fields_path)
    account = HelpdeskAccount(
        name=name,
        kind=entry["kind"],
        base_url=sandbox.get("url") or entry["base_url"].rstrip("/"),
        credentials={key: offered[key] for key in _CREDENTIALS if offered.get(key)},
        field_map=field_map,
        lookup_after=page.duration((*place, "lookup_after"), entry.get("lookup_after")),
        timeout=page.duration((*place, "timeout"), entry.get("timeout")) or timedelta(seconds=30),
    )
    if not page.problems:
        _can_be_made(page, place, account)
    told = (entry.get("webhook_secret"), entry.get("webhook_token"), sandbox.get("webhook_secret"))
    secrets = dict.fromkeys(s for s in (*told, kept_secret(var, name)) if s)
    return HelpdeskSettings(
        account,
        tuple(secrets),
        own_users | frozenset(entry.get("own_user_ids", ())),
        entry.get("redact", "standard"),
        fields_path,
        requests_per_minute=entry.get("requests_per_minute", SANDBOX_RATE if sandbox_wanted else None),
        at_once=entry.get("at_once"),
        poll_every=page.duration((*place, "poll_every"), entry.get("poll_every")) or timedelta(seconds=60),
    )


def notifier(page: Page, name: str, entry: dict[str, Any], public_url: str | None) -> NotifierSettings:
    place = ("notifiers", name)
    is_sandbox = SANDBOX in (entry.get("base_url"), entry.get("webhook_url"))
    if is_sandbox:
        entry = entry | _sandbox_chat(page, name, entry["kind"])
    timeout = page.duration((*place, "timeout"), entry.get("timeout")) or timedelta(seconds=10)
    if timeout > LONGEST_CALL_BACK:
        page.problem((*place, "timeout"), f"a chat is waited for {LONGEST_CALL_BACK.seconds}s at most")
    if not _CHAT_NAME.fullmatch(name):
        page.problem(place, "a notifier's name is letters, digits, _ and -: it stands before the : of a channel")
    account = NotifierAccount(
        name=name,
        kind=entry["kind"],
        webhook_url=entry.get("webhook_url"),
        base_url=entry["base_url"].rstrip("/") if entry.get("base_url") else None,
        token=entry.get("token"),
        channel=entry.get("channel"),
        secrets=tuple(s for s in (entry.get("signing_secret"),) if s),
        link_secret=entry.get("link_secret"),
        public_url=(public_url or entry.get("gateway") or "").rstrip("/") or None,
        timeout=timeout,
    )
    try:  # the connector knows best what it needs; making a client sends nothing
        make_notifier(account)
    except ValueError as error:
        page.problem(place, str(error))
    return NotifierSettings(account, is_sandbox)


def _sandbox_chat(page: Page, name: str, kind: str) -> dict[str, str]:
    """What `baton up` has told of the sandbox; before it has one, something of the right form."""
    told = json.loads(page.environ.get(SANDBOXES_VARIABLE, "{}")).get(SANDBOX_CHAT + name, {})
    url, secret = told.get("url", "http://127.0.0.1"), told.get("secret", "not-started-yet-0")
    gateway = told.get("gateway", "http://127.0.0.1")
    if kind == "slack":
        return {"base_url": f"{url}/api", "token": SANDBOX_TOKEN, "channel": "C0DUTY", "signing_secret": secret}
    return {"webhook_url": f"{url}/workflows/1?sig={SANDBOX_TOKEN}", "link_secret": secret, "gateway": gateway}


def _can_be_made(page: Page, place: tuple[Any, ...], account: HelpdeskAccount) -> None:
    try:  # the connector knows best what it needs; making a client sends nothing
        make_helpdesk(replace(account, base_url="http://127.0.0.1") if account.base_url == SANDBOX else account)
    except ValueError as error:
        page.problem(place, str(error))


def _fields_path(page: Page, name: str, entry: dict[str, Any]) -> Path:
    """As named, else where `baton setup` writes one, else the starter's, which fits the sandboxes."""
    if "fields_file" in entry:
        return page.beside(entry["fields_file"])
    learned = learned_fields(page.path.parent.resolve(), name)
    return learned if learned.is_file() else STARTER_FIELDS / f"{entry['kind']}.yml"


def _field_map(page: Page, place: tuple[Any, ...], path: Path) -> tuple[FieldMap, frozenset[str]]:
    try:
        return read_field_file(path)
    except (OSError, ValidationError, MarkedYAMLError) as error:
        page.problem((*place, "fields"), f"field map {path}: {error}")
        return FieldMap(), frozenset()


def _plain(value: Any) -> str:
    """An option's value as its adapter reads it: YAML's `yes` and `5` are as good as "yes" and "5"."""
    return str(value).lower() if isinstance(value, bool) else str(value)
