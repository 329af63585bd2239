"""What a webhook's request must be before anybody looks at its content: a length, a bearable size, no compression."""

from __future__ import annotations

from collections.abc import Collection

from flask import Request
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge, UnsupportedMediaType

MAX_BODY = 1_048_576


IDENTITY = frozenset({"identity"})


def read_body(request: Request, encodings: Collection[str] = IDENTITY) -> bytes:
    """
    The whole body as it came. encodings: the compressions somebody behind us undoes.
    Raises 411 (chunked without a length: some servers cut it silently), 413, 415 (compressed).
    """
    if request.headers.get("Content-Encoding", "identity").lower() not in encodings:
        raise UnsupportedMediaType("Send the body uncompressed.")
    if request.content_length is None:
        raise LengthRequired("Send a Content-Length; chunked bodies are not taken.")
    if request.content_length > MAX_BODY:
        raise RequestEntityTooLarge(f"A webhook may have {MAX_BODY} bytes.")
    return request.get_data(cache=False, parse_form_data=False)
