"""
The sandbox's own calls under /_sandbox/: what tests and the demo use to look at tickets, to play the agent, and to ask
for faults. None of it exists in a real helpdesk.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from connectors.sandbox.accounts import DEFAULT_AGENT
from connectors.sandbox.answers import Request, json_answer, rule
from connectors.sandbox.desk import CannotDo, Deed, NoSuchTicket, Settings, ticket_json
from connectors.sandbox.faults import BadFault
from connectors.sandbox.target import BadTarget, Target

if TYPE_CHECKING:
    from connectors.sandbox.server import Sandbox

PREFIX: Final = "/_sandbox"
# Control call → the key of its body that says what is wanted.
DEEDS: Final = {
    "reply": "text",
    "note": "text",
    "assign": "agent",
    "status": "status",
    "priority": "priority",
    "rate": "score",
}


class BadControl(ValueError):
    """The body of a control call makes no sense."""


class Control:
    """The calls under /_sandbox/ of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._map = Map(
            [
                rule("GET", "/tickets", self._tickets),
                rule("GET", "/tickets/<ticket_id>", self._ticket),
                rule("POST", "/tickets/<ticket_id>/<any(" + ",".join(DEEDS) + "):kind>", self._act),
                rule("POST", "/reset", self._reset),
                rule("GET", "/faults", self._list_faults),
                rule("POST", "/faults", self._add_faults),
                rule("DELETE", "/faults", self._clear_faults),
                rule("GET", "/settings", self._show_settings),
                rule("POST", "/settings", self._change_settings),
                rule("POST", "/clock", self._advance),
                rule("POST", "/webhook", self._set_webhook),
                rule("DELETE", "/webhook", self._clear_webhook),
                rule("GET", "/webhook/deliveries", self._deliveries),
                rule("POST", "/webhook/deliveries/<int:number>/redeliver", self._redeliver),
                rule("POST", "/webhook/release", self._release),
                rule("GET", "/calls", self._calls),
            ]
        )

    def answer(self, request: Request) -> Response:
        """Do one control call. Answers 400 or 404 with a sentence, never a page."""
        try:
            work, arguments = self._map.bind("").match(request.path.removeprefix(PREFIX), request.method)
        except HTTPException as error:
            return _error(f"{request.method} {request.path}: {error.name}", error.code or 404)
        try:
            response: Response = work(request, **arguments)
        except NoSuchTicket as error:
            return _error(f"there is no ticket {error}", 404)
        except (BadControl, BadFault, BadTarget, CannotDo) as error:
            return _error(str(error), 400)
        return response

    # Tickets

    def _tickets(self, request: Request) -> Response:
        return json_answer(self._sandbox.tickets())

    def _ticket(self, request: Request, ticket_id: str) -> Response:
        with self._sandbox.lock:
            view = self._sandbox.desk.view(ticket_id)
        return json_answer(ticket_json(view))

    def _act(self, request: Request, ticket_id: str, kind: str) -> Response:
        """From a program (JSON, answered with the ticket) or from the page's form (sent back to the page)."""
        is_form = request.mimetype == "application/x-www-form-urlencoded"
        sent = request.form.to_dict() if is_form else _object(request)
        value = sent.get(DEEDS[kind]) or (DEFAULT_AGENT if kind == "assign" else "")
        if not value:
            raise BadControl(f"{kind} needs {DEEDS[kind]!r}: what to {kind}")
        self._sandbox.act(ticket_id, Deed(kind, str(value), str(sent.get("agent") or DEFAULT_AGENT)))
        return redirect(f"/tickets/{ticket_id}", 303) if is_form else self._ticket(request, ticket_id)

    def _reset(self, request: Request) -> Response:
        self._sandbox.reset()
        return json_answer({"ok": True})

    # Faults, settings, clock

    def _list_faults(self, request: Request) -> Response:
        return json_answer(self._sandbox.faults.as_json())

    def _add_faults(self, request: Request) -> Response:
        sent = _json(request)
        wanted = [sent] if isinstance(sent, dict) else sent
        if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
            raise BadControl("faults are a list of objects with at least a kind")
        self._sandbox.faults.add_all(wanted)
        return json_answer(self._sandbox.faults.as_json(), 201)

    def _clear_faults(self, request: Request) -> Response:
        self._sandbox.faults.clear()
        return json_answer([])

    def _show_settings(self, request: Request) -> Response:
        return json_answer(asdict(self._sandbox.settings))

    def _change_settings(self, request: Request) -> Response:
        sent = _object(request)
        known = {f.name for f in fields(Settings)}
        if unknown := sorted(set(sent) - known):
            raise BadControl(f"unknown setting {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        with self._sandbox.lock:
            for name, value in sent.items():
                if name == "limits":  # the desk holds on to this dict
                    self._sandbox.settings.limits.clear()
                    self._sandbox.settings.limits.update(value)
                else:
                    setattr(self._sandbox.settings, name, value)
        return self._show_settings(request)

    def _advance(self, request: Request) -> Response:
        seconds = _object(request).get("advance_seconds")
        if not isinstance(seconds, int | float):
            raise BadControl("clock needs 'advance_seconds': a number")
        self._sandbox.clock.advance(timedelta(seconds=seconds))
        return json_answer({"now": self._sandbox.clock.now().isoformat()})

    # Webhooks

    def _set_webhook(self, request: Request) -> Response:
        sent = _object(request)
        if not isinstance(sent.get("url"), str) or not isinstance(sent.get("secret"), str):
            raise BadControl("webhook needs 'url' and 'secret'")
        known = {f.name for f in fields(Target)}
        if unknown := sorted(set(sent) - known):
            raise BadControl(f"unknown webhook option {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        self._sandbox.webhooks.point_to(Target(**sent))
        return json_answer({"url": sent["url"]}, 201)

    def _clear_webhook(self, request: Request) -> Response:
        self._sandbox.webhooks.point_to(None)
        return json_answer({"url": None})

    def _deliveries(self, request: Request) -> Response:
        return json_answer(self._sandbox.webhooks.as_json())

    def _redeliver(self, request: Request, number: int) -> Response:
        if not self._sandbox.webhooks.redeliver(number):
            return _error(f"there is no delivery {number}", 404)
        return json_answer({"id": number}, 202)

    def _release(self, request: Request) -> Response:
        numbers = _object(request).get("ids")
        return json_answer({"released": self._sandbox.webhooks.release(numbers)}, 202)

    def _calls(self, request: Request) -> Response:
        """The API calls so far, without their bodies: method, path, status, fault."""
        return json_answer(self._sandbox.calls())


def _error(detail: str, status: int) -> Response:
    return json_answer({"error": detail}, status)


def _json(request: Request) -> Any:
    try:
        return request.json_body() if request.get_data() else {}
    except ValueError as error:
        raise BadControl(f"the body is no JSON: {error}") from error


def _object(request: Request) -> dict[str, Any]:
    body = _json(request)
    if not isinstance(body, dict):
        raise BadControl("the body is no JSON object")
    return body
