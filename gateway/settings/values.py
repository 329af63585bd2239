"""What is configured, as one checked value. Made by `read.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from connectors.ports import HelpdeskAccount, NotifierAccount, VendorAccount

STARTER_POLICY = Path(__file__).resolve().parent.parent.parent / "policies" / "starter"
STARTER_FIELDS = STARTER_POLICY / "fields"

SANDBOX = "sandbox"  # as base_url: `baton up` starts the sandbox of that kind …
SANDBOXES_VARIABLE = "BATON_SANDBOXES"  # … and tells its processes here where: JSON {helpdesk: {url, webhook_secret}}
SANDBOX_CHAT = "notifier:"  # … and the same for chats, under this and their name: {url, secret, gateway}


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
