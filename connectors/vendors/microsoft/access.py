"""
Who may post as Microsoft. `standard`: your own relay of Direct Line, signed with our Standard Webhooks secret. `jwt`:
the Bot Framework or a copilot itself, with a token; the configured "secrets" are then the app ids it is meant for.

source: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication and
microsoft/botbuilder-python@e07ec54e botframework/connector/auth, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options

from connectors.body import json_body
from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.reading import mapping, number, text, texts
from connectors.signing import standard_webhooks_key, verify_standard_webhook
from connectors.vendors.microsoft.keys import KeySets, Signer

STANDARD, JWT = "standard", "jwt"
SKEW = timedelta(seconds=300)
ALGORITHMS = ("RS256", "RS384", "RS512")
BOT_FRAMEWORK = "https://api.botframework.com"
BOT_FRAMEWORK_KEYS = "https://login.botframework.com/v1/.well-known/openidconfiguration"
_ENTRA_KEYS = "https://login.microsoftonline.com/{tenant}/v2.0/.well-known/openid-configuration"
_ENTRA = ("https://sts.windows.net/{tenant}/", "https://login.microsoftonline.com/{tenant}/v2.0")
_APP_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TOKEN = re.compile(r"Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)
_LONGEST_TOKEN = 16_384


def form_of(account: VendorAccount) -> str:
    return account.options.get("signature", STANDARD)


def listed(option: str | None) -> tuple[str, ...]:
    """An option that is a list, separated by commas."""
    return tuple(filter(None, (part.strip() for part in (option or "").split(","))))


def check_form(account: VendorAccount) -> None:
    """Raises ValueError."""
    if form_of(account) not in (STANDARD, JWT):
        raise ValueError("option signature is standard or jwt")
    if form_of(account) == STANDARD:
        for secret in account.secrets:
            standard_webhooks_key(secret)
        return
    if not all(_APP_ID.fullmatch(secret) for secret in account.secrets):
        raise ValueError("with signature: jwt the secrets are app ids, like 00000000-0000-0000-0000-000000000000")
    if ("tenant" in account.options) != bool(listed(account.options.get("callers"))):
        raise ValueError("options tenant and callers go together: any app of a tenant can get a token for ours")


def key_number(webhook: Webhook, account: VendorAccount, keys: KeySets) -> tuple[str | None, int]:
    """
    The webhook's id, where it has one, and which secret counts.
    Raises SignatureRejected; ConnectorError if Microsoft's keys were never got; MalformedWebhook for a body with a
    good token that is no JSON.
    """
    if form_of(account) == STANDARD:
        return verify_standard_webhook(webhook.headers, webhook.body, account.secrets, webhook.received_at)
    claims, signer, issuer = _claims(webhook, account, keys)
    _check_time(claims, webhook.received_at)
    activity = mapping(json_body(webhook.body))
    if issuer == BOT_FRAMEWORK:
        _check_channel(activity, claims, signer)
    elif text(claims.get("azp") or claims.get("appid")) not in listed(account.options.get("callers")):
        raise SignatureRejected
    return None, _audience(claims, account)


def _claims(webhook: Webhook, account: VendorAccount, keys: KeySets) -> tuple[Mapping[str, Any], Signer, str]:
    """What a token says whose signature, issuer and audience are good. Its times are not looked at."""
    found = _TOKEN.fullmatch(webhook.headers.get("authorization", "")[:_LONGEST_TOKEN])
    if found is None:
        raise SignatureRejected
    token = found[1]
    try:
        kid, algorithm = (jwt.get_unverified_header(token).get(name) for name in ("kid", "alg"))
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise SignatureRejected from None
    if not isinstance(issuer, str) or not isinstance(kid, str) or algorithm not in ALGORITHMS:
        raise SignatureRejected
    metadata_url = _issuers(account).get(issuer)
    if metadata_url is None:
        raise SignatureRejected
    signer = keys.signer(metadata_url, kid)
    if signer is None:
        raise SignatureRejected
    checks: Options = {
        "require": ["exp", "iss", "aud"],
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
    try:
        claims = jwt.decode(
            token, signer.key, algorithms=list(ALGORITHMS), audience=account.secrets, issuer=issuer, options=checks
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise SignatureRejected from None
    return claims, signer, issuer


def _issuers(account: VendorAccount) -> Mapping[str, str]:
    """Who may issue → where its keys are described."""
    tenant = account.options.get("tenant")
    entra = {issuer.format(tenant=tenant): _ENTRA_KEYS.format(tenant=tenant) for issuer in _ENTRA} if tenant else {}
    return {BOT_FRAMEWORK: BOT_FRAMEWORK_KEYS, **entra}


def _check_time(claims: Mapping[str, Any], now: datetime) -> None:
    """By our clock of the call, five minutes of grace either way."""
    ends, begins = number(claims.get("exp")), number(claims.get("nbf", 0))
    skew, at = SKEW.total_seconds(), now.timestamp()
    if ends is None or begins is None or at >= ends + skew or at < begins - skew:
        raise SignatureRejected


def _check_channel(activity: Mapping[str, Any], claims: Mapping[str, Any], signer: Signer) -> None:
    """The token must be for where the activity says it comes from: else its serviceUrl could be anybody's."""
    service_url = text(activity.get("serviceUrl"))
    if service_url is None or claims.get("serviceurl") != service_url:
        raise SignatureRejected
    if text(activity.get("channelId")) not in signer.endorsements:
        raise SignatureRejected


def _audience(claims: Mapping[str, Any], account: VendorAccount) -> int:
    told = claims.get("aud")
    meant = texts(told) if isinstance(told, list) else (told,)
    return next(place for place, app_id in enumerate(account.secrets) if app_id in meant)
