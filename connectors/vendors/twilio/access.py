"""
Twilio's signature: over the address as Twilio wrote it and, for a form, every parameter. Of a JSON body it covers only
the address, which carries the body's digest as `bodySHA256`: without that parameter a JSON body proves nothing.

source: twilio/twilio-python@306691e7 twilio/request_validator.py, twilio 9.13.0 (SHA-256),
https://www.twilio.com/docs/usage/security; read 2026-11-21. No time is signed: an old call can be posted again.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from connectors.body import form_pairs
from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.signing import hmac_base64, matching_signature

SIGNATURE, SETTINGS = "x-twilio-signature", "x-twilio-webhooks-signature-settings"
BODY_DIGEST = "bodySHA256"
# What the settings header calls it → hashlib. Without the header: SHA-1 with the account's auth token.
ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_PORTS = {"http": 80, "https": 443}


def is_json(webhook: Webhook) -> bool:
    return webhook.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def key_number(webhook: Webhook, account: VendorAccount) -> int:
    """Which secret (auth token, or shared key for SHA-256) signed. Raises SignatureRejected, MalformedWebhook."""
    offered = [webhook.headers.get(SIGNATURE, "")]
    algorithm = _algorithm(webhook)
    if is_json(webhook):
        _check_digest(webhook)
    parameters = _parameters(webhook)
    for url in _spellings(webhook.url):
        try:
            message = url.encode("utf-8", "surrogatepass") + parameters
            return matching_signature(
                offered, account.secrets, partial(hmac_base64, message=message, algorithm=algorithm)
            )
        except SignatureRejected:
            continue
    raise SignatureRejected


def signed(webhook: Webhook, account: VendorAccount) -> Webhook:
    """The call as Twilio would sign it; a JSON body's digest goes into the address."""
    url = _with_digest(webhook) if is_json(webhook) else webhook.url
    signature = hmac_base64(account.secrets[0], url.encode() + _parameters(webhook), _algorithm(webhook))
    return replace(webhook, url=url, headers={**webhook.headers, SIGNATURE: signature})


def _algorithm(webhook: Webhook) -> str:
    announced = webhook.headers.get(SETTINGS)
    if announced is None:
        return "sha1"
    settings = dict(part.strip().partition("=")[::2] for part in announced.split(","))
    algorithm = ALGORITHMS.get(settings.get("algorithm", ""))
    if algorithm is None:
        raise SignatureRejected
    return algorithm


def _parameters(webhook: Webhook) -> bytes:
    """Names and values without anything between them, sorted, of repeated ones each value once."""
    if is_json(webhook):
        return b""
    return "".join(name + value for name, value in sorted(set(form_pairs(webhook.body)))).encode()


def _check_digest(webhook: Webhook) -> None:
    told = [value for name, value in _query(webhook.url) if name == BODY_DIGEST]
    expected = hashlib.sha256(webhook.body).hexdigest()
    if len(told) != 1 or not hmac.compare_digest(told[0].encode("utf-8", "surrogatepass"), expected.encode()):
        raise SignatureRejected


def _with_digest(webhook: Webhook) -> str:
    others = [(name, value) for name, value in _query(webhook.url) if name != BODY_DIGEST]
    digest = hashlib.sha256(webhook.body).hexdigest()
    return urlunsplit(_parts(webhook.url)._replace(query=urlencode([*others, (BODY_DIGEST, digest)])))


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(_parts(url).query, keep_blank_values=True, errors="surrogateescape")


def _parts(url: str) -> SplitResult:
    """The address is made of a Host header, which anybody can write."""
    try:
        return urlsplit(url)
    except ValueError:
        raise SignatureRejected from None


def _spellings(url: str) -> Iterator[str]:
    """
    The address as it came, without its port and with the scheme's own port: Twilio has signed all three. Each also
    with %XX where a web server decoded letters outside ASCII.
    """
    parts = _parts(url)
    host = parts.hostname or ""
    bare = urlunsplit(parts._replace(netloc=host))
    ported = urlunsplit(parts._replace(netloc=f"{host}:{_PORTS.get(parts.scheme, 443)}"))
    for spelling in dict.fromkeys((url, bare, ported)):
        yield spelling
        if not spelling.isascii():
            yield quote(spelling, safe=string.printable)
