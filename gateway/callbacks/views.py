"""
POST /v1/handoffs/<id>/callback: was the call made; GET /v1/appointments/<id>.ics: for the customer's calendar. Both for
programs, with a bearer token.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, Conflict, NotFound

from gateway.callbacks.invitation import invitation_text
from gateway.callbacks.report import OUTCOMES, NotNow, report
from gateway.callbacks.store import Standing, as_json
from gateway.handoffs.views import with_token
from gateway.wiring import Env

blueprint = Blueprint("callbacks", __name__)


@blueprint.post("/v1/handoffs/<handoff_id>/callback")
@with_token
def settle_callback(handoff_id: str) -> Response:
    """`{"outcome": "kept"}` or `"missed"`. Said again, it changes nothing."""
    env: Env = current_app.extensions["baton"]
    body = request.get_json(silent=True)
    outcome = body.get("outcome") if isinstance(body, dict) else None
    if outcome not in OUTCOMES:
        raise BadRequest('the body must be {"outcome": "kept"} or {"outcome": "missed"}')
    try:
        with env.transaction() as tx:
            return jsonify(as_json(report(tx, handoff_id, Standing(outcome), env.now())))
    except LookupError:
        raise NotFound("There is no handoff of that id that had an appointment.") from None
    except NotNow as error:
        raise Conflict(str(error)) from None


@blueprint.get("/v1/appointments/<appointment_id>.ics")
@with_token
def show_invitation(appointment_id: str) -> Response:
    """As the appointment stands now: an address given out for an earlier version leads to the newest."""
    env: Env = current_app.extensions["baton"]
    with env.reading() as tx:
        asked = tx.appointments.get(appointment_id)
        newest = tx.appointments.last(asked.handoff_id) if asked else None
        handoff = tx.handoffs.get(asked.handoff_id) if asked else None
        row = tx.conversations.get(handoff.conversation_id) if handoff else None
    if newest is None or handoff is None or row is None:
        raise NotFound("There is no appointment of that id.")
    text = invitation_text(newest, env.policy.current, handoff, row.state)
    method = "CANCEL" if newest.state is Standing.CANCELLED else "REQUEST"
    return Response(text, content_type=f"text/calendar; charset=utf-8; method={method}")
