"""Setting up an account and finding out what is wrong with it: `baton setup`, `baton doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing `baton doctor` looked at. level: ok, warning, broken. remedy: what to do, in words. No secrets."""

    level: str
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing `baton setup` did, or with dry_run would do. action: create, update, keep."""

    action: str
    kind: str  # field, tag, webhook, trigger, group
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a helpdesk account needs to have for us.

    status_url: where its webhooks are to go, None: leave webhooks alone. webhook_token: what a helpdesk that cannot
    sign sends. webhook_secrets: what the gateway accepts a signature of; examined against what the helpdesk signs with.
    by_trigger: for accounts without event subscriptions, install a trigger that only says which ticket to read.
    tiers, routes: names that appear as choices and tags.
    """

    status_url: str | None = None
    webhook_token: str | None = field(default=None, repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    by_trigger: bool = False
    tiers: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """
    changes: in the order made. fields, groups: what was learned for the field map (neutral name → the helpdesk's id).
    webhook_secret: what its webhooks prove themselves with: what it signs with, or the token it was told to send.
    own_users: ids of the user we are there, for `own_user_ids`. by_hand: what no interface can do, said as a person
    would do it.
    """

    changes: tuple[Change, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    webhook_secret: str | None = field(default=None, repr=False)
    own_users: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


class HelpdeskKeeper(Protocol):
    """Sets up one helpdesk account and says what is wrong with it. Raises what Helpdesk raises."""

    name: str

    def examine(self, wanted: Wanted) -> Sequence[Finding]:
        """Look at everything we depend on; every problem at once. Writes nothing, never raises a ConnectorError."""

    def install(self, wanted: Wanted, *, dry_run: bool) -> Installed:
        """Create what is missing; a second call changes nothing. Never removes, never renames what people made."""
