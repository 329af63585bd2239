"""GET /v1/handoffs, /v1/handoffs/<id>, /v1/conversations/<id>: for programs, with a bearer token."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, NotFound

from gateway.callbacks.store import as_json as appointment_json
from gateway.delivery.store import DeliveryState
from gateway.handoffs.store import as_json
from gateway.notify.shown import ladders_of, warnings_of
from gateway.problems import problem
from gateway.sla.explaining import clocks_json, effects_json
from gateway.wiring import Env, Transaction
from packets.conversation import TalkedOver
from packets.schemas.packet import canonical_json

blueprint = Blueprint("handoffs", __name__)
MOST = 100


def with_token(view: Callable[..., Response]) -> Callable[..., Response]:
    """Only for bearers of one of BATON_API_TOKENS."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Response:
        env: Env = current_app.extensions["baton"]
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not any(hmac.compare_digest(offered, token.encode()) for token in env.settings.api_tokens):
            return problem(401, "Unauthorized", WWW_Authenticate="Bearer")
        return view(*args, **kwargs)

    return guarded


@blueprint.get("/v1/handoffs")
@with_token
def list_handoffs() -> Response:
    """Newest first. `?limit=`, `?state=` (of the delivery), `?cursor=` from the page before."""
    env: Env = current_app.extensions["baton"]
    limit = request.args.get("limit", 50, type=int)
    if not 1 <= limit <= MOST:
        raise BadRequest(f"limit must be between 1 and {MOST}")
    cursor, state = _cursor(request.args.get("cursor")), _state(request.args.get("state"))
    with env.reading() as tx:
        views = tx.handoffs.page(limit + 1, cursor, state=state)
    page = views[:limit]
    more = _cursor_of(page[-1].handoff.promised_at, page[-1].handoff.id) if len(views) > limit else None
    return jsonify({"handoffs": [as_json(view) for view in page], "next_cursor": more})


@blueprint.get("/v1/handoffs/<handoff_id>")
@with_token
def show_handoff(handoff_id: str) -> Response:
    env: Env = current_app.extensions["baton"]
    with env.reading() as tx:
        view = tx.handoffs.view(handoff_id)
        if view is None:
            raise NotFound("There is no handoff of that id.")
        packet = tx.handoffs.packet_of(handoff_id)
        return jsonify(
            {
                **as_json(view),
                "clocks": _clocks(tx, handoff_id),
                "ladders": ladders_of(tx, handoff_id),
                "chat": warnings_of(tx, handoff_id),
                "appointments": [appointment_json(version) for version in tx.appointments.of_handoff(handoff_id)],
                "packet": packet and json.loads(canonical_json(packet)),
            }
        )


@blueprint.get("/v1/handoffs/<handoff_id>/clocks")
@with_token
def explain_clocks(handoff_id: str) -> Response:
    """Why each clock shows what it shows: every stretch of it with its cause and seconds."""
    env: Env = current_app.extensions["baton"]
    with env.reading() as tx:
        if tx.handoffs.get(handoff_id) is None:
            raise NotFound("There is no handoff of that id.")
        return jsonify(clocks_json(tx, handoff_id, env.now()))


@blueprint.get("/v1/conversations/<conversation_id>")
@with_token
def show_conversation(conversation_id: str) -> Response:
    """Where a conversation stands and what was decided on each of its events. No transcript: that is in the packet."""
    env: Env = current_app.extensions["baton"]
    with env.reading() as tx:
        row = tx.conversations.get(conversation_id)
        if row is None:
            raise NotFound("There is no conversation of that id.")
        decisions = tx.intake.decisions_of(conversation_id)
        handoffs = tx.handoffs.page(MOST, conversation_id=conversation_id)
    return jsonify(
        {
            "id": row.id,
            "source": row.state.source,
            "vendor_conversation_id": row.state.vendor_conversation_id,
            "holder": row.state.holder.value,
            "bot_talked_over": _talked_over(row.state.talked_over),
            "channel": row.state.channel.value,
            "events": row.events,
            "turns": row.state.turns,
            "open_handoff_id": row.open_handoff_id,
            "decisions": [
                {
                    "at": at.isoformat(),
                    "action": action,
                    "rules": because.split(",") if because else [],
                    "policy": policy,
                }
                for at, action, because, policy, *_ in decisions
            ],
            "handoffs": [as_json(view) for view in handoffs],
        }
    )


def _talked_over(known: TalkedOver) -> dict[str, Any]:
    last_at = known.last_at.isoformat() if known.last_at else None
    return {"count": known.count, "turns": list(known.turns), "last_at": last_at}


def _clocks(tx: Transaction, handoff_id: str) -> list[dict[str, Any]]:
    return [
        {
            "metric": clock.metric,
            "tier": clock.tier,
            "state": clock.state,
            "started_at": clock.started_at.isoformat() if clock.started_at else None,
            "target_seconds": clock.target_seconds,
            "due_at": clock.due_at.isoformat() if clock.due_at else None,
            "stopped_at": clock.stopped_at.isoformat() if clock.stopped_at else None,
            "outcome": clock.outcome,
            "effects": effects_json(tx, clock.id),
        }
        for clock in tx.clocks.of_handoff(handoff_id)
    ]


def _cursor_of(at: datetime, last_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{last_id}".encode()).decode()


def _cursor(text: str | None) -> tuple[datetime, str] | None:
    if not text:
        return None
    try:
        at, last_id = base64.urlsafe_b64decode(text).decode().split("|", 1)
        then = datetime.fromisoformat(at)
        if then.tzinfo is None or not last_id.isprintable():
            raise ValueError
        return then.astimezone(UTC), last_id
    except (binascii.Error, ValueError, OverflowError):
        raise BadRequest("cursor is not one we gave out") from None


def _state(text: str | None) -> str | None:
    if text and text not in {*DeliveryState}:
        raise BadRequest(f"state is that of the delivery: {', '.join(DeliveryState)}")
    return text
