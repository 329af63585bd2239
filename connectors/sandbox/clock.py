"""The sandbox's clock: the real one, plus however far a test has moved it on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]


def _real_now() -> datetime:
    return datetime.now(UTC)


class SandboxClock:
    """`advance` lets two hours pass (for an idempotency key, say) without anybody waiting."""

    def __init__(self, source: Now | None = None) -> None:
        self._source = source or _real_now
        self._moved = timedelta()

    def now(self) -> datetime:
        """The sandbox's time, aware UTC."""
        return self._source() + self._moved

    def advance(self, by: timedelta) -> None:
        """Let `by` pass at once."""
        self._moved += by
