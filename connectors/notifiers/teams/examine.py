"""
What is wrong with a Teams account, in words. Runs no workflow: its address is asked without the signature, which no
workflow takes. Whether the signature itself still holds only a card can tell.

source: Microsoft Learn, "Create incoming webhooks with Workflows for Microsoft Teams", and the notes on the end of
Office 365 connectors, read 2026-11-21. What an unsigned call is answered is not documented: any answer but 404 counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from connectors.http import HardenedSession
from connectors.ports import Finding, NotifierAccount

_RETIRED = ("webhook.office.com", "outlook.office.com")  # Office 365 connectors, which took other cards
_MAKE_ONE = "in Teams: the channel's … menu, Workflows, 'Post to a channel when a webhook request is received'"


def examine(account: NotifierAccount) -> Iterator[Finding]:
    parts = urlsplit(account.webhook_url or "")
    host = parts.hostname or ""
    if host.endswith(_RETIRED):
        yield Finding("broken", "the address is that of a retired Office 365 connector, not of a workflow", _MAKE_ONE)
        return
    if not any(name == "sig" for name, _ in parse_qsl(parts.query)):
        told = "the workflow's address has no signature (sig=…): it was not copied whole, and every card is refused"
        yield Finding("broken", told, "copy the address again from the workflow's first step")
    yield _answers(urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), account)
    if account.public_url is not None and urlsplit(account.public_url).scheme != "https":
        yield Finding("warning", "Claim leads to an address that is not https", "set public_url to the https address")


def _answers(address: str, account: NotifierAccount) -> Finding:
    session = HardenedSession("Teams", address, deadline=account.timeout, json_answers=False)
    try:
        status = session.call("POST", "", json={}, expect=(200, 202, 400, 401, 403, 404), safe=True).status
    except (Unauthorized, Refused, Throttled):
        status = 401
    except ConnectorError as error:
        told = f"the workflow's address does not answer ({type(error).__name__})"
        return Finding("broken", told, "look at proxy, DNS and firewall")
    if status == 404:
        return Finding("broken", "there is no such workflow any more", _MAKE_ONE)
    return Finding("ok", "the workflow's address answers; whether its signature still holds the first card will tell")
