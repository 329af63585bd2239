"""The page that shows what arrived, newest first, with buttons that can be pressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined
from werkzeug.wrappers import Response

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox {{ kind }}</title>
<meta name="viewport" content="width=device-width">
<h1>What arrived in {{ kind }}</h1>
{% for m in messages %}<hr><article><h2>{{ m.title }}</h2>
<p>to {{ m.channel }}{% if m.for_user %}, seen by {{ m.for_user }} alone{% endif %}, changed {{ m.changes }} times</p>
<dl>{% for label, value in m.facts %}<dt>{{ label }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
{% for text in m.texts %}<p><strong>{{ text }}</strong></p>{% endfor %}
{% for title, url in m.links %}<p><a href="{{ url }}" rel="noreferrer">{{ title }}</a></p>{% endfor %}
{% if m.buttons %}<form method="post" action="/press"><input type="hidden" name="ts" value="{{ m.ts }}">
<label>as <input name="user" value="U01"></label>
{% for title, action in m.buttons %}<button name="action" value="{{ action }}">{{ title }}</button>{% endfor %}</form>
{% endif %}</article>{% else %}<p>Nothing yet.</p>{% endfor %}</html>"""
_POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)


def shown(kind: str, messages: Sequence[Any]) -> Response:
    views = [_view(m) | {"ts": m.ts, "channel": m.channel, "changes": m.changes, "for_user": m.for_user}
             for m in messages]  # fmt: skip
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    text = _TEMPLATE.render(kind=kind, messages=views)
    return Response(text, 200, headers, content_type="text/html; charset=utf-8")


def _view(message: Any) -> dict[str, Any]:
    return _adaptive(message.body) if "attachments" in message.body else _blocks(message.body)


def _blocks(body: dict[str, Any]) -> dict[str, Any]:
    title, facts, texts = body.get("text", ""), [], []
    links, buttons = [], []
    for block in body.get("blocks", ()):
        facts += [tuple(f["text"].partition("\n")[::2]) for f in block.get("fields", ())]
        if block["type"] == "context":
            texts += [e["text"] for e in block["elements"]]
        elif block["type"] == "actions":
            links += [(e["text"]["text"], e["url"]) for e in block["elements"] if "url" in e]
            buttons += [(e["text"]["text"], e["action_id"]) for e in block["elements"] if "url" not in e]
    return {"title": title, "facts": facts, "texts": texts, "links": links, "buttons": buttons}


def _adaptive(body: dict[str, Any]) -> dict[str, Any]:
    card = body["attachments"][0]["content"]
    texts = [part["text"] for part in card["body"] if part["type"] == "TextBlock"]
    facts = [(f["title"], f["value"]) for part in card["body"] if part["type"] == "FactSet" for f in part["facts"]]
    links = [(action["title"], action["url"]) for action in card.get("actions", ())]
    return {"title": texts[0] if texts else "", "facts": facts, "texts": texts[1:], "links": links, "buttons": []}
