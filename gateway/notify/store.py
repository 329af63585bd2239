"""SQL for ladders that are climbed, what was done on them, and messages in chats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from connectors.ports import Posted
from gateway.db.tables import chat_messages, handoffs, ladder_rungs, ladder_runs
from gateway.db.work import insert_or
from gateway.handoffs.store import HandoffStatus
from gateway.ids import new_id
from gateway.notify.model import Message, MessageState, Purpose, Run
from packets.codec import from_json, to_json
from policies.sla.ladder import Did, Reach, Rung

# Ids of one millisecond are in no order.
_IN_ORDER = (ladder_rungs.c.at, ladder_rungs.c.turn, ladder_rungs.c.step, ladder_rungs.c.id)


class NotifyStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # Runs

    def begin(self, handoff_id: str, ladder: str, begun_at: datetime) -> bool:
        """Begin a ladder, unless this handoff is climbing it already. False: nothing new."""
        if self.open_runs(handoff_id, ladder):
            return False
        handoff = self._db.execute(
            select(handoffs.c.status, handoffs.c.policy_revision).where(handoffs.c.id == handoff_id)
        ).one()
        done = self._db.execute(
            insert_or(self._db, ladder_runs)
            .values(
                id=new_id("lad"), handoff_id=handoff_id, ladder=ladder, begun_at=begun_at,
                begun_status=handoff.status, policy_revision=handoff.policy_revision,
            )
            .on_conflict_do_nothing()
            .returning(ladder_runs.c.id)
        )  # fmt: skip
        return done.scalar_one_or_none() is not None

    def run(self, run_id: str | None) -> Run | None:
        row = self._db.execute(select(ladder_runs).where(ladder_runs.c.id == run_id)).one_or_none() if run_id else None
        return _run(row) if row else None

    def open_runs(self, handoff_id: str, ladder: str | None = None) -> list[Run]:
        statement = select(ladder_runs).where(ladder_runs.c.handoff_id == handoff_id, ladder_runs.c.ended_at.is_(None))
        if ladder is not None:
            statement = statement.where(ladder_runs.c.ladder == ladder)
        return [_run(row) for row in self._db.execute(statement.order_by(ladder_runs.c.begun_at))]

    def runs_of(self, handoff_id: str) -> list[Run]:
        statement = select(ladder_runs).where(ladder_runs.c.handoff_id == handoff_id)
        return [_run(row) for row in self._db.execute(statement.order_by(ladder_runs.c.begun_at))]

    def accept(self, run_id: str, who: str, now: datetime) -> bool:
        """The first to accept has it. False: somebody was quicker."""
        statement = (
            update(ladder_runs)
            .where(ladder_runs.c.id == run_id, ladder_runs.c.accepted_by.is_(None))
            .values(accepted_by=who, accepted_at=now)
            .returning(ladder_runs.c.id)
        )
        return self._db.execute(statement).scalar_one_or_none() is not None

    def claim(self, handoff_id: str, who: str, now: datetime) -> bool:
        """A waiting handoff gets an owner, once. False: it is not waiting any more."""
        statement = (
            update(handoffs)
            .where(handoffs.c.id == handoff_id, handoffs.c.status == HandoffStatus.WAITING.value)
            .values(status=HandoffStatus.CLAIMED.value, accepted_by=who, accepted_at=now)
            .returning(handoffs.c.id)
        )
        return self._db.execute(statement).scalar_one_or_none() is not None

    def end(self, run_id: str, now: datetime) -> None:
        self._db.execute(update(ladder_runs).where(ladder_runs.c.id == run_id).values(ended_at=now))

    # Rungs

    def add_rung(self, run_id: str, rung: Rung, reach: Reach | None = None) -> bool:
        """Record one thing, once. False: it was recorded before, and nothing more may follow from it."""
        done = self._db.execute(
            insert_or(self._db, ladder_rungs)
            .values(
                id=new_id("rng"), run_id=run_id, turn=rung.turn, step=rung.step, did=rung.did.value,
                who=rung.who or "", at=rung.at, reached=to_json(reach) if reach is not None else None,
            )
            .on_conflict_do_nothing(index_elements=["run_id", "turn", "step", "did", "who"])
            .returning(ladder_rungs.c.id)
        )  # fmt: skip
        return done.scalar_one_or_none() is not None

    def rungs(self, run_id: str) -> list[tuple[Rung, Reach | None]]:
        """In the order recorded: what was done, and whom a step reached."""
        statement = select(ladder_rungs).where(ladder_rungs.c.run_id == run_id)
        return [_rung(row) for row in self._db.execute(statement.order_by(*_IN_ORDER))]

    def step(self, run_id: str, turn: int, step: int) -> Reach | None:
        """Whom a delivered step reached."""
        found = ((rung, reach) for rung, reach in self.rungs(run_id) if rung.did is Did.DELIVERED)
        return next((reach for rung, reach in found if (rung.turn, rung.step) == (turn, step)), None)

    def unreached(self, run_id: str, turn: int, step: int) -> bool:
        """If all messages of a delivered step came to nothing, it was skipped. True: so it was."""
        same = (chat_messages.c.run_id == run_id, chat_messages.c.turn == turn, chat_messages.c.step == step)
        alive = select(func.count()).where(*same, chat_messages.c.state != MessageState.DEAD.value)
        reach = self.step(run_id, turn, step)
        if reach is None or reach.reassign or reach.manager or self._db.execute(alive).scalar_one():
            return False
        self._db.execute(
            update(ladder_rungs)
            .where(
                ladder_rungs.c.run_id == run_id, ladder_rungs.c.turn == turn, ladder_rungs.c.step == step,
                ladder_rungs.c.did == Did.DELIVERED.value,
            )
            .values(did=Did.SKIPPED.value)
        )  # fmt: skip
        return True

    def load(self) -> Mapping[str, int]:
        """How many handoffs each person who took some in a chat has now."""
        busy = (HandoffStatus.CLAIMED.value, HandoffStatus.ANSWERED.value)
        statement = (
            select(handoffs.c.accepted_by, func.count())
            .where(handoffs.c.accepted_by.is_not(None), handoffs.c.status.in_(busy), handoffs.c.closed_at.is_(None))
            .group_by(handoffs.c.accepted_by)
        )
        return {row[0]: row[1] for row in self._db.execute(statement)}

    # Messages

    def add_message(self, message: Message) -> bool:
        """False: the message of that key is there already."""
        values: dict[str, Any] = {
            "id": message.id, "handoff_id": message.handoff_id, "run_id": message.run_id, "key": message.key,
            "notifier": message.notifier, "target": message.target, "purpose": message.purpose.value,
            "turn": message.turn, "step": message.step, "asked": json.dumps(message.asked), "text": message.text,
            "state": message.state.value, "shows": message.shows, "tries": 0, "created_at": message.created_at,
        }  # fmt: skip
        if message.posted:
            values |= {"channel": message.posted.channel, "message_ref": message.posted.message_id}
        insert = insert_or(self._db, chat_messages).values(values).on_conflict_do_nothing(index_elements=["key"])
        return self._db.execute(insert.returning(chat_messages.c.id)).scalar_one_or_none() is not None

    def message(self, message_id: str) -> Message | None:
        row = self._db.execute(select(chat_messages).where(chat_messages.c.id == message_id)).one_or_none()
        return _message(row) if row else None

    def messages_of(self, handoff_id: str) -> list[Message]:
        statement = select(chat_messages).where(chat_messages.c.handoff_id == handoff_id)
        return [_message(row) for row in self._db.execute(statement.order_by(chat_messages.c.id))]

    def change_message(self, message_id: str, **values: Any) -> None:
        """Set columns of one message, by their names in gateway.db.tables."""
        self._db.execute(update(chat_messages).where(chat_messages.c.id == message_id).values(values))


def _run(row: Row[Any]) -> Run:
    return Run(
        row.id, row.handoff_id, row.ladder, row.begun_at, HandoffStatus(row.begun_status), row.policy_revision,
        row.accepted_by, row.accepted_at, row.ended_at,
    )  # fmt: skip


def _rung(row: Row[Any]) -> tuple[Rung, Reach | None]:
    reach = from_json(Reach, row.reached) if row.reached else None
    asked = reach.people if reach else ()
    return Rung(Did(row.did), row.at, row.turn, row.step, row.who or None, asked), reach


def _message(row: Row[Any]) -> Message:
    posted = Posted(row.channel, row.message_ref) if row.message_ref is not None else None
    return Message(
        row.id, row.handoff_id, row.run_id, row.key, row.notifier, row.target, Purpose(row.purpose), row.created_at,
        row.turn, row.step, tuple(json.loads(row.asked)), row.text, MessageState(row.state), row.shows, posted,
        row.tries, row.last_error, row.sent_at,
    )  # fmt: skip
