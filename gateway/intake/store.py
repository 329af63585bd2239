"""SQL for webhooks, events and decisions: what came in and what we made of it. Append-only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from connectors.ports import Verified, Webhook
from gateway.db.rows import WaitingRows, by_source
from gateway.db.tables import decisions, events, webhooks
from packets.codec import from_json, to_json
from packets.decision import Action, Decision
from packets.event import Event

# Never stored: they would let whoever reads the table sign or authenticate.
_SECRET_HEADERS = ("authorization", "cookie", "signature", "token", "secret", "api-key", "apikey", "password")

_ANSWERS = select(webhooks.c.dedupe_key, webhooks.c.answer).where(
    webhooks.c.source == bindparam("source"), webhooks.c.dedupe_key.in_(bindparam("keys", expanding=True))
)
_ADD_WEBHOOK, _ADD_EVENT, _ADD_DECISION = insert(webhooks), insert(events), insert(decisions)
_ANSWER_OF_EVENT = (
    select(webhooks.c.answer)
    .join(events, events.c.webhook_id == webhooks.c.id)
    .where(events.c.source == bindparam("source"), events.c.event_id == bindparam("event_id"))
)

Call = tuple[str, str]  # source, dedupe key


class IntakeStore:
    def __init__(self, connection: Connection, rows: WaitingRows) -> None:
        self._db = connection
        self._rows = rows

    def answers_to(self, calls: Iterable[Call]) -> dict[Call, dict[str, Any]]:
        """What those of these calls that came before were answered the first time."""
        return {
            (source, key): json.loads(answer)
            for source, keys in by_source(calls).items()
            for key, answer in self._db.execute(_ANSWERS, {"source": source, "keys": keys})
        }

    def answer_to_event(self, source: str, event_id: str) -> dict[str, Any] | None:
        """What the call that first brought this event was answered."""
        self._rows.flush()
        found = self._db.execute(_ANSWER_OF_EVENT, {"source": source, "event_id": event_id}).scalar_one_or_none()
        return None if found is None else json.loads(found)

    def answer_carried(self, event_row_id: str, handoff_id: str) -> bool:
        """Did the answer to the call that brought this event tell of the handoff, and was an answer waited for?"""
        joined = events.join(webhooks, events.c.webhook_id == webhooks.c.id)
        statement = select(events.c.event, webhooks.c.answer).select_from(joined).where(events.c.id == event_row_id)
        row = self._db.execute(statement).one_or_none()
        if row is None or not from_json(Event, row.event).reply_expected:
            return False
        answer: dict[str, Any] = json.loads(row.answer)
        told: str | None = answer.get("decision", {}).get("handoff_id")
        return told == handoff_id

    def has_event(self, source: str, event_id: str) -> bool:
        self._rows.flush()
        statement = select(events.c.id).where(events.c.source == source, events.c.event_id == event_id)
        return self._db.execute(statement).first() is not None

    def add_webhook(
        self, webhook_id: str, source: str, webhook: Webhook, verified: Verified, answer: dict[str, Any]
    ) -> None:
        """The transaction ends with IntegrityError if another stored the same call meanwhile."""
        self._rows.add(
            _ADD_WEBHOOK,
            {
                "id": webhook_id,
                "source": source,
                "dedupe_key": verified.dedupe_key,
                "received_at": webhook.received_at,
                "headers": json.dumps(_kept(webhook.headers.items())),
                "body": webhook.body,
                "body_sha256": hashlib.sha256(webhook.body).hexdigest(),
                "key_number": verified.key_number,
                "answer": json.dumps(answer),
            },
        )

    def add_event(self, row_id: str, conversation_id: str, position: int, webhook_id: str, event: Event) -> None:
        """The transaction ends with IntegrityError if the event is already in the log."""
        self._rows.add(
            _ADD_EVENT,
            {
                "id": row_id,
                "conversation_id": conversation_id,
                "position": position,
                "webhook_id": webhook_id,
                "source": event.source,
                "event_id": event.event_id,
                "kind": event.kind.value,
                "occurred_at": event.occurred_at,
                "received_at": event.received_at,
                "event": to_json(event),
            },
        )

    def events_of(self, conversation_id: str) -> list[Event]:
        """The whole log of one conversation, in the order folded."""
        self._rows.flush()
        statement = select(events.c.event).where(events.c.conversation_id == conversation_id)
        return [from_json(Event, text) for text in self._db.execute(statement.order_by(events.c.position)).scalars()]

    def add_decision(self, row_id: str, conversation_id: str, decision: Decision, *, late: bool = False) -> None:
        """
        `decision` must be redacted. It is kept whole when a rule fired, or a person is called without one; a quiet one
        can be judged again.
        """
        keeps = decision.because or decision.action is not Action.CONTINUE
        self._rows.add(
            _ADD_DECISION,
            {
                "id": row_id,
                "conversation_id": conversation_id,
                "at": decision.at,
                "action": decision.action.value,
                "because": ",".join(decision.because),
                "policy_revision": decision.policy_revision,
                "decision": to_json(decision) if keeps else None,
                "late": late,
            },
        )

    def decision(self, row_id: str) -> Decision | None:
        """The whole decision of one event, if it was kept."""
        text = self._db.execute(select(decisions.c.decision).where(decisions.c.id == row_id)).scalar_one_or_none()
        return from_json(Decision, text) if text else None

    def decisions_of(self, conversation_id: str) -> list[tuple[datetime, str, str, str, Decision | None, int | None]]:
        """
        (at, action, because, policy revision, whole decision if one was kept, position of the event), oldest first. A
        decision that a silence made has no event.
        """
        self._rows.flush()
        statement = (
            select(decisions, events.c.position)
            .outerjoin(events, events.c.id == decisions.c.id)
            .where(decisions.c.conversation_id == conversation_id)
            .order_by(decisions.c.at)
        )
        return [
            (row.at, row.action, row.because, row.policy_revision,
             from_json(Decision, row.decision) if row.decision else None, row.position)
            for row in self._db.execute(statement)
        ]  # fmt: skip


def _kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if not any(word in name.lower() for word in _SECRET_HEADERS)}
