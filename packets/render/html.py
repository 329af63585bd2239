"""
The private note as HTML: the same blocks as the plain one, everything escaped, and only tags that Zendesk and Freshdesk
both keep (p, br, strong, ul, li, h3, hr, blockquote). No links: an address stays text.
"""

from __future__ import annotations

from html import escape

from packets.handoff import Packet
from packets.render.outline import Block, Bullets, Divider, Heading, Headline, Lines, Said, outline


def html_note(packet: Packet, *, short: bool = False) -> str:
    """As `note`, in HTML."""
    return "\n".join(_spelt(block) for block in outline(packet, short=short))


def _spelt(block: Block) -> str:
    match block:
        case Headline(text):
            return f"<p><strong>{_text(text)}</strong></p>"
        case Heading(text):
            return f"<h3>{_text(text)}</h3>"
        case Lines(text, ""):
            return f"<p>{_text(text)}</p>"
        case Lines(text, strong):
            return f"<p><strong>{_text(strong)}</strong> {_text(text)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>"
        case Said(who, text):
            return f"<p><strong>{_text(who)}</strong></p><blockquote>{_text(text)}</blockquote>"
        case Divider():
            return "<hr>"


def _text(text: str) -> str:
    return escape(text, quote=True).replace("\n", "<br>")
