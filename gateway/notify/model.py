"""A ladder that is climbed, and a message in a chat, as they are stored; and when the one stops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.ports import Posted, Standing
from gateway.handoffs.store import Handoff, HandoffStatus

_FAR = {status: far for far, status in enumerate(HandoffStatus)}


class Purpose(StrEnum):
    """Why a message is sent."""

    WARNING = "warning"  # a target is about to be missed
    STEP = "step"  # it was, and a channel is told
    ASK = "ask"  # people are asked to take it; the first to accept has it
    MANAGER = "manager"  # a High Priority task for a team's manager
    FALLBACK = "fallback"  # nobody else was reached
    REMINDER = "reminder"  # a customer is to be called soon
    TAKEN = "taken"  # for chats whose cards cannot be changed: who has it now
    ANSWER = "answer"  # to whoever pressed a button, and nobody else


class MessageState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"  # from before it leaves until its outcome is known
    SENT = "sent"
    PERHAPS = "perhaps"  # it may have arrived, and would be read twice: it counts as sent
    DROPPED = "dropped"  # somebody had taken the handoff before it left
    DEAD = "dead"  # refused, or too late


@dataclass(frozen=True, slots=True)
class Run:
    """One climb of one ladder. begun_status: how far people were when it began."""

    id: str
    handoff_id: str
    ladder: str
    begun_at: datetime
    begun_status: HandoffStatus
    policy_revision: str
    accepted_by: str | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message. key: the same for the same step, place and reason. shows: the standing its card says now."""

    id: str
    handoff_id: str
    run_id: str | None
    key: str
    notifier: str
    target: str
    purpose: Purpose
    created_at: datetime
    turn: int = 0
    step: int = 0
    asked: tuple[str, ...] = ()
    text: str | None = None
    state: MessageState = MessageState.PENDING
    shows: str = ""
    posted: Posted | None = None
    tries: int = 0
    last_error: str | None = None
    sent_at: datetime | None = None

    @property
    def appointment_id(self) -> str | None:
        """What a reminder is about."""
        return self.key.partition(".")[0] if self.purpose is Purpose.REMINDER else None


def is_taken(handoff: Handoff, run: Run | None) -> bool:
    """
    Whether somebody has come: further than people were when the ladder began (a missed resolution begins with a ticket
    that has an owner), or they accepted. run None: a warning, for whoever has no owner.
    """
    if handoff.status is HandoffStatus.SOLVED:
        return True
    if run is None:
        return handoff.status is not HandoffStatus.WAITING
    return run.accepted_by is not None or _FAR[handoff.status] > _FAR[run.begun_status]


def taker(handoff: Handoff, run: Run | None) -> str:
    """Who took it, as people may read it. At the helpdesk there are only ids."""
    return (run and run.accepted_by) or handoff.accepted_by or "somebody at the helpdesk"


def standing(handoff: Handoff, run: Run | None) -> tuple[Standing, str | None]:
    """How a card of this handoff stands, and who has it."""
    if handoff.status is HandoffStatus.SOLVED:
        return Standing.DONE, None
    if is_taken(handoff, run):
        return Standing.TAKEN, taker(handoff, run)
    return Standing.OPEN, None
