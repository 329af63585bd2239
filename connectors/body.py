"""
A webhook's bytes as JSON, strictly: what the standard library lets through and later breaks a database, a log or a
parser is refused or replaced here. (Depth, NaN, duplicate keys, NUL, lone surrogates: reliability notes in
docs/architecture.md.)
"""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from connectors.errors import MalformedWebhook

MAX_DEPTH = 64
MAX_PARAMETERS = 1000
# A string that never ends swallows the rest: looked for again from each quote in it, it would cost hours.
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Only these escapes, or a raw byte of them, can bring an unstorable character in: the common body skips the walk.
_MAY_BE_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def json_body(raw: bytes) -> Any:
    """
    The JSON value of a webhook body. NUL and lone surrogates in strings become U+FFFD (no database takes them).
    Raises MalformedWebhook: not UTF-8, not JSON, deeper than MAX_DEPTH, NaN, Infinity or a number as large, a key twice
    in one object.
    """
    if _may_be_deep(raw) and _depth(raw) > MAX_DEPTH:
        raise MalformedWebhook(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedWebhook(f"the body is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise MalformedWebhook(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except (RecursionError, ValueError) as error:  # ValueError: an integer of more than 4300 digits
        raise MalformedWebhook("the body is not JSON we can read: a number is too long") from error
    return _storable(value) if _MAY_BE_UNSTORABLE.search(raw) else value


def inflated(raw: bytes, *, most: int) -> bytes:
    """
    A `Content-Encoding: deflate` body (zlib, RFC 9110) as it was before. A body that is plain JSON all the same,
    unpacked on its way to us, comes back unchanged; zlib never begins like JSON.
    Raises MalformedWebhook: not deflate, cut off, or more than `most` bytes.
    """
    if raw.lstrip()[:1] in (b"{", b"["):
        return raw
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(raw, most + 1)
    except zlib.error:
        raise MalformedWebhook("the body says it is compressed by deflate, and is not") from None
    if len(body) > most:
        raise MalformedWebhook(f"the compressed body holds more than {most} bytes")
    if not unpacking.eof:
        raise MalformedWebhook("the compressed body is not whole")
    return body


def form_pairs(raw: bytes) -> list[tuple[str, str]]:
    """
    The parameters of an `application/x-www-form-urlencoded` body, decoded and in order, empty and repeated ones too:
    what a signature covers. Raises MalformedWebhook: not UTF-8, or more than MAX_PARAMETERS.
    """
    try:
        return parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError as error:
        raise MalformedWebhook("the form is not UTF-8") from error
    except ValueError as error:
        raise MalformedWebhook(f"the form has more than {MAX_PARAMETERS} parameters") from error


def form_body(raw: bytes) -> dict[str, str]:
    """The same as one value a name, the first, and fit to be stored. Raises MalformedWebhook."""
    return dict(_storable([list(pair) for pair in form_pairs(raw)[::-1]]))


def _may_be_deep(raw: bytes) -> bool:
    """No body is nested deeper than it has opening brackets: two quick counts spare most bodies the slow look."""
    return raw.count(b"[") + raw.count(b"{") > MAX_DEPTH


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for bracket in _STRINGS.sub(b"", raw).translate(None, _NO_BRACKETS):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _no_constant(name: str) -> NoReturn:
    raise MalformedWebhook(f"the body is not JSON: {name} is not a JSON number")


def _finite(digits: str) -> float:
    """1e999 is good JSON, and infinity to every reader: it could be stored by nobody."""
    found = float(digits)
    if not math.isfinite(found):
        raise MalformedWebhook("the body is not usable JSON: a number is larger than any reader holds")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedWebhook("the body is not usable JSON: an object has the same key twice")
    return found


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant, object_pairs_hook=_unique)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("�", value)
    if isinstance(value, dict):
        return {_storable(k): _storable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_storable(v) for v in value]
    return value
