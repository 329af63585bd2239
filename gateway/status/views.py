"""POST /v1/status/<helpdesk>"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import NotFound

from connectors.ports import Webhook
from connectors.registry import inbound_of
from gateway.intake.limits import read_body
from gateway.status.apply import receive_change
from gateway.wiring import Env

blueprint = Blueprint("status", __name__)


@blueprint.post("/v1/status/<helpdesk>")
def take_status(helpdesk: str) -> Response:
    env: Env = current_app.extensions["baton"]
    configured = env.settings.helpdesks.get(helpdesk)
    if configured is None:
        raise NotFound("There is no helpdesk of that name. Helpdesks stand in baton.yml.")
    inbound = inbound_of(configured.account.kind)
    headers = {name.lower(): value for name, value in request.headers.items()}
    webhook = Webhook(headers, read_body(request), env.now())
    inbound.verify(webhook, configured.webhook_secrets)
    changes = inbound.parse(webhook, configured.own_user_ids)
    with env.transaction() as tx:
        fresh = [receive_change(tx, helpdesk, change, env.now()) for change in changes]
    return jsonify({"changes": len(changes), "duplicates": len(fresh) - sum(fresh)})
