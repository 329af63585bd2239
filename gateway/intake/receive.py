"""
One call of a vendor, from raw bytes to a committed answer. Nothing is stored unless everything is; an answered 2xx
is a promise that everything is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from connectors.errors import UnsupportedEvent
from connectors.ports import Verified, Webhook
from gateway.ids import new_id
from gateway.intake.answer import decision_answer
from gateway.intake.judge import judge
from gateway.settings import SourceSettings
from gateway.wiring import Env, Transaction
from packets.conversation import fold
from packets.decision import Action
from packets.event import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    body: Mapping[str, Any]
    duplicate: bool = False


def receive(env: Env, source: SourceSettings, webhook: Webhook) -> Answer:
    """
    Verify, store, fold, judge and answer one call.

    raises: SignatureRejected, MalformedWebhook: nothing was stored. Database errors: nothing is known to be stored,
            and the vendor's re-delivery will find out.
    """
    adapter = env.vendor(source.vendor)
    verified = adapter.verify(webhook, source.secrets)
    try:
        events = adapter.parse(webhook, source.name)
        unsupported = None
    except UnsupportedEvent as error:
        log.warning("event_unsupported", extra={"source": source.name})
        events, unsupported = (), error.kind
    try:
        return _in_one_transaction(env, source, webhook, verified, events, unsupported)
    except IntegrityError:
        # The same call, or the same event in another call, is stored already. Rare, so only now do we look for it.
        return _in_one_transaction(env, source, webhook, verified, events, unsupported, seen_before=True)


def _in_one_transaction(
    env: Env,
    source: SourceSettings,
    webhook: Webhook,
    verified: Verified,
    events: tuple[Event, ...],
    unsupported: str | None,
    *,
    seen_before: bool = False,
) -> Answer:
    with env.transaction() as tx:
        first = tx.intake.answer_to(source.name, verified.dedupe_key)
        if first is not None:
            return Answer({**first, "duplicate": True}, duplicate=True)
        now, webhook_id = env.now(), new_id("whk")
        answer: dict[str, Any] = {"duplicate": False, "decision": {"action": "continue", "rules": []}}
        if unsupported is not None:
            answer["ignored"] = f"unknown event type {unsupported!r}"
        # In one order everywhere, so that two calls with the same conversations cannot wait for each other for ever.
        ordered = sorted(events, key=lambda e: e.conversation.vendor_conversation_id)
        taken = [take(env, tx, event, webhook_id, now, seen_before=seen_before) for event in ordered]
        for one in sorted(taken, key=_strength):  # of several conversations, the one that needs the most
            answer |= one
        tx.intake.add_webhook(webhook_id, source.name, webhook, verified, answer)
    env.policy.remembered(env.policy.current.revision)
    return Answer(answer)


def take(
    env: Env, tx: Transaction, event: Event, webhook_id: str, now: datetime, *, seen_before: bool = False
) -> dict[str, Any]:
    """
    Append one event to its conversation and judge it. An event that came before in another call changes nothing;
    without `seen_before` it is the database that notices (IntegrityError).
    """
    row = tx.conversations.lock(event.source, event.conversation.vendor_conversation_id, now)
    if seen_before:
        first = tx.intake.answer_to_event(event.source, event.event_id)
        if first is not None:
            return {**first, "duplicate": True}
    event_row_id = new_id("evt")
    row = replace(row, state=fold(row.state, event), events=row.events + 1)
    tx.intake.add_event(event_row_id, row.id, row.events, webhook_id, event)
    judged = judge(env, tx, row, event=event, event_row_id=event_row_id, now=now)
    tx.conversations.save(judged.row, now)
    log.log(
        logging.DEBUG if judged.decision.action is Action.CONTINUE else logging.INFO,
        "turn_judged",
        extra={"source": event.source, "conversation": row.id, "event": event_row_id, "kind": event.kind.value,
               "action": judged.decision.action.value, "rules": ",".join(judged.decision.because)},
    )  # fmt: skip
    return {
        "event_id": event.event_id,
        "conversation_id": row.id,
        "decision": decision_answer(judged.decision, judged.handoff),
    }


_STRENGTH = {action.value: place for place, action in enumerate(Action)}


def _strength(answer: dict[str, Any]) -> int:
    return _STRENGTH[answer["decision"]["action"]]
