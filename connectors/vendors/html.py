"""The words of what vendors send as HTML. Some send HTML or plain text by API version: plain text stays as it is."""

from __future__ import annotations

import re
from html import unescape

_BEGINS = re.compile(
    r"\s*<(?:p|div|h[1-6]|ul|ol|li|pre|img|br|hr|blockquote|table|figure|a|b|i|u|em|strong|span|code|html|body)\b[^<>]*>",
    re.IGNORECASE,
)
_LINE_ENDS = re.compile(r"<(?:br|hr|/p|/div|/h[1-6]|/ul|/ol|/li|/pre|/blockquote|/tr|/table)\b[^<>]*>", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[/!a-zA-Z][^<>]*>")


def words(body: str) -> str:
    """A line for each block; list items begin with a dash. A text that does not begin with a tag is no HTML."""
    if not _BEGINS.match(body):
        return body.strip()
    bare = unescape(_TAG.sub("", _ITEM.sub("- ", _LINE_ENDS.sub("\n", body))))
    lines = (" ".join(line.split()) for line in bare.splitlines())
    return "\n".join(line for line in lines if line)
