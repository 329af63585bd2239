"""POST /v1/in/<source>"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

from connectors.ports import Webhook
from gateway.intake.limits import read_body
from gateway.intake.receive import receive
from gateway.wiring import Env

blueprint = Blueprint("intake", __name__)


@blueprint.route("/v1/in/<source>", methods=["POST", "HEAD"])
def take_webhook(source: str) -> Response:
    """HEAD is how some vendors ask whether anybody is there before they post."""
    env: Env = current_app.extensions["baton"]
    configured = env.settings.sources.get(source)
    if configured is None:
        raise NotFound("There is no source of that name. Sources stand in baton.yml.")
    if request.method == "HEAD":
        return Response()
    adapter = env.vendor(configured.vendor)
    headers = {name.lower(): value for name, value in request.headers}
    body = read_body(request, adapter.capabilities.encodings)
    webhook = Webhook(headers, body, env.now(), url=_as_called(env.settings.public_url))
    told = receive(env, configured, webhook).body
    answer = adapter.answer(webhook, configured.account, told)
    return Response(answer.body, answer.status, content_type=answer.content_type)


def _as_called(public_url: str | None) -> str:
    """The address as the vendor wrote it. Behind a proxy only `public_url` knows; headers can be forged."""
    if public_url is None:
        return request.url
    return public_url + request.full_path.removesuffix("?")
