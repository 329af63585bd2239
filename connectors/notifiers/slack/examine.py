"""
What is wrong with a Slack account, in words. Posts nothing: a token is asked who it is; an incoming webhook is sent an
empty object, which it refuses as no message.

source: Slack developer documentation, "auth.test" (no scopes required), and the changelog of 2016-05-17 on what
incoming webhooks answer (400, 403, 404, 410), read 2026-11-21. Not documented: that a removed webhook says so before it
looks at the message.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from connectors.http import HardenedSession
from connectors.notifiers.slack.client import API
from connectors.ports import Finding, NotifierAccount

SECRET_LENGTH = 32  # of Slack's signing secrets
_GONE = {
    403: "it is not allowed to post there any more",
    404: "it, or its channel, does not exist any more",
    410: "its channel is archived",
}
_NOT_REACHED = "look at proxy, DNS and firewall"


def examine(account: NotifierAccount) -> Iterator[Finding]:
    yield from _token(account) if account.token else _webhook(account)
    if any(len(secret) < SECRET_LENGTH for secret in account.secrets):
        told = f"a signing secret of {SECRET_LENGTH} characters was expected: if it is another one, Claim does nothing"
        yield Finding("warning", told, "copy it from the app's page, Basic Information, Signing Secret")
    if account.public_url:
        where = f"{account.public_url}/v1/notify/{account.name}/actions"
        yield Finding("ok", f"Claim needs Interactivity switched on in the app, with {where}; that cannot be looked at")
    else:
        told = "nobody said where Slack reaches the gateway: what people press may lead nowhere"
        yield Finding("warning", told, "set public_url in baton.yml, and name it under Interactivity in the app")


def _token(account: NotifierAccount) -> Iterator[Finding]:
    headers = {"Authorization": f"Bearer {account.token}"}
    session = HardenedSession("Slack", account.base_url or API, deadline=account.timeout, headers=headers)
    try:
        told = session.call("POST", "/auth.test", json={}, expect=(200,), safe=True).json
    except Unauthorized:
        told = {"error": "invalid_auth"}
    except ConnectorError as error:
        yield Finding("broken", f"Slack did not say who we are ({type(error).__name__})", _NOT_REACHED)
        return
    if not isinstance(told, dict) or told.get("ok") is not True:
        said = str(told.get("error", "")) if isinstance(told, dict) else ""
        reason = said if said.replace("_", "").isalnum() and len(said) <= 60 else "no reason we know"
        remedy = "install the app again and put its new bot token (xoxb-…) into the environment"
        yield Finding("broken", f"Slack refuses the bot token: {reason}", remedy)
        return
    yield Finding("ok", f"we are {told.get('user', '?')} in {told.get('team', '?')}")
    yield Finding("ok", f"cards that name no channel go to {account.channel}; invite the app there (/invite)")


def _webhook(account: NotifierAccount) -> Iterator[Finding]:
    session = HardenedSession("Slack", account.webhook_url or "", deadline=account.timeout, json_answers=False)
    try:
        status = session.call("POST", "", json={}, expect=(200, 400, *_GONE), safe=True).status
    except Throttled:
        status = 400  # it is there, and busy
    except (Refused, Unauthorized):
        status = 403
    except ConnectorError as error:
        yield Finding("broken", f"the incoming webhook does not answer ({type(error).__name__})", _NOT_REACHED)
        return
    if status in _GONE:
        remedy = "make a new incoming webhook in the app and put its address into the environment"
        yield Finding("broken", f"the incoming webhook: {_GONE[status]}", remedy)
        return
    yield Finding("ok", "the incoming webhook answers; all cards go to its one channel")
