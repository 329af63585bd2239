"""
Slack over HTTP: with a bot token through its Web API, or through one incoming webhook.

source: Slack developer documentation, "chat.postMessage", "chat.update", "Sending messages using incoming webhooks",
"Handling user interaction" (response_url: 30 minutes, 5 times), "Rate limits", read 2026-11-21.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from connectors.errors import Refused, Throttled, Unauthorized, Unsure
from connectors.http import Answer, HardenedSession, retry_after
from connectors.notifiers.slack.wire import escaped, message
from connectors.ports import Card, NotifierAccount, NotifierCapabilities, Posted

API = "https://slack.com/api"
REPLY_HOST = "https://hooks.slack.com"
# The Web API answers 200 and says in the body what went wrong.
DENIED = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "access_denied",
    }
)
UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


def make(account: NotifierAccount) -> Slack:
    """Raises ValueError if the account cannot work."""
    if bool(account.webhook_url) == bool(account.token):
        raise ValueError("slack needs either webhook_url (an incoming webhook) or token (a bot token), and not both")
    if account.token and not account.channel:
        raise ValueError("slack with a token needs channel: where cards go that name none (an id such as C0123456789)")
    if not any(account.secrets):
        raise ValueError("slack needs signing_secret: without it nobody's Claim can be believed")
    return Slack(account)


class Slack:
    """
    One workspace. With an incoming webhook all cards go to its channel, and a card can be changed only once somebody
    has pressed a button on it: then Slack tells an address for that.
    """

    def __init__(self, account: NotifierAccount) -> None:
        self.name = account.name
        self._channel = account.channel or ""
        self._by_token = account.token is not None
        self._timeout = account.timeout
        self.capabilities = NotifierCapabilities(addresses=self._by_token, updates=True)
        # The webhook's whole address is a secret: as base address it is in no error.
        self._session = HardenedSession(
            "Slack",
            (account.base_url or API) if self._by_token else (account.webhook_url or ""),
            deadline=account.timeout,
            headers={"Authorization": f"Bearer {account.token}"} if account.token else None,
            json_answers=False,
        )
        self._reply_hosts = {REPLY_HOST, _host(account.base_url or account.webhook_url or API)}

    def post(self, card: Card, *, to: str = "") -> Posted | None:
        if not self._by_token:
            self._session.call("POST", "", json=message(card), expect=(200,))
            return None
        told = self._api("chat.postMessage", {"channel": to or self._channel, **message(card)})
        channel, at = told.get("channel"), told.get("ts")
        if not isinstance(channel, str) or not isinstance(at, str):
            raise Unsure("Slack", "chat.postMessage said ok without channel and ts")
        return Posted(channel, at)

    def update(self, card: Card, posted: Posted) -> None:
        # Saying the same again changes nothing, so an unknown outcome may be repeated.
        if not posted.channel:
            self._answer(posted.message_id, {"replace_original": True, **message(card)})
            return
        self._api("chat.update", {"channel": posted.channel, "ts": posted.message_id, **message(card)}, safe=True)

    def reply(self, reply_to: str, text: str) -> None:
        self._answer(reply_to, {"response_type": "ephemeral", "replace_original": False, "text": escaped(text)})

    def _answer(self, reply_to: str, body: dict[str, Any]) -> None:
        """The address comes from a signed call, and is still only called if it is Slack's own."""
        if _host(reply_to) not in self._reply_hosts:
            raise Refused("Slack", "the address for an answer is not Slack's")
        session = HardenedSession("Slack", reply_to, deadline=self._timeout, json_answers=False)
        session.call("POST", "", json=body, expect=(200,), safe=True)

    def _api(self, method: str, body: dict[str, Any], *, safe: bool = False) -> dict[str, Any]:
        answer = self._session.call("POST", f"/{method}", json=body, expect=(200,), safe=safe)
        told = answer.json if isinstance(answer.json, dict) else {}
        if told.get("ok") is not True:
            raise self._failure(method, answer, str(told.get("error", "")), safe=safe)
        return told

    def _failure(self, method: str, answer: Answer, error: str, *, safe: bool) -> Exception:
        said = error if error.replace("_", "").isalnum() and len(error) <= 60 else "no reason we know"
        if error in ("ratelimited", "rate_limited"):
            return Throttled("Slack", retry_after=retry_after(answer.headers))
        if error in DENIED:
            return Unauthorized("Slack", f"{method}: {said}; check the bot token and its scopes (chat:write)")
        if error in UNSURE or not error:
            return self._session.unclear("POST", f"{method}: {said}", safe=safe)
        return Refused("Slack", f"{method}: {said}")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
