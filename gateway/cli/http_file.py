"""Recorded canonical webhooks: reading them, moving them to now, signing them anew."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.recorded import Recorded
from connectors.signing import sign_standard_webhook

_TIMES = frozenset({"timestamp", "occurred_at", "started_at", "ended_at"})


def read_http(recorded: Iterable[Recorded]) -> list[tuple[str, dict[str, Any]]]:
    """(source, envelope) of each canonical call. Raises ValueError, naming the request that is none."""
    found = []
    for number, call in enumerate(recorded, start=1):
        try:
            envelope = json.loads(call.body)
            if not isinstance(envelope, dict):
                raise ValueError
        except ValueError:
            raise ValueError(f"request {number}: the body is no JSON object") from None
        found.append((call.source, envelope))
    return found


def said_now(requests: Iterable[tuple[str, dict[str, Any]]], run: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same requests as a conversation of its own (`run` makes its id new), moved in time so that it ends now."""
    kept = list(requests)
    shift = datetime.now(UTC) - max(datetime.fromisoformat(envelope["timestamp"]) for _, envelope in kept)
    for source, envelope in kept:
        moved = _moved(envelope, shift)
        if run:
            moved["data"]["conversation"]["id"] += f"-{run}"
        yield source, moved


def signed(secret: str, webhook_id: str, body: bytes) -> dict[str, str]:
    """The headers of one Standard Webhooks call, made now."""
    now = int(time.time())
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard_webhook(secret, webhook_id, now, body),
    }


def _moved(value: Any, shift: timedelta) -> Any:
    if isinstance(value, dict):
        return {
            k: (datetime.fromisoformat(v) + shift).isoformat()
            if k in _TIMES and isinstance(v, str)
            else _moved(v, shift)
            for k, v in value.items()
        }
    return [_moved(v, shift) for v in value] if isinstance(value, list) else value
