"""The packet as ticket fields under neutral names; a field map says which field of one helpdesk takes which."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from packets.handoff import Packet
from packets.render.sanitise import one_line


def neutral_fields(packet: Packet) -> dict[str, str]:
    """Always these names; "" where nothing is known. respond_by is in UTC, to the second."""
    return {
        "packet_id": packet.packet_id,
        "reason": one_line(packet.reason.headline),
        "channel": one_line(packet.channel),
        "tier": one_line(packet.tier),
        "respond_by": time_text(packet.respond_by),
        "rules": ",".join(one_line(rule.rule) for rule in packet.reason.rules),
        "source": one_line(packet.source),
        "conversation_url": web_address(packet.url),
        "completeness": f"{packet.completeness:.2f}",
        "language": one_line(packet.language or ""),
    }


def time_text(time: datetime) -> str:
    """An aware time as every helpdesk's text field takes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def web_address(url: str | None) -> str:
    """The link if it is one a browser may safely open (an agent will click it), else ""."""
    address = one_line(url or "")
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.netloc and " " not in address else ""
