"""The private note as plain text. What others wrote is set in, so that no line of theirs can pass for one of ours."""

from __future__ import annotations

from collections.abc import Iterable

from packets.handoff import Packet
from packets.render.outline import Block, Bullets, Divider, Heading, Headline, Lines, Said, outline

_INSET = "  | "


def note(packet: Packet, *, short: bool = False) -> str:
    """The packet in an agent's reading order; `short` leaves out the transcript and says that it is attached."""
    return spelt(outline(packet, short=short))


def spelt(blocks: Iterable[Block]) -> str:
    return "\n".join(_spelt(block) for block in blocks).strip() + "\n"


def _spelt(block: Block) -> str:
    match block:
        case Headline(text):
            return text
        case Heading(text):
            return f"\n{text.upper()}"
        case Lines(text, strong):
            inset = _INSET if "\n" in text and not strong else ""
            return inset + _lines(f"{strong} {text}".strip())
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Said(who, text):
            return f"{who}\n{_INSET}{_lines(text)}"
        case Divider():
            return f"\n{'-' * 40}"


def _lines(text: str) -> str:
    return text.replace("\n", f"\n{_INSET}")
