"""HTTP answers every sandbox makes: JSON, text, HTML, and the request class that reads large forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response

HTML_PAGE = """<!DOCTYPE html>
<html><head><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""


class Request(WerkzeugRequest):
    """Freshdesk takes a whole description as one multipart field; werkzeug stops at half a megabyte by default."""

    max_form_memory_size = 25 * 1024 * 1024

    def json_body(self) -> Any:
        """The body as JSON; ValueError if it is none, whatever the Content-Type says."""
        raw = self.get_data(cache=True, parse_form_data=False)
        try:
            body = json.loads(raw)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if b"\\ud" in raw.lower():  # perhaps half of a surrogate pair, which is no text
            json.dumps(body, ensure_ascii=False).encode()
        return body

    @property
    def base(self) -> str:
        """Scheme and host without a slash at the end: what links in answers begin with."""
        return self.host_url.rstrip("/")


def json_answer(
    body: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json; charset=utf-8",
) -> Response:
    """One JSON answer, compact, not escaped to ASCII (as all three helpdesks send it)."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers, content_type=content_type)


def text_answer(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """One answer in plain text."""
    return Response(text, status, headers, content_type="text/plain; charset=utf-8")


def html_answer(title: str, text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A page meant for a browser, as proxies, login pages and maintenance windows send it to programs."""
    page = HTML_PAGE.format(title=title, text=text)
    return Response(page, status, headers, content_type="text/html; charset=utf-8")


def empty_answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Status and headers only."""
    return Response(b"", status, headers)


def rule(method: str, path: str, work: Callable[..., Response]) -> Rule:
    """A route whose endpoint is the function that does it."""
    return Rule(path, methods=[method], endpoint=work)
