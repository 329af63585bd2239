"""
Recorded webhooks in `.http` files: request line, headers, a blank line, the body; calls separated by a line `###`,
comments by `#` before the request line. Fixtures, the demo and `baton send` share the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from connectors.ports import Webhook


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded call. Header names are lower case; `target` is the path with its query."""

    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def source(self) -> str:
        return self.target.partition("?")[0].rsplit("/", 1)[-1]

    def webhook(self, received_at: datetime, base_url: str = "https://baton.example") -> Webhook:
        """The call as it would come in at `base_url`, which its Host then names; not signed anew."""
        headers = {**self.headers, "host": urlsplit(base_url).netloc}
        return Webhook(headers, self.body, received_at, url=base_url + self.target)


def read_recorded(data: bytes) -> list[Recorded]:
    """
    Every call of a file. A body is taken byte for byte, without the line end before `###` or the end of the file.

    raises: ValueError, naming the request that is not of this form.
    """
    return [_read(part, number) for number, part in enumerate(_parts(data), start=1)]


def _parts(data: bytes) -> list[bytes]:
    lines = data.replace(b"\r\n", b"\n").lstrip(b"\n")
    return lines.removesuffix(b"\n").removesuffix(b"\n###").split(b"\n###\n")


def _read(part: bytes, number: int) -> Recorded:
    head, _, body = part.partition(b"\n\n")
    rows = [row for row in head.decode("utf-8", "replace").split("\n") if row and not row.startswith("#")]
    try:
        method, target, *_ = rows[0].split()
        if method != "POST" or not target.startswith("/"):
            raise ValueError
        pairs = [row.split(":", 1) for row in rows[1:]]
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
    except (ValueError, IndexError):
        raise ValueError(
            f"request {number}: expected POST /v1/in/<source>, headers, a blank line and the body"
        ) from None
    return Recorded(target, headers, body)
