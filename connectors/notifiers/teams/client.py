"""
Teams over HTTP: one Workflows webhook, which posts into one channel and answers 202 without saying where.

source: Microsoft Learn, "Create incoming webhooks with Workflows for Microsoft Teams", read 2026-11-21.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit, urlunsplit

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.notifiers.teams.wire import message
from connectors.ports import Card, NotifierAccount, NotifierCapabilities, Posted


def make(account: NotifierAccount) -> Teams:
    """Raises ValueError if the account cannot work."""
    if not account.webhook_url:
        raise ValueError("teams needs webhook_url: the address a Workflows webhook gives you")
    if account.token or account.secrets:
        raise ValueError("teams takes neither token nor signing_secret: a Workflows webhook signs nothing")
    if not account.link_secret or len(account.link_secret) < 16:
        raise ValueError("teams needs link_secret, 16 characters or more of your own: it signs the links on its cards")
    if not account.public_url:
        raise ValueError("teams needs public_url at the top of the file: the links on its cards lead there")
    return Teams(account)


class Teams:
    def __init__(self, account: NotifierAccount) -> None:
        self.name = account.name
        self.capabilities = NotifierCapabilities(links=True)
        # The signature stands in the query: the address without it is in no error, and neither is the query.
        parts = urlsplit(account.webhook_url or "")
        base = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        self._query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._session = HardenedSession("Teams", base, deadline=account.timeout, json_answers=False)

    def post(self, card: Card, *, to: str = "") -> Posted | None:
        self._session.call("POST", "", json=message(card), params=self._query, expect=(200, 202))
        return None

    def update(self, card: Card, posted: Posted) -> None:
        raise Refused("Teams", "a Workflows webhook cannot change a card")

    def reply(self, reply_to: str, text: str) -> None:
        raise Refused("Teams", "a Workflows webhook answers nobody")
