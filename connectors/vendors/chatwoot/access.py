"""
Who may post as Chatwoot: since 4.11.2 (account webhooks) and 4.13.0 (API channels, agent bots) it signs body and time;
older servers sign nothing, and there the address itself has to carry a secret.

source: chatwoot lib/webhooks/trigger.rb, pull requests 13573 and 13892, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

from connectors.ports import VendorAccount, Webhook
from connectors.signing import fresh, hmac_hex, matching_signature

FORMS = ("signed", "url")


def key_number(webhook: Webhook, account: VendorAccount) -> int:
    """Which secret the call proves. Raises SignatureRejected."""
    if account.options.get("signature") == "url":
        offered = parse_qs(urlsplit(webhook.url).query).get("token", [])
        return matching_signature(offered, account.secrets, lambda secret: secret)
    stamp = webhook.headers.get("x-chatwoot-timestamp", "")
    fresh(stamp, webhook.received_at)
    message = stamp.encode() + b"." + webhook.body
    signature = webhook.headers.get("x-chatwoot-signature", "").removeprefix("sha256=")
    return matching_signature([signature], account.secrets, lambda secret: hmac_hex(secret, message))


def signed(webhook: Webhook, account: VendorAccount) -> Webhook:
    """The call as Chatwoot would make it."""
    secret = account.secrets[0]
    if account.options.get("signature") == "url":
        return replace(webhook, url=f"{webhook.url.partition('?')[0]}?token={quote(secret, safe='')}")
    stamp = str(int(webhook.received_at.timestamp()))
    signature = "sha256=" + hmac_hex(secret, stamp.encode() + b"." + webhook.body)
    added: Mapping[str, str] = {"x-chatwoot-timestamp": stamp, "x-chatwoot-signature": signature}
    return replace(webhook, headers={**webhook.headers, **added})
