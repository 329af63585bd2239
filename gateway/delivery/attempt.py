"""
What to do next with a delivery, and what follows a failure. Pure: the whole exactly-once argument is in here.

A delivery is `unsure` from before its create request leaves until the outcome is known. An unsure delivery is never
sent blindly: within the helpdesk's idempotency window the same key and bytes are safe; otherwise we wait until a
look-up can be believed, look, and send again only if nothing is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unsure
from connectors.ports import Capabilities
from gateway.delivery.store import Delivery, DeliveryState
from gateway.jobs.queues import backoff
from packets.draft import TicketUpdate

GIVE_UP_AFTER = timedelta(hours=72)
FEWEST_TRIES = 10  # one that waited out an outage behind the breaker is old, and has hardly been tried
ASK_AGAIN_AFTER_401 = timedelta(minutes=5)  # somebody must mend the credential; their fix shows within minutes


class Step(StrEnum):
    PREPARE = "prepare"
    OPEN = "open"
    REOPEN = "reopen"
    FIND = "find"
    COMPLETE = "complete"
    WAIT = "wait"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Next:
    step: Step
    at: datetime | None = None  # for WAIT


def next_step(delivery: Delivery, capabilities: Capabilities, now: datetime) -> Next:
    """The one thing to do now with this delivery."""
    match delivery.state:
        case DeliveryState.DONE | DeliveryState.DEAD:
            return Next(Step.NOTHING)
        case DeliveryState.OPENED:
            return Next(Step.COMPLETE)
    if delivery.reopens:
        return Next(Step.REOPEN)  # safe to repeat: the note on it has our key
    if delivery.body is None:
        return Next(Step.PREPARE)
    if not delivery.unsure or _same_key_is_safe(delivery, capabilities, now):
        return Next(Step.OPEN)
    believable_at = (delivery.last_sent_at or delivery.created_at) + capabilities.lookup_after
    return Next(Step.FIND) if now >= believable_at else Next(Step.WAIT, believable_at)


def reopening(delivery: Delivery) -> TicketUpdate:
    """What puts this packet on the earlier ticket, and opens that again. The ticket keeps the key it was made with."""
    draft = delivery.draft
    return TicketUpdate(
        priority=draft.priority,
        tags=draft.tags,
        fields={name: value for name, value in draft.fields.items() if name != "packet_id"},
        group=draft.group,
        note=draft.note_text,
        note_key=delivery.key,
        reopen=True,
    )


def sent_more_than_once(delivery: Delivery) -> bool:
    """Then a helpdesk that was merely slow may have made two tickets of it, and it is looked at once more."""
    return delivery.generation > 1 or delivery.first_sent_at != delivery.last_sent_at


def _same_key_is_safe(delivery: Delivery, capabilities: Capabilities, now: datetime) -> bool:
    window, first = capabilities.idempotent_for, delivery.first_sent_at
    return window is not None and first is not None and now < first + window


@dataclass(frozen=True, slots=True)
class Setback:
    """
    How to go on after a failed step.

    unsure: whether a ticket may exist. look_next: the idempotency key is of no more use, look before sending.
    """

    due_at: datetime
    error: str
    unsure: bool
    dead: bool = False
    look_next: bool = False


def after_failure(
    error: Exception,
    step: Step,
    before: Delivery,
    capabilities: Capabilities,
    now: datetime,
    jitter: float,
    *,
    tries: int = 1,
    probing: bool = False,
) -> Setback:
    """
    probing: nobody gets through to this helpdesk at present, so it is not this delivery that should be given up.
    before: the delivery as it stood before this step; its `unsure` is what a clean failure falls back to.
    jitter: 0..1, random outside of tests. tries: this one and those that failed before it. An error that is not a
    ConnectorError is a bug of ours: nobody knows.
    """
    words = str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__} in our own code"
    wait = now + backoff(tries, jitter)
    is_old = now - (before.revived_at or before.created_at) > GIVE_UP_AFTER and before.tries >= FEWEST_TRIES
    if is_old and not probing and not isinstance(error, Throttled):
        return Setback(now, words, unsure=before.unsure or step is Step.OPEN, dead=True)
    match error:
        case Throttled():
            return Setback(now + timedelta(seconds=error.retry_after), words, before.unsure)
        case Unauthorized():
            return Setback(now + ASK_AGAIN_AFTER_401, words, before.unsure)
        case Refused() if before.unsure and step is Step.OPEN:
            return Setback(wait, words, unsure=True, look_next=True)
        case Refused():
            return Setback(now, words, before.unsure, dead=True)
        case Unsure(key_is_spent=True) if step is Step.OPEN:
            return Setback(wait, words, unsure=True, look_next=True)
        case Unsure() if step is Step.OPEN:
            soon = wait if capabilities.idempotent_for else now + capabilities.lookup_after
            return Setback(soon, words, unsure=True)
        case Unsure() if step in (Step.COMPLETE, Step.REOPEN):
            # The note may still be on its way. Both look before they write, so let the look be worth something.
            return Setback(max(wait, now + capabilities.lookup_after), words, before.unsure)
        case ConnectorError():
            return Setback(wait, words, before.unsure)
    return Setback(wait, words, unsure=before.unsure or step is Step.OPEN)
