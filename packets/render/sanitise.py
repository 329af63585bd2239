"""
Hostile text made harmless for any helpdesk. Everything a customer, a bot or a vendor wrote is hostile: it may hold
placeholders the helpdesk fills in, tags it renders, signs that turn the line around. What a person would miss stays.
"""

from __future__ import annotations

import re
import unicodedata

_ZERO_WIDTH_SPACE = "\u200b"
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters but tab and newline, lone surrogates, bidi overrides and isolates, invisible tag characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Zendesk (Liquid) and Freshdesk fill in {{ticket.…}}; Liquid also runs {% … %}.
_PLACEHOLDER = re.compile(r"\{(?=[{%])|[}%](?=\})")
# ServiceNow renders [code]…[/code] in journal fields as HTML unless switched off (glide.ui.security.allow_codetag, on
# by default). source: ServiceNow docs, "Render journal field entries as HTML", read 2026-11-21.
_CODE_TAG = re.compile(r"\[(/?code)\]", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\](?=\()")
_MARK = " … [cut here; whole in the attachment]"


def harmless(text: str) -> str:
    """`text` with its lines and words, without what could do something. Done twice it changes nothing more."""
    text = _LINE_ENDS.sub("\n", text)
    text = _SURROGATE.sub("\ufffd", _UNWANTED.sub("", text))
    text = unicodedata.normalize("NFC", text)
    text = _PLACEHOLDER.sub(lambda match: match[0] + _ZERO_WIDTH_SPACE, text)
    text = _CODE_TAG.sub(r"[ \1 ]", text)
    return _MARKDOWN_LINK.sub("] ", text)


def one_line(text: str) -> str:
    """Harmless, on one line, single blanks: for subjects, fields, names."""
    return " ".join(harmless(text).split())


def shortened(text: str, limit: int, mark: str = "…") -> str:
    """
    At most `limit` characters, cut between words, with a visible mark. Never cut within a run of numbers: half a card
    number is none to the redaction that comes after.
    """
    if len(text) <= limit:
        return text
    kept = text[: max(0, limit - len(mark))]
    if not text[len(kept)].isspace():
        kept = kept[: max(kept.rfind(" "), kept.rfind("\n"), 0)]
    return kept.rstrip("0123456789 \t\n-–.,;:/_") + mark


def cut_in_note(text: str, limit: int) -> str:
    """For the short note only: cut with a mark that says where the rest is."""
    return shortened(text, limit, _MARK)
