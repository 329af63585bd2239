"""
Speaking into a Bot Framework conversation, at the address its activities name.

source: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-send-and-receive-messages,
…-authentication (client credentials), microsoft/BotBuilder-Samples@55d1f537 experimental/handoff-library (states),
read 2026-11-21. A serviceUrl comes from outside: only hosts that are configured are called with our token.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.oauth import ClientCredentials, Token, fetch_token
from connectors.ports import Notice, NoticeKind, VendorAccount
from connectors.vendors.microsoft.access import JWT, form_of, listed
from packets.event import Turn

LOGIN = "https://login.microsoftonline.com"
SCOPE = "https://api.botframework.com/.default"
MANY_TENANTS = "botframework.com"  # the tenant of bots registered for many tenants
Activity = dict[str, object]


class MicrosoftClient:
    """
    base_url: the serviceUrl of the bot's activities, or its host. credentials: app_id, app_password, and app_tenant
    for a single-tenant app.
    """

    name = "microsoft"

    def __init__(self, account: VendorAccount) -> None:
        told = account.credentials
        if not account.base_url:
            raise ValueError("needs base_url: the host of the serviceUrl in the bot's activities")
        if not told.get("app_id") or not told.get("app_password"):
            raise ValueError("credentials: app_id and app_password of the bot, and app_tenant if it has one tenant")
        self._is_skill = form_of(account) == JWT
        login = HardenedSession(account.name, account.options.get("login_url", LOGIN), deadline=account.timeout)
        form = {
            "grant_type": "client_credentials",
            "client_id": told["app_id"],
            "client_secret": told["app_password"],
            "scope": SCOPE,
        }
        path = f"/{quote(told.get('app_tenant', MANY_TENANTS), safe='')}/oauth2/v2.0/token"

        def fetch() -> Token:
            return fetch_token(login, path, data=form)

        auth = ClientCredentials(fetch)
        parts = urlsplit(account.base_url)
        origins = [f"{parts.scheme}://{parts.netloc}"]
        origins += [f"https://{host}" for host in listed(account.options.get("service_hosts"))]
        self._sessions: Mapping[str, HardenedSession] = {
            origin: HardenedSession(account.name, origin, deadline=account.timeout, auth=auth, json_answers=False)
            for origin in origins
        }

    def tell(self, notice: Notice) -> None:
        """
        Handed off, or people are asked: the customer reads the message. Somebody has joined, or people are done:
        `handoff.status`. A copilot that called us as a skill also hears that the skill is over, or its topic would wait
        for ever.
        """
        session, path = self._where(notice)
        for activity in self._activities(notice):
            session.call("POST", path, json={**_address(notice), **activity}, expect=range(200, 300))

    def _activities(self, notice: Notice) -> list[Activity]:
        if notice.kind in (NoticeKind.WAITING, NoticeKind.HANDED_OFF):
            return [{"type": "message", "text": notice.text}] if notice.text else []
        if notice.kind is NoticeKind.HUMAN_JOINED:
            return [_status("accepted")]
        ending: list[Activity] = [{"type": "endOfConversation", "code": "completedSuccessfully"}]
        return [_status("completed"), *(ending if self._is_skill else [])]

    def _where(self, notice: Notice) -> tuple[HardenedSession, str]:
        scheme, host, path = _parts(notice.refs.get("service_url", ""))
        session = self._sessions.get(f"{scheme}://{host}")
        if session is None:
            raise Refused(self.name, "the conversation has no serviceUrl at base_url or one of service_hosts")
        conversation = quote(notice.vendor_conversation_id, safe="")
        return session, f"{path.rstrip('/')}/v3/conversations/{conversation}/activities"

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "the handoff brings the transcript; a bot cannot read the conversation's past")


def _parts(address: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.netloc, parts.path


def _status(state: str) -> Activity:
    return {"type": "event", "name": "handoff.status", "value": {"state": state}}


def _address(notice: Notice) -> Activity:
    """A reply's sender and receiver, as its bot would write them."""
    found: Activity = {"conversation": {"id": notice.vendor_conversation_id}}
    if "bot" in notice.refs:
        found["from"] = {"id": notice.refs["bot"]}
    if "user" in notice.refs:
        found["recipient"] = {"id": notice.refs["user"]}
    return found
