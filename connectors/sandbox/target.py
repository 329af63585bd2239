"""
Where webhooks are sent. Loopback only: a sandbox must not become a way to make somebody's server call the world.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 10.0


class BadTarget(ValueError):
    """The webhook's address is not on this machine, or no address at all."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where webhooks go. repeat: how often each is sent on purpose (at-least-once). scale: what real seconds of waiting
    between attempts are multiplied by. hold: keep them until released, so that a test can choose the order.
    only: the events wanted; None = all.
    """

    url: str
    secret: str
    repeat: int = 1
    scale: float = 0.01
    hold: bool = False
    timeout: float = TIMEOUT_SECONDS
    only: Collection[str] | None = None


def check_target(url: str) -> None:
    """Raises BadTarget unless `url` is http on a loopback address."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise BadTarget(f"a webhook goes to http://127.0.0.1:<port>/…, not to {url!r}")
    if parts.hostname == "localhost":
        return
    try:
        is_loopback = ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise BadTarget(f"a sandbox sends webhooks to this machine only, not to {parts.hostname!r}")
