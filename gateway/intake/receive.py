"""
One call of a vendor, from raw bytes to a committed answer. Nothing is stored unless everything is; an answered 2xx
is a promise that everything is. Calls that come in together are stored together (together.py).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError

from connectors.errors import UnsupportedEvent
from connectors.ports import Verified, Webhook
from gateway.conversations.store import Key
from gateway.customers.known import look_up
from gateway.db.work import Work
from gateway.ids import new_id
from gateway.intake.answer import decision_answer
from gateway.intake.judge import judge
from gateway.settings import SourceSettings
from gateway.wiring import Env, Transaction
from packets.conversation import CALLBACKS, fold
from packets.decision import Action
from packets.event import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    body: Mapping[str, Any]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call, verified and parsed, as it waits for its transaction.

    webhook: what is stored of it, without secrets. unsupported: the event type nobody knows.
    """

    source: str
    webhook: Webhook
    verified: Verified
    events: tuple[Event, ...]
    unsupported: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.verified.dedupe_key


@dataclass(frozen=True, slots=True)
class Kept:
    """What a committed transaction made of one call."""

    answer: Answer
    to_ring: Sequence[tuple[str, Work]] = ()


def receive(env: Env, source: SourceSettings, webhook: Webhook) -> Answer:
    """
    Verify, store, fold, judge and answer one call.

    raises: SignatureRejected, MalformedWebhook: nothing was stored. Database errors: nothing is known to be stored,
            and the vendor's re-delivery will find out.
    """
    adapter = env.vendor(source.vendor)
    account = source.account
    verified = adapter.verify(webhook, account)
    kept = replace(without_secrets(webhook, account.secrets), body=adapter.stored(webhook))
    try:
        call = Call(source.name, kept, verified, adapter.parse(webhook, account))
    except UnsupportedEvent as error:
        log.warning("event_unsupported", extra={"source": source.name})
        call = Call(source.name, kept, verified, (), unsupported=error.kind)
    done: Kept
    if any(event.kind in CALLBACKS for event in call.events):  # holds a team's book until its commit, so goes alone
        (done,) = keep(env, [call])
    else:
        done = env.together.do(call, partial(keep, env))
    env.ring(done.to_ring)
    return done.answer


def without_secrets(webhook: Webhook, secrets: Sequence[str]) -> Webhook:
    """Vendors that sign nothing send the secret itself, in a header whose name ops may choose."""
    headers = {name: value for name, value in webhook.headers.items() if not any(secret in value for secret in secrets)}
    return replace(webhook, headers=headers)


def keep(env: Env, calls: Sequence[Call]) -> list[Kept]:
    """All of these calls in one transaction, or none. Raises database errors."""
    try:
        return _in_one_transaction(env, calls)
    except IntegrityError:
        if len(calls) > 1:
            raise  # each will come again by itself
        # The same call, or the same event in another call, is stored already. Rare, so only now do we look for it.
        return _in_one_transaction(env, calls, seen_before=True)


def _in_one_transaction(env: Env, calls: Sequence[Call], *, seen_before: bool = False) -> list[Kept]:
    with env.transaction() as tx:
        answered = tx.intake.answers_to([call.key for call in calls])
        fresh = [call for call in calls if call.key not in answered]
        events = [event for call in fresh for event in call.events]
        tx.conversations.lock([_key(event) for event in events], env.now())
        look_up(tx, events, env.policy.current)
        kept = []
        for call in calls:
            first = answered.get(call.key)
            if first is not None:
                kept.append(Kept(Answer({**first, "duplicate": True}, duplicate=True)))
                continue
            answered[call.key] = answer = _take_call(env, tx, call, seen_before=seen_before)
            kept.append(Kept(Answer(answer), tx.bells()))
        beating = [call.source for call in fresh if env.settings.sources[call.source].heartbeat]
        env.sources.heard(tx.connection, beating, env.now())
    return kept


def _take_call(env: Env, tx: Transaction, call: Call, *, seen_before: bool) -> dict[str, Any]:
    now, webhook_id = env.now(), new_id("whk")
    answer: dict[str, Any] = {"duplicate": False, "decision": {"action": "continue", "rules": []}}
    if call.unsupported is not None:
        answer["ignored"] = f"unknown event type {call.unsupported!r}"
    taken = [take(env, tx, event, webhook_id, now, seen_before=seen_before) for event in call.events]
    for one in sorted(taken, key=_strength):  # of several conversations, the one that needs the most
        answer |= one
    tx.intake.add_webhook(webhook_id, call.source, call.webhook, call.verified, answer)
    return answer


def take(
    env: Env, tx: Transaction, event: Event, webhook_id: str, now: datetime, *, seen_before: bool = False
) -> dict[str, Any]:
    """
    Append one event to its conversation, which is locked, and judge it. An event that came before in another call
    changes nothing; without `seen_before` it is the database that notices (IntegrityError).
    """
    row = tx.conversations.held(_key(event))
    if seen_before:
        first = tx.intake.answer_to_event(event.source, event.event_id)
        if first is not None:
            return {**first, "duplicate": True}
    event_row_id = new_id("evt")
    before = row.state.talked_over.count
    row = replace(row, state=fold(row.state, event), events=row.events + 1)
    tx.intake.add_event(event_row_id, row.id, row.events, webhook_id, event)
    judged = judge(env, tx, row, event=event, event_row_id=event_row_id, now=now)
    tx.conversations.save(judged.row, now)
    if row.state.talked_over.count > before:
        log.warning("bot_talked_over", extra={"source": event.source, "conversation": row.id, "event_id": event_row_id})
    log.log(
        logging.DEBUG if judged.decision.action is Action.CONTINUE else logging.INFO,
        "turn_judged",
        extra={"source": event.source, "conversation": row.id, "event_id": event_row_id, "kind": event.kind.value,
               "action": judged.decision.action.value, "rules": ",".join(judged.decision.because)},
    )  # fmt: skip
    return {
        "event_id": event.event_id,
        "conversation_id": row.id,
        "decision": decision_answer(judged.decision, judged.handoff, is_new=judged.is_new, callback=judged.callback),
    }


def _key(event: Event) -> Key:
    return event.source, event.conversation.vendor_conversation_id


_STRENGTH = {action.value: place for place, action in enumerate(Action)}


def _strength(answer: dict[str, Any]) -> int:
    return _STRENGTH[answer["decision"]["action"]]
