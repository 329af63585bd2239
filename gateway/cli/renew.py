"""
A recorded call as a conversation of its own: every id the adapter reads in it is replaced by another of the same
shape, so that a fixture can be played again and again. Words, times and everything else stay.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote_plus

from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAdapter, Webhook
from packets.event import Event

SHORTEST = 4  # a shorter id may stand anywhere in a body


def renewed(webhook: Webhook, adapter: VendorAdapter, account: VendorAccount, run: str) -> Webhook:
    """
    run: the same for all calls of one playing, so that they stay one conversation. A call the adapter cannot read
    comes back as it is.
    """
    try:
        events = adapter.parse(webhook, account)
    except (MalformedWebhook, UnsupportedEvent):
        return webhook
    body, headers = webhook.body, dict(webhook.headers)
    for old in sorted(set(_ids(events, body)), key=len, reverse=True):
        new = same_shape(old, run)
        body = body.replace(old.encode(), new.encode()).replace(quote_plus(old).encode(), quote_plus(new).encode())
        headers = {name: value.replace(old, new) for name, value in headers.items()}
    return replace(webhook, body=body, headers=headers)


def _ids(events: Iterable[Event], body: bytes) -> Iterable[str]:
    for event in events:
        conversation = event.conversation.vendor_conversation_id
        # One an adapter has put together (two telephone numbers) stands in the body in its parts only.
        parts = [conversation] if conversation.encode() in body else conversation.split("|")
        ids = [*parts, event.event_id, *(t.message_id or "" for t in event.turns)]
        yield from (found for found in ids if len(found) >= SHORTEST)


def same_shape(old: str, run: str) -> str:
    """Digits stay digits, hex stays hex, other letters letters, the rest as it is; the first character stays."""
    noise = hashlib.sha256(f"{run}|{old}".encode()).digest() * (len(old) // 32 + 1)
    is_hex = all(c in string.hexdigits + "-" for c in old)
    return old[0] + "".join(_like(c, n, is_hex=is_hex) for c, n in zip(old[1:], noise, strict=False))


def _like(char: str, noise: int, *, is_hex: bool) -> str:
    if char.isdigit():
        return str(noise % 10)
    if not (char.isascii() and char.isalpha()):
        return char
    letters = "abcdef" if is_hex else string.ascii_lowercase
    found = letters[noise % len(letters)]
    return found.upper() if char.isupper() else found
