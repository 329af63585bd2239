"""
The names of what we can talk to. One line for each system; adding or removing a system is its folder and its line.

They are named by module, because some bring libraries along that a gateway without them need not load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType

from connectors.ports import (
    Finding,
    Helpdesk,
    HelpdeskAccount,
    HelpdeskInbound,
    HelpdeskKeeper,
    Notifier,
    NotifierAccount,
    NotifierInbound,
    VendorAccount,
    VendorAdapter,
    VendorClient,
)

# name → a module with ADAPTER and, if the vendor can be called back, make(account)
VENDORS: Mapping[str, str] = {
    "botpress": "connectors.vendors.botpress",
    "canonical": "connectors.vendors.canonical",
    "chatwoot": "connectors.vendors.chatwoot",
    "dialogflow": "connectors.vendors.dialogflow",
    "elevenlabs": "connectors.vendors.elevenlabs",
    "fin": "connectors.vendors.fin",
    "intercom": "connectors.vendors.intercom",
    "lex": "connectors.vendors.lex",
    "liveperson": "connectors.vendors.liveperson",
    "mapped": "connectors.vendors.mapped",
    "microsoft": "connectors.vendors.microsoft",
    "rasa": "connectors.vendors.rasa",
    "retell": "connectors.vendors.retell",
    "sunshine": "connectors.vendors.sunshine",
    "twilio": "connectors.vendors.twilio",
    "vapi": "connectors.vendors.vapi",
}

# kind → a module with INBOUND and make(account)
HELPDESKS: Mapping[str, str] = {
    "zendesk": "connectors.helpdesks.zendesk",
    "freshdesk": "connectors.helpdesks.freshdesk",
    "servicenow": "connectors.helpdesks.servicenow",
}

# kind → a module with Keeper(account): who sets such an account up and examines it
KEEPERS: Mapping[str, str] = {
    "zendesk": "connectors.helpdesks.zendesk.keeper",
    "freshdesk": "connectors.helpdesks.freshdesk.keeper",
    "servicenow": "connectors.helpdesks.servicenow.keeper",
}

# kind → a module with make(account) and INBOUND (None: it tells us nothing)
NOTIFIERS: Mapping[str, str] = {
    "slack": "connectors.notifiers.slack",
    "teams": "connectors.notifiers.teams",
}


class UnknownName(LookupError):
    """No system of that name is registered."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.name = name
        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        super().__init__(f"unknown {what} {name!r}{hint} There are: {', '.join(names)}")


def vendor(name: str) -> VendorAdapter:
    """The adapter of one vendor. Raises UnknownName."""
    adapter: VendorAdapter = _vendor(name).ADAPTER
    return adapter


def make_vendor_client(account: VendorAccount) -> VendorClient | None:
    """
    Who calls this account back. None: it is not to be called (no base_url), or the vendor has no interface.
    Raises UnknownName for its vendor, ValueError if the rest of its configuration cannot work.
    """
    make = getattr(_vendor(account.vendor), "make", None)
    if make is None or account.base_url is None:
        return None
    made: VendorClient = make(account)
    return made


def _vendor(name: str) -> ModuleType:
    if name not in VENDORS:
        raise UnknownName("vendor", name, VENDORS)
    return import_module(VENDORS[name])


def make_helpdesk(account: HelpdeskAccount) -> Helpdesk:
    """
    The client of one configured account. Raises UnknownName for its kind, ValueError if the rest of its configuration
    cannot work (a missing credential, a field map that does not fit).
    """
    made: Helpdesk = _helpdesk(account.kind).make(account)
    return made


def make_keeper(account: HelpdeskAccount) -> HelpdeskKeeper:
    """
    Who sets up and examines one configured account. Raises UnknownName for a kind nobody keeps, ValueError as
    make_helpdesk does.
    """
    if account.kind not in KEEPERS:
        raise UnknownName("helpdesk to set up", account.kind, KEEPERS)
    keeper: HelpdeskKeeper = import_module(KEEPERS[account.kind]).Keeper(account)
    return keeper


def inbound_of(kind: str) -> HelpdeskInbound:
    """Who verifies and reads this helpdesk's webhooks. Raises UnknownName."""
    inbound: HelpdeskInbound = _helpdesk(kind).INBOUND
    return inbound


def _helpdesk(kind: str) -> ModuleType:
    if kind not in HELPDESKS:
        raise UnknownName("helpdesk", kind, HELPDESKS)
    return import_module(HELPDESKS[kind])


def make_notifier(account: NotifierAccount) -> Notifier:
    """The client of one configured chat. Raises UnknownName for its kind, ValueError if it cannot work."""
    made: Notifier = _notifier(account.kind).make(account)
    return made


def examine_notifier(account: NotifierAccount) -> Sequence[Finding]:
    """What is wrong with one configured chat, every problem at once. Writes nothing. Raises UnknownName."""
    return tuple(_notifier(account.kind).examine(account))


def notifier_inbound(kind: str) -> NotifierInbound | None:
    """Who verifies and reads this chat's calls; None: it makes none. Raises UnknownName."""
    inbound: NotifierInbound | None = _notifier(kind).INBOUND
    return inbound


def _notifier(kind: str) -> ModuleType:
    if kind not in NOTIFIERS:
        raise UnknownName("notifier", kind, NOTIFIERS)
    return import_module(NOTIFIERS[kind])
