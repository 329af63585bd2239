"""
Where a caller of Vapi is put through to, and what whoever picks up hears first.

source: https://docs.vapi.ai/tools/transfer-call/warm-transfer (transferPlan; Twilio calls only), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping

WHISPER = ("yes", "no")


def destination_of(options: Mapping[str, str], announcement: str | None) -> dict[str, object] | None:
    """None: no destination is configured. announcement: said to whoever picks up, if the source wants that."""
    where = options.get("destination")
    if where is None:
        return None
    found: dict[str, object] = (
        {"type": "sip", "sipUri": where} if where.startswith("sip:") else {"type": "number", "number": where}
    )
    if announcement and options.get("whisper") == "yes":
        found["transferPlan"] = {"mode": "warm-transfer-say-message", "message": announcement}
    return found
