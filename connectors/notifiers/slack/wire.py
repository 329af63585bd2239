"""
A card as Slack's Block Kit. Pure.

source: Slack developer documentation, "Block Kit" reference (header 150 characters, section fields at most 10 of 2000,
button value 2000, action_id 255) and "Escaping text", read 2026-11-21.
"""

from __future__ import annotations

from typing import Any

from connectors.notifiers.words import headline, lines, standing
from connectors.ports import Card, Press, Standing

HEADER_LIMIT = 150
ACTION = "baton_"  # begins the action_id of our buttons
OPEN_ACTION = "baton_open"  # a link: Slack tells us of the press all the same, and we need nothing from it


def message(card: Card) -> dict[str, Any]:
    """`text` is what notifications and screen readers say; `blocks` is the card."""
    head = headline(card)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": head[:HEADER_LIMIT]}},
        {"type": "section", "fields": [_field(label, value) for label, value in lines(card)]},
    ]
    if card.standing is not Standing.OPEN:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(standing(card))}]})
    if buttons := _buttons(card):
        blocks.append({"type": "actions", "block_id": f"baton_{card.id}", "elements": buttons})
    text = escaped(head if card.standing is Standing.OPEN else f"{head}. {standing(card)}")
    return {"text": text, "blocks": blocks, "unfurl_links": False}


def escaped(text: str) -> str:
    """These three are all that Slack reads as markup of its own (mentions, links, channels)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _field(label: str, value: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": f"*{label}*\n{escaped(value)}"}


def _buttons(card: Card) -> list[dict[str, Any]]:
    buttons: list[dict[str, Any]] = []
    if card.standing is Standing.OPEN:
        buttons += [
            _button("Claim", Press.CLAIM, card.id) | {"style": "primary"},
            _button("Cannot take", Press.DECLINE, card.id),
        ]
    if card.ticket_url:
        text = {"type": "plain_text", "text": "Open"}
        buttons.append({"type": "button", "text": text, "action_id": OPEN_ACTION, "url": card.ticket_url})
    return buttons


def _button(label: str, press: Press, card_id: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "text": text, "action_id": ACTION + press.value, "value": card_id}
