"""
Who may post as Vapi. Its server credential is configurable; we take the four common forms, each over the raw bytes.

source: VapiAI/docs@eabfa530 fern/apis/api/openapi.json (HMACAuthenticationPlan, Server) and
fern/server-url/server-authentication.mdx, read 2026-11-21. The unit of the timestamp is not stated there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.signing import (
    fresh,
    hmac_hex,
    matching_signature,
    sign_standard_webhook,
    standard_webhooks_key,
    verify_standard_webhook,
)

_MILLISECONDS_DIGITS = 13


def _secret(webhook: Webhook, account: VendorAccount) -> int:
    return matching_signature([webhook.headers.get("x-vapi-secret", "")], account.secrets, lambda secret: secret)


def _bearer(webhook: Webhook, account: VendorAccount) -> int:
    """The prefix is optional at Vapi."""
    offered = webhook.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return matching_signature([offered], account.secrets, lambda secret: secret)


def _hmac(webhook: Webhook, account: VendorAccount) -> int:
    """`x-signature` over `{timestamp}.{body}` with `x-timestamp`: the defaults of Vapi's HMAC credential."""
    stamp = webhook.headers.get("x-timestamp", "")
    fresh(stamp, webhook.received_at, milliseconds=len(stamp) >= _MILLISECONDS_DIGITS)
    message = stamp.encode() + b"." + webhook.body
    return matching_signature([_offered(webhook, "x-signature")], account.secrets, lambda s: hmac_hex(s, message))


def _hmac_body(webhook: Webhook, account: VendorAccount) -> int:
    """`x-vapi-signature` over the body: no time is signed, so an old call passes again (as a duplicate)."""
    offered = [_offered(webhook, "x-vapi-signature")]
    return matching_signature(offered, account.secrets, lambda s: hmac_hex(s, webhook.body))


def _offered(webhook: Webhook, header: str) -> str:
    return webhook.headers.get(header, "").removeprefix("sha256=")


def _standard(webhook: Webhook, account: VendorAccount) -> int:
    return verify_standard_webhook(webhook.headers, webhook.body, account.secrets, webhook.received_at)[1]


FORMS: Mapping[str, Callable[[Webhook, VendorAccount], int]] = {
    "secret": _secret,
    "bearer": _bearer,
    "hmac": _hmac,
    "hmac_body": _hmac_body,
    "standard": _standard,
}
DEFAULT_FORM = "secret"


def check_form(account: VendorAccount) -> None:
    """Raises ValueError."""
    form = account.options.get("signature", DEFAULT_FORM)
    if form not in FORMS:
        raise ValueError(f"option signature is one of {', '.join(FORMS)}")
    if form == "standard":
        for secret in account.secrets:
            standard_webhooks_key(secret)


def key_number(webhook: Webhook, account: VendorAccount) -> int:
    """Which secret the call proves. Raises SignatureRejected."""
    form = FORMS.get(account.options.get("signature", DEFAULT_FORM))
    if form is None:
        raise SignatureRejected
    return form(webhook, account)


def signed(webhook: Webhook, account: VendorAccount) -> Webhook:
    """The call with the headers Vapi would send with this credential."""
    secret, now = account.secrets[0], str(int(webhook.received_at.timestamp()))
    match account.options.get("signature", DEFAULT_FORM):
        case "bearer":
            added = {"authorization": f"Bearer {secret}"}
        case "hmac":
            added = {"x-timestamp": now, "x-signature": hmac_hex(secret, now.encode() + b"." + webhook.body)}
        case "hmac_body":
            added = {"x-vapi-signature": hmac_hex(secret, webhook.body)}
        case "standard":
            told = sign_standard_webhook(secret, "msg_1", int(now), webhook.body)
            added = {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": told}
        case _:
            added = {"x-vapi-secret": secret}
    return replace(webhook, headers={**webhook.headers, **added})
