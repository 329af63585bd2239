"""POST /v1/in/<source>"""

from __future__ import annotations

import json

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

from connectors.ports import Webhook
from gateway.intake.limits import read_body
from gateway.intake.receive import receive
from gateway.wiring import Env

blueprint = Blueprint("intake", __name__)


@blueprint.post("/v1/in/<source>")
def take_webhook(source: str) -> Response:
    env: Env = current_app.extensions["baton"]
    configured = env.settings.sources.get(source)
    if configured is None:
        raise NotFound("There is no source of that name. Sources stand in baton.yml.")
    headers = {name.lower(): value for name, value in request.headers}
    answer = receive(env, configured, Webhook(headers, read_body(request), env.now()))
    return Response(json.dumps(answer.body, separators=(",", ":")), content_type="application/json")
