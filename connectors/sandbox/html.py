"""
What is left of somebody's HTML when a helpdesk shows it: a short list of harmless tags, everything else as text.
Both Zendesk and Freshdesk clean what they store; comments and data- attributes do not survive.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"br", "hr"})
SILENT: Final = frozenset({"script", "style", "title", "template"})  # their content is no text
HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS: Final = frozenset(
    (*HEADINGS, "blockquote", "br", "dd", "div", "dl", "dt", "hr", "li", "ol", "p", "pre", "table", "tr", "ul")
)
ALLOWED: Final = BLOCKS | {"a", "b", "code", "em", "i", "span", "strong", "tbody", "td", "th", "thead", "u"}
SAFE_LINK: Final = re.compile(r"(https?://|mailto:)", re.IGNORECASE)


class _Cleaner(HTMLParser):
    """Rebuilds the document from allowed tags only, and collects its words on the side."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.html: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent += 1
        if tag in BLOCKS:
            self.text.append("\n")
        if tag not in ALLOWED or self._silent:
            return
        href = next((value for name, value in attrs if name == "href" and value), None)
        link = f' href="{escape(href)}" rel="noreferrer"' if tag == "a" and href and SAFE_LINK.match(href) else ""
        self.html.append(f"<{tag}{link}>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in BLOCKS:
            self.text.append("\n")
        if tag not in self._open or self._silent:
            return
        while True:  # close whatever was left open inside, so that the page around it stays whole
            closing = self._open.pop()
            self.html.append(f"</{closing}>")
            if closing == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.html.append(escape(data, quote=False))
        self.text.append(data)

    def finish(self) -> None:
        self.close()
        self.html.extend(f"</{tag}>" for tag in reversed(self._open))
        self._open.clear()


def clean_and_text(html: str) -> tuple[str, str]:
    """The same HTML with nothing in it that could act or load, and its words, one block to a line."""
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.finish()
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(cleaner.text))
    return "".join(cleaner.html), re.sub(r"\n{3,}", "\n\n", text).strip()


def clean(html: str) -> str:
    """The cleaned HTML alone."""
    return clean_and_text(html)[0]


def paragraphs(text: str, attribute: str = "") -> str:
    """Plain text as escaped HTML: an empty line begins a paragraph, a line break stays one."""
    parts = re.split(r"\n{2,}", text.strip("\n"))
    return "".join(f"<p{attribute}>{escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts)
