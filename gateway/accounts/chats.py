"""
What is wrong with the chats, for `baton doctor`: each configured notifier, and the channels and people that ladders and
rosters name and no notifier can tell. Nothing is posted, and no secret is in any sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from connectors.ports import Finding
from connectors.registry import examine_notifier
from gateway.accounts.wanted import running_sandboxes
from gateway.settings import SANDBOX_CHAT, NotifierSettings, Settings
from policies.model import PolicySet


def examine_chat(settings: Settings, notifier: NotifierSettings) -> Iterator[Finding]:
    account = notifier.account
    if notifier.is_sandbox:
        address = running_sandboxes(settings).get(SANDBOX_CHAT + account.name)
        if address is None:
            yield Finding("warning", "its sandbox is not running", "`baton up` starts it")
            return
        account = replace(
            account, base_url=_moved(account.base_url, address), webhook_url=_moved(account.webhook_url, address)
        )
    yield from examine_notifier(account)


def _moved(url: str | None, address: str) -> str | None:
    """The same at the address where the sandbox really runs."""
    if url is None:
        return None
    there = urlsplit(address)
    return urlunsplit(urlsplit(url)._replace(scheme=there.scheme, netloc=there.netloc))


def examine_ladders(settings: Settings, policy: PolicySet) -> Iterator[Finding]:
    """Names that no notifier has are passed over when a ladder is climbed: nobody would hear of them otherwise."""
    named: dict[str, set[str]] = {}
    for place, channel in _channels(policy):
        notifier = channel.partition(":")[0]
        if notifier not in settings.notifiers:
            named.setdefault(notifier, set()).add(place)
    for notifier, places in sorted(named.items()):
        told = f"{_listed(places)} tell {notifier!r}, and there is no such notifier: they are passed over"
        yield Finding("warning", told, f"add {notifier} under `notifiers` of baton.yml, or change the policy")
    if policy.ladders and not named:
        yield Finding(
            "ok", f"{len(policy.ladders)} ladders and {len(policy.rosters)} rosters name only notifiers there are"
        )


def _channels(policy: PolicySet) -> Iterator[tuple[str, str]]:
    """(where it stands, channel or person's address)"""
    for name, ladder in policy.ladders.items():
        channels = [*ladder.warn, *(channel for step in ladder.steps for channel in step.notify)]
        for channel in (*channels, *filter(None, [ladder.fallback])):
            yield f"ladder {name}", channel
    for name, team in policy.rosters.items():
        for member in team.members:
            yield f"roster {name}", member.reach


def _listed(places: set[str]) -> str:
    shown = sorted(places)
    return ", ".join(shown) if len(shown) <= 4 else f"{', '.join(shown[:3])} and {len(shown) - 3} more"
