"""The plain pages that show tickets as an agent sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request
from connectors.sandbox.desk import NoSuchTicket
from connectors.sandbox.html import clean

if TYPE_CHECKING:
    from connectors.sandbox.server import Sandbox

HERE: Final = Path(__file__).parent
# Whatever slipped through the cleaning could still neither run nor load.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'"
)


class Page:
    """`/`, `/tickets/<id>`, their attachments and their stylesheet. GET only."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._style = (HERE / "templates" / "style.css").read_text(encoding="utf-8")
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def answer(self, request: Request) -> Response | None:
        """The page asked for; None if the path is none of ours."""
        path = request.path
        if path == "/":
            return self._list()
        if path == "/style.css":
            return Response(self._style, content_type="text/css; charset=utf-8")
        if not path.startswith("/tickets/"):
            return None
        ticket_id, _, file_id = path.removeprefix("/tickets/").partition("/files/")
        try:
            return self._file(ticket_id, file_id) if file_id else self._ticket(ticket_id)
        except NoSuchTicket:
            return self._html("missing.html", 404, ticket_id=ticket_id)

    def _list(self) -> Response:
        with self._sandbox.lock:
            views = list(reversed(self._sandbox.desk.views()))
        return self._html("list.html", tickets=views[:200], total=len(views))

    def _ticket(self, ticket_id: str) -> Response:
        with self._sandbox.lock:
            view = self._sandbox.desk.view(ticket_id)
        return self._html("ticket.html", ticket=view, shown=_shown)

    def _file(self, ticket_id: str, file_id: str) -> Response:
        """As text to read, or as a download: never as something a browser would run."""
        with self._sandbox.lock:
            view = self._sandbox.desk.view(ticket_id)
        for file in view.attachments:
            if file.file_id == file_id:
                is_text = file.content_type.startswith("text/plain")
                content_type = "text/plain; charset=utf-8" if is_text else "application/octet-stream"
                headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": POLICY}
                return Response(file.content, 200, headers, content_type=content_type)
        return self._html("missing.html", 404, ticket_id=file_id)

    def _html(self, template: str, status: int = 200, **values: object) -> Response:
        text = self._templates.get_template(template).render(title=self._sandbox.desk.title, **values)
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(text, status, headers, content_type="text/html; charset=utf-8")


def _shown(html: str) -> Markup:
    """Cleaned once more, though it was cleaned when it was stored."""
    return Markup(clean(html))  # noqa: S704 - clean leaves nothing that could run
