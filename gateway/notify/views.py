"""POST /v1/notify/<notifier>/actions: buttons, signed by the chat; …/links/<token>: links, signed by us."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template_string, request
from werkzeug.exceptions import BadRequest, NotFound

from connectors.errors import SignatureRejected
from connectors.ports import NotifierAccount, Press, Pressed, Webhook
from connectors.registry import notifier_inbound
from gateway.intake.limits import read_body
from gateway.notify.links import read_token
from gateway.notify.press import pressed_on
from gateway.wiring import Env
from policies.sla.roster import Team

blueprint = Blueprint("notify", __name__)
NAME_LIMIT = 80
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Baton</title>
<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
<h1>{{ title }}</h1>
{% if said %}<p>{{ said }}</p>{% else %}
<form method="post"><label>Your name <input name="name" required maxlength="80" autofocus></label>
<button>{{ title }}</button></form>{% endif %}</html>"""
_TITLES = {Press.CLAIM: "Claim this handoff", Press.DECLINE: "Say that you cannot take it"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@blueprint.post("/v1/notify/<notifier>/actions")
def take_action(notifier: str) -> Response:
    """A button pressed in a chat. Answered at once; what it leads to is sent by jobs."""
    env, account = _configured(notifier)
    inbound = notifier_inbound(account.kind)
    if inbound is None:
        raise NotFound("This chat sends no actions; its cards have links.")
    webhook = Webhook({name.lower(): value for name, value in request.headers.items()}, read_body(request), env.now())
    inbound.verify(webhook, account.secrets)
    pressed = inbound.parse(webhook)
    if pressed is not None:
        with env.transaction() as tx:
            who = _member(env, notifier, pressed.user_id) or f"{pressed.user_name} ({notifier})"
            pressed_on(tx, notifier, pressed, who, env.now())
    return Response(status=200)


@blueprint.route("/v1/notify/<notifier>/links/<token>", methods=["GET", "POST"])
def take_link(notifier: str, token: str) -> Response:
    """GET shows a page and changes nothing; its button posts."""
    env, account = _configured(notifier)
    try:
        if not account.link_secret:
            raise SignatureRejected
        card_id, press = read_token(account.link_secret, token, env.now())
    except SignatureRejected:
        return _page("This link is not valid any more", "Open the handoff in your helpdesk instead.", status=410)
    if request.method == "GET":
        return _page(_TITLES[press])
    name = " ".join(request.form.get("name", "").split())[:NAME_LIMIT]
    if not name:
        raise BadRequest("Say who you are: the form's field `name`.")
    with env.transaction() as tx:
        who = name if _is_member(env, name) else f"{name} ({notifier})"
        outcome = pressed_on(tx, notifier, Pressed(press, card_id, name, name), who, env.now())
    return _page(_TITLES[press], outcome.text, status=200 if outcome.accepted else 409)


def _configured(notifier: str) -> tuple[Env, NotifierAccount]:
    env: Env = current_app.extensions["baton"]
    configured = env.settings.notifiers.get(notifier)
    if configured is None:
        raise NotFound("There is no notifier of that name. Notifiers stand in baton.yml.")
    return env, configured.account


def _page(title: str, said: str = "", *, status: int = 200) -> Response:
    text = render_template_string(_PAGE, title=title, said=said)
    return Response(text, status, _HEADERS, content_type="text/html; charset=utf-8")


def _member(env: Env, notifier: str, user_id: str) -> str | None:
    """Who of the rosters is reached there."""
    reach = f"{notifier}:{user_id}"
    return next((m.name for team in _teams(env) for m in team.members if m.reach == reach), None)


def _is_member(env: Env, name: str) -> bool:
    return any(team.member(name) for team in _teams(env))


def _teams(env: Env) -> list[Team]:
    return list(env.policy.current.rosters.values())
