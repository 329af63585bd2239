"""
A card as an Adaptive Card inside the message a Workflows webhook takes. Pure.

source: Microsoft Learn, "Create incoming webhooks with Workflows for Microsoft Teams" (a message with attachments,
Adaptive Cards only) and "Microsoft Teams connector" (a message is at most about 28 KB); adaptivecards.io, schema 1.4.
Read 2026-11-21.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.notifiers.words import headline, lines, standing
from connectors.ports import Card, Press, Standing

_MARKDOWN = re.compile(r"([\\`*\[\]])")
LABELS = {Press.CLAIM: "Claim", Press.DECLINE: "Cannot take"}


def message(card: Card) -> dict[str, Any]:
    # A TextBlock reads Markdown, and only there a name could become a link.
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": plain(headline(card)), "size": "Large", "weight": "Bolder", "wrap": True},
        {"type": "FactSet", "facts": [{"title": label, "value": plain(value)} for label, value in lines(card)]},
    ]
    if told := standing(card):
        body.append({"type": "TextBlock", "text": plain(told), "weight": "Bolder", "wrap": True})
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": _actions(card),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def plain(text: str) -> str:
    """Text that makes no link and no emphasis."""
    return _MARKDOWN.sub(r"\\\1", text)


def _actions(card: Card) -> list[dict[str, str]]:
    open_links = card.links if card.standing is Standing.OPEN else {}
    found = [_link(LABELS[press], open_links[press]) for press in Press if press in open_links]
    return [*found, _link("Open", card.ticket_url)] if card.ticket_url else found


def _link(title: str, url: str) -> dict[str, str]:
    return {"type": "Action.OpenUrl", "title": title, "url": url}
