"""
`baton.yml` and the environment as one checked value. Every problem of the file is reported at once, with its line.

`env:NAME` as a value reads the environment, so that no secret needs to stand in a file.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connectors.ports import FieldMap, HelpdeskAccount, NotifierAccount, VendorAccount
from connectors.registry import (
    HELPDESKS,
    NOTIFIERS,
    VENDORS,
    make_helpdesk,
    make_notifier,
    make_vendor_client,
    vendor,
)
from connectors.sandbox.accounts import CREDENTIALS as SANDBOX_CREDENTIALS
from policies.sla.units import parse_duration

LONGEST_CALL_BACK = timedelta(seconds=15)  # three of them fit into one job (jobs/queues.py)
SHORTEST_HEARTBEAT = timedelta(seconds=30)  # signs of life are written every ten seconds

SANDBOX = "sandbox"  # as base_url: `baton up` starts the sandbox of that kind …
SANDBOX_RATE = 6000  # requests a minute: a sandbox has no plan, unless baton.yml gives it one
SANDBOXES_VARIABLE = "BATON_SANDBOXES"  # … and tells its processes here where: JSON {helpdesk: {url, webhook_secret}}
SANDBOX_CHAT = "notifier:"  # … and the same for chats, under this and their name: {url, secret, gateway}


SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but a sandbox
_CHAT_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class SettingsError(Exception):
    """The configuration is wrong. str() lists every problem, one a line, with file and line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    One configured vendor account and the helpdesk its handoffs go to.

    heartbeat: the longest it is ever silent while it works; None: nobody knows.
    """

    account: VendorAccount
    helpdesk: str
    heartbeat: timedelta | None = None

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def vendor(self) -> str:
        return self.account.vendor


@dataclass(frozen=True, slots=True)
class HelpdeskSettings:
    """One configured helpdesk account and what guards its webhooks."""

    account: HelpdeskAccount
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    own_user_ids: frozenset[str] = frozenset()
    redact: str = "standard"
    field_map_path: Path | None = None
    requests_per_minute: int | None = None  # None: what the kind of helpdesk usually bears
    at_once: int | None = None
    poll_every: timedelta = timedelta(seconds=60)

    @property
    def is_sandbox(self) -> bool:
        return self.account.base_url == SANDBOX


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """One configured chat account."""

    account: NotifierAccount
    is_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Everything the gateway needs to start. `redis` None: the embedded one under `var`. public_url: our address as
    vendors and helpdesks write it, without a slash at the end; None: as each request came. folder: where the
    configuration file stands.
    """

    policies: Path
    database: str = field(repr=False)
    redis: str | None = field(repr=False)
    var: Path
    sources: Mapping[str, SourceSettings]
    helpdesks: Mapping[str, HelpdeskSettings]
    api_tokens: tuple[str, ...] = field(default=(), repr=False)
    public_url: str | None = None
    folder: Path = Path()
    notifiers: Mapping[str, NotifierSettings] = field(default_factory=dict)


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _Source(_Strict):
    vendor = fields.Str(required=True, validate=validate.OneOf(sorted(VENDORS)))
    secrets = fields.List(fields.Str(validate=validate.Length(min=1)), required=True, validate=validate.Length(min=1))
    helpdesk = fields.Str(required=True)
    options = fields.Dict(keys=fields.Str(), values=fields.Raw())
    base_url = fields.Str()
    credentials = fields.Dict(keys=fields.Str(), values=fields.Str())
    timeout = fields.Str()
    heartbeat = fields.Str()


class _OAuth(_Strict):
    client_id = fields.Str(required=True)
    client_secret = fields.Str(required=True)


class _Helpdesk(_Strict):
    kind = fields.Str(required=True, validate=validate.OneOf(sorted(HELPDESKS)))
    base_url = fields.Str(required=True)
    oauth = fields.Nested(_OAuth)
    email = fields.Str()
    api_token = fields.Str()
    api_key = fields.Str()
    user = fields.Str()
    password = fields.Str()
    webhook_secret = fields.Str()
    webhook_token = fields.Str()
    own_user_ids = fields.List(fields.Str())
    fields_file = fields.Str(data_key="fields")
    redact = fields.Str(validate=validate.OneOf(["standard", "strict"]))
    lookup_after = fields.Str()
    timeout = fields.Str()
    requests_per_minute = fields.Int(validate=validate.Range(min=1, error="must be 1 or more"))
    at_once = fields.Int(validate=validate.Range(min=1, error="must be 1 or more"))
    poll_every = fields.Str()


class _Notifier(_Strict):
    kind = fields.Str(required=True, validate=validate.OneOf(sorted(NOTIFIERS)))
    webhook_url = fields.Str()
    base_url = fields.Str()
    token = fields.Str()
    channel = fields.Str()
    signing_secret = fields.Str()
    link_secret = fields.Str()
    timeout = fields.Str()


class _Baton(_Strict):
    policies = fields.Str()
    database = fields.Str()
    redis = fields.Str()
    var = fields.Str()
    public_url = fields.Url(schemes={"http", "https"}, require_tld=False)
    sources = fields.Dict(keys=fields.Str(), values=fields.Nested(_Source), required=True)
    helpdesks = fields.Dict(keys=fields.Str(), values=fields.Nested(_Helpdesk), required=True)
    notifiers = fields.Dict(keys=fields.Str(), values=fields.Nested(_Notifier))


_CREDENTIALS = ("client_id", "client_secret", "email", "api_token", "api_key", "user", "password")


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """
    Read one configuration file. Relative paths in it are relative to the file.

    raises: SettingsError, with all problems.
    """
    return _Reader(path, os.environ if environ is None else environ).read()


class _Reader:
    """One file being read; collects problems instead of stopping at the first."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self.environ = environ
        self.problems: list[str] = []
        self.tree: Any = {}

    def read(self) -> Settings:
        try:
            self.tree = YAML(typ="rt").load(self.path.read_text("utf-8")) or {}
        except OSError as error:
            raise SettingsError(
                [f"{self.path}: cannot be read: {error.strerror}. Name it with BATON_CONFIG."]
            ) from error
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise SettingsError([f"{self.path}:{line}: not YAML: {error.problem}"]) from error
        plain = self._resolved(self.tree, ())
        try:
            data: dict[str, Any] = _Baton().load(plain)
        except ValidationError as error:
            for place, text in _flat(error.messages_dict):
                self._problem(place, text)
            raise SettingsError(self.problems) from None
        settings = self._settings(data)
        if self.problems:
            raise SettingsError(self.problems)
        return settings

    def _settings(self, data: dict[str, Any]) -> Settings:
        var = self._path(data.get("var", "var"))
        database = self._database(data.get("database"), var)
        helpdesks = {name: self._helpdesk(name, entry, var) for name, entry in data["helpdesks"].items()}
        sources = {name: self._source(name, entry, helpdesks) for name, entry in data["sources"].items()}
        return Settings(
            policies=self._path(data["policies"]) if "policies" in data else STARTER_POLICY,
            database=database,
            redis=data.get("redis") or None,
            var=var,
            sources=sources,
            helpdesks=helpdesks,
            public_url=data["public_url"].rstrip("/") if data.get("public_url") else None,
            api_tokens=tuple(t for t in self.environ.get("BATON_API_TOKENS", "").split(",") if t),
            folder=self.path.parent.resolve(),
            notifiers={
                name: self._notifier(name, entry, data.get("public_url"))
                for name, entry in data.get("notifiers", {}).items()
            },
        )

    def _database(self, url: str | None, var: Path) -> str:
        """The address as SQLAlchemy wants it; psycopg is what we bring for PostgreSQL."""
        if not url:
            return f"sqlite:///{var / 'baton.sqlite3'}"
        try:
            parts = make_url(url)
        except ArgumentError:
            self._problem(("database",), "no database address; write sqlite:///… or postgresql+psycopg://…")
            return url
        if parts.drivername in ("postgresql", "postgres"):
            parts = parts.set(drivername="postgresql+psycopg")
        if parts.get_backend_name() == "postgresql" and find_spec("psycopg") is None:
            self._problem(("database",), "PostgreSQL needs psycopg: pip install 'baton[postgres]'")
        elif parts.get_backend_name() not in ("postgresql", "sqlite"):
            self._problem(("database",), f"{parts.get_backend_name()} is not supported; SQLite and PostgreSQL are")
        return parts.render_as_string(hide_password=False)

    def _source(self, name: str, entry: dict[str, Any], helpdesks: Mapping[str, Any]) -> SourceSettings:
        place = ("sources", name)
        if entry["helpdesk"] not in helpdesks:
            self._problem(
                (*place, "helpdesk"), f"no helpdesk {entry['helpdesk']!r}" + _did_you_mean(entry["helpdesk"], helpdesks)
            )
        account = VendorAccount(
            name=name,
            vendor=entry["vendor"],
            secrets=tuple(entry["secrets"]),
            options=self._options(entry),
            base_url=entry["base_url"].rstrip("/") if entry.get("base_url") else None,
            credentials=entry.get("credentials", {}),
            timeout=self._duration((*place, "timeout"), entry.get("timeout")) or timedelta(seconds=10),
        )
        self._check_source(place, account)
        heartbeat = self._duration((*place, "heartbeat"), entry.get("heartbeat"))
        if heartbeat is not None and heartbeat < SHORTEST_HEARTBEAT:
            self._problem((*place, "heartbeat"), f"is too short: {SHORTEST_HEARTBEAT.seconds}s or more")
        return SourceSettings(account, entry["helpdesk"], heartbeat)

    def _options(self, entry: dict[str, Any]) -> dict[str, str]:
        """As the adapter reads them: texts, and files by their whole path."""
        files = vendor(entry["vendor"]).capabilities.path_options
        told = {key: _plain(value) for key, value in entry.get("options", {}).items()}
        return {key: str(self._path(value)) if key in files else value for key, value in told.items()}

    def _check_source(self, place: tuple[Any, ...], account: VendorAccount) -> None:
        adapter = vendor(account.vendor)
        if account.timeout > LONGEST_CALL_BACK:
            self._problem((*place, "timeout"), f"a vendor is waited for {LONGEST_CALL_BACK.seconds}s at most")
        for key in account.options.keys() - adapter.options.keys():
            known = f". Known: {', '.join(sorted(adapter.options))}." if adapter.options else ": it has none"
            self._problem((*place, "options", key), f"vendor {account.vendor!r} has no option {key!r}{known}")
        try:  # the connector knows best what it needs; making a client sends nothing
            adapter.check(account)
            make_vendor_client(account)
        except ValueError as error:
            self._problem(place, str(error))

    def _helpdesk(self, name: str, entry: dict[str, Any], var: Path) -> HelpdeskSettings:
        place = ("helpdesks", name)
        offered = {**entry.get("oauth", {}), **{k: v for k, v in entry.items() if isinstance(v, str)}}
        sandbox: Mapping[str, str] = {}
        sandbox_wanted = entry["base_url"] == SANDBOX
        if sandbox_wanted:
            offered = asdict(SANDBOX_CREDENTIALS)
            sandbox = json.loads(self.environ.get(SANDBOXES_VARIABLE, "{}")).get(name, {})
        fields_path = self._fields_path(name, entry)
        field_map, own_users = self._field_map(place, fields_path)
        account = HelpdeskAccount(
            name=name,
            kind=entry["kind"],
            base_url=sandbox.get("url") or entry["base_url"].rstrip("/"),
            credentials={key: offered[key] for key in _CREDENTIALS if offered.get(key)},
            field_map=field_map,
            lookup_after=self._duration((*place, "lookup_after"), entry.get("lookup_after")),
            timeout=self._duration((*place, "timeout"), entry.get("timeout")) or timedelta(seconds=30),
        )
        if not self.problems:
            self._can_be_made(place, account)
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
            poll_every=self._duration((*place, "poll_every"), entry.get("poll_every")) or timedelta(seconds=60),
        )

    def _notifier(self, name: str, entry: dict[str, Any], public_url: str | None) -> NotifierSettings:
        place = ("notifiers", name)
        is_sandbox = SANDBOX in (entry.get("base_url"), entry.get("webhook_url"))
        if is_sandbox:
            entry = entry | self._sandbox_chat(name, entry["kind"])
        timeout = self._duration((*place, "timeout"), entry.get("timeout")) or timedelta(seconds=10)
        if timeout > LONGEST_CALL_BACK:
            self._problem((*place, "timeout"), f"a chat is waited for {LONGEST_CALL_BACK.seconds}s at most")
        if not _CHAT_NAME.fullmatch(name):
            self._problem(place, "a notifier's name is letters, digits, _ and -: it stands before the : of a channel")
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
            self._problem(place, str(error))
        return NotifierSettings(account, is_sandbox)

    def _sandbox_chat(self, name: str, kind: str) -> dict[str, str]:
        """What `baton up` has told of the sandbox; before it has one, something of the right form."""
        told = json.loads(self.environ.get(SANDBOXES_VARIABLE, "{}")).get(SANDBOX_CHAT + name, {})
        url, secret = told.get("url", "http://127.0.0.1"), told.get("secret", "not-started-yet-0")
        gateway = told.get("gateway", "http://127.0.0.1")
        if kind == "slack":
            return {"base_url": f"{url}/api", "token": SANDBOX_TOKEN, "channel": "C0DUTY", "signing_secret": secret}
        return {"webhook_url": f"{url}/workflows/1?sig={SANDBOX_TOKEN}", "link_secret": secret, "gateway": gateway}

    def _can_be_made(self, place: tuple[Any, ...], account: HelpdeskAccount) -> None:
        try:  # the connector knows best what it needs; making a client sends nothing
            make_helpdesk(replace(account, base_url="http://127.0.0.1") if account.base_url == SANDBOX else account)
        except ValueError as error:
            self._problem(place, str(error))

    def _fields_path(self, name: str, entry: dict[str, Any]) -> Path:
        """As named, else where `baton setup` writes one, else the starter's, which fits the sandboxes."""
        if "fields_file" in entry:
            return self._path(entry["fields_file"])
        learned = learned_fields(self.path.parent.resolve(), name)
        return learned if learned.is_file() else STARTER_FIELDS / f"{entry['kind']}.yml"

    def _field_map(self, place: tuple[Any, ...], path: Path) -> tuple[FieldMap, frozenset[str]]:
        try:
            return read_field_file(path)
        except (OSError, ValidationError, MarkedYAMLError) as error:
            self._problem((*place, "fields"), f"field map {path}: {error}")
            return FieldMap(), frozenset()

    def _duration(self, place: tuple[Any, ...], text: str | None) -> timedelta | None:
        try:
            return None if text is None else parse_duration(text)
        except ValueError as error:
            self._problem(place, str(error))
            return None

    def _path(self, text: str) -> Path:
        return (self.path.parent / text).resolve()

    def _resolved(self, value: Any, place: tuple[Any, ...]) -> Any:
        if isinstance(value, Mapping):
            return {str(k): self._resolved(v, (*place, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._resolved(v, (*place, i)) for i, v in enumerate(value)]
        if isinstance(value, str) and value.startswith("env:"):
            name = value.removeprefix("env:")
            if not self.environ.get(name) and place not in (("database",), ("redis",)):
                self._problem(place, f"the environment has no {name}")
                return "unset"
            return self.environ.get(name, "")
        return value

    def _problem(self, place: tuple[Any, ...], text: str) -> None:
        line = _line_of(self.tree, place)
        if text == "Unknown field.":
            text = f"unknown key {place[-1]!r}" + _did_you_mean(str(place[-1]), _known_keys(place))
        where = ".".join(str(p) for p in place)
        self.problems.append(f"{self.path}:{line}: {where}: {text}")


STARTER_POLICY = Path(__file__).resolve().parent.parent / "policies" / "starter"
STARTER_FIELDS = STARTER_POLICY / "fields"


def _plain(value: Any) -> str:
    """An option's value as its adapter reads it: YAML's `yes` and `5` are as good as "yes" and "5"."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _FieldMapFile(_Strict):
    fields_ = fields.Dict(keys=fields.Str(), values=fields.Raw(), data_key="fields", load_default=dict)
    groups = fields.Dict(keys=fields.Str(), values=fields.Raw(), load_default=dict)
    defaults = fields.Dict(keys=fields.Str(), values=fields.Raw(), load_default=dict)
    own_user_ids = fields.List(fields.Raw(), load_default=list)


def load_field_map(path: Path) -> FieldMap:
    """One helpdesk's field map file. Raises OSError, ValidationError, MarkedYAMLError."""
    return read_field_file(path)[0]


def read_field_file(path: Path) -> tuple[FieldMap, frozenset[str]]:
    """The field map, and the ids of our own user that `baton setup` has learned. Raises as load_field_map."""
    data = _FieldMapFile().load(YAML(typ="safe").load(path.read_text("utf-8")) or {})
    found = FieldMap(*({k: str(v) for k, v in data[part].items()} for part in ("fields_", "groups", "defaults")))
    return found, frozenset(str(one) for one in data["own_user_ids"])


# What `baton setup` leaves behind, and is read again here.


def learned_fields(folder: Path, helpdesk: str) -> Path:
    """The field map of a helpdesk for which the configuration names none."""
    return folder / "fields" / f"{helpdesk}.yml"


def kept_secret_path(var: Path, helpdesk: str) -> Path:
    """Where the webhook secret of a helpdesk is kept, readable by its owner alone."""
    return var / "secrets" / f"{helpdesk}.webhook"


def kept_secret(var: Path, helpdesk: str) -> str | None:
    try:
        return kept_secret_path(var, helpdesk).read_text("utf-8").strip() or None
    except (OSError, ValueError):
        return None


def _flat(messages: Mapping[Any, Any], place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    for key, value in messages.items():
        here = place if key in ("_schema", "value", "key") else (*place, key)
        if isinstance(value, Mapping):
            yield from _flat(value, here)
        else:
            for text in value if isinstance(value, list) else [value]:
                yield here, str(text)


def _line_of(tree: Any, place: tuple[Any, ...]) -> int:
    line = 1
    node: Any = tree
    for part in place:
        try:
            line = node.lc.data[part][0] + 1
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


_ENTRIES = {"sources": _Source, "helpdesks": _Helpdesk, "notifiers": _Notifier}


def _known_keys(place: tuple[Any, ...]) -> list[str]:
    schema = {1: _Baton, 3: _ENTRIES.get(str(place[0]))}.get(len(place), _OAuth)
    return [f.data_key or name for name, f in schema().fields.items()] if schema else []


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f". Did you mean {close[0]!r}?" if close else f". Known: {', '.join(sorted(known))}."
