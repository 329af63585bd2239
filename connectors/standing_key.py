"""
Vendors that sign nothing: the same key comes with every call, as a header of its own, HTTP Basic, a bearer token or a
query parameter, whichever the vendor's dashboard lets one enter. It proves who posts, not what or when: an old call
posted again passes, and is then a duplicate.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

from connectors.ports import VendorAccount, Webhook
from connectors.signing import matching_signature

HEADER = "x-baton-key"
OPTIONS: Mapping[str, str] = {
    "auth": "how the key comes: header (the default), bearer, basic (the secret is user:password) or query (?token=)",
    "header": f"name of the header for auth: header (default {HEADER})",
}


def check_standing_key(account: VendorAccount) -> None:
    """Raises ValueError."""
    form = account.options.get("auth", "header")
    if form not in _OFFERED:
        raise ValueError(f"option auth is one of {', '.join(_OFFERED)}")
    if form == "basic" and not all(":" in secret for secret in account.secrets):
        raise ValueError("with auth: basic every secret is user:password")
    if not _header_name(account).replace("-", "").isalnum():
        raise ValueError("option header is the name of an HTTP header")


def key_number(webhook: Webhook, account: VendorAccount) -> int:
    """Which secret the call has brought (from 0). Raises SignatureRejected."""
    offered = _OFFERED.get(account.options.get("auth", "header"), _from_header)
    return matching_signature([offered(webhook, account)], account.secrets, lambda secret: _written(secret, account))


def with_standing_key(webhook: Webhook, account: VendorAccount) -> Webhook:
    """The call as the vendor would send it, with the first secret."""
    written = _written(account.secrets[0], account)
    match account.options.get("auth", "header"):
        case "query":
            parts = urlsplit(webhook.url)
            return replace(webhook, url=parts._replace(query=urlencode({"token": written})).geturl())
        case "bearer":
            added = {"authorization": f"Bearer {written}"}
        case "basic":
            added = {"authorization": f"Basic {written}"}
        case _:
            added = {_header_name(account): written}
    return replace(webhook, headers={**webhook.headers, **added})


def _written(secret: str, account: VendorAccount) -> str:
    is_basic = account.options.get("auth") == "basic"
    return base64.b64encode(secret.encode()).decode() if is_basic else secret


def _header_name(account: VendorAccount) -> str:
    return account.options.get("header", HEADER).lower()


def _from_header(webhook: Webhook, account: VendorAccount) -> str:
    return webhook.headers.get(_header_name(account), "")


def _after(scheme: str) -> Callable[[Webhook, VendorAccount], str]:
    def offered(webhook: Webhook, account: VendorAccount) -> str:
        told, _, rest = webhook.headers.get("authorization", "").partition(" ")
        return rest.strip() if told.lower() == scheme else ""

    return offered


def _from_query(webhook: Webhook, account: VendorAccount) -> str:
    return parse_qs(urlsplit(webhook.url).query, errors="surrogateescape").get("token", [""])[0]


_OFFERED: Mapping[str, Callable[[Webhook, VendorAccount], str]] = {
    "header": _from_header,
    "bearer": _after("bearer"),
    "basic": _after("basic"),
    "query": _from_query,
}
