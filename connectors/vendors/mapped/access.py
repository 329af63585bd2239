"""
Who may post as a mapped vendor: five styles of proof, each over the raw bytes. Which one is the mapping's `signature`;
the secrets stand in baton.yml.
"""

from __future__ import annotations

import base64
import re
import secrets as random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connectors.errors import SignatureRejected
from connectors.ports import Webhook
from connectors.reading import number
from connectors.signing import (
    fresh,
    hmac_base64,
    hmac_hex,
    matching_signature,
    sign_standard_webhook,
    standard_webhooks_key,
    verify_standard_webhook,
)

ALGORITHMS = ("sha256", "sha1", "sha512")
ENCODINGS: Mapping[str, Callable[[str, bytes, str], str]] = {"hex": hmac_hex, "base64": hmac_base64}
_PARTS: Mapping[str, str] = {
    "{signature}": r"(?P<signature>[A-Za-z0-9+/=_-]{1,200})",
    "{timestamp}": r"(?P<timestamp>[0-9]{1,15})",
}
_PLACEHOLDER = re.compile(r"\{[a-z]*\}")
_HEADER = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """
    style: standard_webhooks, static_header, bearer, basic (secrets are user:password) or hmac.
    header: where a static key or an HMAC stands. The rest is for hmac only:
    message: what is signed, of {body} and {timestamp}. format: how the header is written, of {signature} and
    {timestamp}. timestamp_header: where the time stands if not in `format`. milliseconds: its unit.
    """

    style: str
    header: str = ""
    algorithm: str = "sha256"
    encoding: str = "hex"
    message: str = "{body}"
    format: str = "{signature}"
    timestamp_header: str = ""
    milliseconds: bool = False
    tolerance: timedelta = timedelta(seconds=300)


_KEYS: Mapping[str, tuple[str, ...]] = {
    "standard_webhooks": (),
    "static_header": ("header",),
    "bearer": (),
    "basic": (),
    "hmac": (
        "header", "algorithm", "encoding", "message", "format", "timestamp_header", "timestamp_unit",
        "tolerance_seconds",
    ),
}  # fmt: skip


def access_of(node: Any) -> Access:
    """The `signature` of a mapping. Raises ValueError, saying what may be written."""
    style = str(node.get("style")) if isinstance(node, Mapping) else ""
    if style not in _KEYS:
        raise ValueError(f"signature needs a style: {', '.join(_KEYS)}")
    if unknown := [key for key in node if key not in ("style", *_KEYS[style])]:
        raise ValueError(f"unknown key 'signature.{unknown[0]}': {style} has {', '.join(_KEYS[style]) or 'no others'}")
    header = str(node.get("header", "")).strip().lower()
    if "header" in _KEYS[style] and not _HEADER.fullmatch(header):
        raise ValueError(f"signature.header is missing: the name of the header {style} reads, such as x-signature")
    return _hmac_access(node, header) if style == "hmac" else Access(style, header)


def _hmac_access(node: Mapping[str, Any], header: str) -> Access:
    tolerance = number(node.get("tolerance_seconds", 300))
    found = Access(
        "hmac",
        header,
        algorithm=_one_of(node, "algorithm", ALGORITHMS),
        encoding=_one_of(node, "encoding", tuple(ENCODINGS)),
        message=_template(node, "message", "{body}", ("{body}", "{timestamp}")),
        format=_template(node, "format", "{signature}", ("{signature}", "{timestamp}")),
        timestamp_header=str(node.get("timestamp_header", "")).strip().lower(),
        milliseconds=_one_of(node, "timestamp_unit", ("seconds", "milliseconds")) == "milliseconds",
        tolerance=timedelta(seconds=tolerance if tolerance is not None and 1 <= tolerance <= 86_400 else 300),
    )
    if found.format.count("{signature}") > 1 or found.format.count("{timestamp}") > 1:
        raise ValueError("signature.format names each part once")
    if "{body}" not in found.message or "{signature}" not in found.format:
        raise ValueError("signature.message must hold {body}, and signature.format {signature}")
    if "{timestamp}" in found.message and not (found.timestamp_header or "{timestamp}" in found.format):
        raise ValueError("signature.message signs {timestamp}: say where it stands with timestamp_header, or in format")
    return found


def _one_of(node: Mapping[str, Any], key: str, known: Sequence[str]) -> str:
    told = str(node.get(key, known[0]))
    if told not in known:
        raise ValueError(f"signature.{key} is one of: {', '.join(known)}")
    return told


def _template(node: Mapping[str, Any], key: str, default: str, known: Sequence[str]) -> str:
    told = str(node.get(key, default))
    if any(found not in known for found in _PLACEHOLDER.findall(told)):
        raise ValueError(f"signature.{key} knows only {' and '.join(known)}")
    return told


def check_secrets(access: Access, secrets: Sequence[str]) -> None:
    """Raises ValueError, saying what a secret of this style looks like."""
    for secret in secrets:
        if access.style == "standard_webhooks":
            standard_webhooks_key(secret)
        if access.style == "basic" and ":" not in secret:
            raise ValueError("a secret of style basic is user:password")


def key_number(access: Access, webhook: Webhook, secrets: Sequence[str]) -> int:
    """Which secret the call proves. Raises SignatureRejected."""
    match access.style:
        case "standard_webhooks":
            return verify_standard_webhook(webhook.headers, webhook.body, secrets, webhook.received_at)[1]
        case "bearer":
            return _same(_after("bearer ", webhook), secrets)
        case "basic":
            return matching_signature([_after("basic ", webhook)], secrets, _basic)
        case "hmac":
            return _hmac(access, webhook, secrets)
    return _same(webhook.headers.get(access.header, ""), secrets)


def _same(offered: str, secrets: Sequence[str]) -> int:
    return matching_signature([offered], secrets, lambda secret: secret)


def _basic(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def _after(scheme: str, webhook: Webhook) -> str:
    told = webhook.headers.get("authorization", "")
    if not told.lower().startswith(scheme):
        raise SignatureRejected
    return told[len(scheme) :].strip()


def _hmac(access: Access, webhook: Webhook, secrets: Sequence[str]) -> int:
    found = _pattern(access.format).fullmatch(webhook.headers.get(access.header, ""))
    if found is None:
        raise SignatureRejected
    told = found.groupdict()
    stamp = told.get("timestamp") or webhook.headers.get(access.timestamp_header, "")
    if "{timestamp}" in access.message:
        fresh(stamp, webhook.received_at, milliseconds=access.milliseconds, tolerance=access.tolerance)
    offered = told["signature"].lower() if access.encoding == "hex" else told["signature"]
    return matching_signature([offered], secrets, lambda secret: _digest(access, secret, stamp, webhook.body))


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{signature\}|\{timestamp\})", template)
    return re.compile("".join(_PARTS.get(part) or re.escape(part) for part in parts))


def _digest(access: Access, secret: str, stamp: str, body: bytes) -> str:
    parts = re.split(r"(\{body\}|\{timestamp\})", access.message)
    known = {"{body}": body, "{timestamp}": stamp.encode()}
    message = b"".join(known.get(part, part.encode()) for part in parts)
    return ENCODINGS[access.encoding](secret, message, access.algorithm)


def signed(access: Access, webhook: Webhook, secret: str) -> Webhook:
    """The call as its vendor would sign it at `received_at`."""
    seconds = webhook.received_at.timestamp()
    match access.style:
        case "standard_webhooks":
            added = _standard(webhook, secret, int(seconds))
        case "bearer":
            added = {"authorization": f"Bearer {secret}"}
        case "basic":
            added = {"authorization": f"Basic {_basic(secret)}"}
        case "hmac":
            stamp = str(int(seconds * 1000) if access.milliseconds else int(seconds))
            digest = _digest(access, secret, stamp, webhook.body)
            added = {access.header: access.format.replace("{signature}", digest).replace("{timestamp}", stamp)}
            if access.timestamp_header:
                added[access.timestamp_header] = stamp
        case _:
            added = {access.header: secret}
    return replace(webhook, headers={**webhook.headers, **added})


def _standard(webhook: Webhook, secret: str, seconds: int) -> dict[str, str]:
    webhook_id = webhook_id_of(webhook) or f"msg_{random.token_hex(12)}"
    signature = sign_standard_webhook(secret, webhook_id, seconds, webhook.body)
    return {"webhook-id": webhook_id, "webhook-timestamp": str(seconds), "webhook-signature": signature}


def webhook_id_of(webhook: Webhook) -> str | None:
    return webhook.headers.get("webhook-id") or webhook.headers.get("svix-id")


def absent_headers(access: Access, headers: Mapping[str, str]) -> list[str]:
    """Which headers a call would need and does not have, for whoever looks at a recorded one."""
    needed: tuple[str, ...] = (access.header, access.timestamp_header)
    if access.style == "standard_webhooks":
        prefix = "svix" if "svix-id" in headers else "webhook"
        needed = tuple(f"{prefix}-{part}" for part in ("id", "timestamp", "signature"))
    elif access.style in ("bearer", "basic"):
        needed = ("authorization",)
    return [name for name in needed if name and name not in headers]
