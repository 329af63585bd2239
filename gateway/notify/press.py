"""A button pressed on a card: Claim or Cannot take. The first to claim has it; who comes later is told who."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.ports import Posted, Press, Pressed
from gateway.db.work import Work
from gateway.handoffs.store import Handoff, HandoffStatus
from gateway.handoffs.waiting import somebody_came
from gateway.ids import new_id
from gateway.notify.model import Message, Purpose, Run, is_taken, taker
from gateway.status.apply import lock_handoff
from packets.schemas.fields import storable
from policies.sla.ladder import Did, Rung

if TYPE_CHECKING:
    from gateway.wiring import Transaction


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. text: for the one who pressed."""

    accepted: bool
    text: str


LONGEST_NAME = 100  # characters, as its columns have them
NOT_OURS = Outcome(False, "This card is not known here any more.")


def pressed_on(tx: Transaction, notifier: str, pressed: Pressed, who: str, now: datetime) -> Outcome:
    """
    Act on one press, and see to it that cards and ladder follow. who: the member's name, or the chat's.

    A press that comes twice ends as the first did.
    """
    who = storable(who)[:LONGEST_NAME]
    message = tx.notify.message(pressed.card_id)
    if message is None or message.notifier != notifier:
        return NOT_OURS
    handoff = lock_handoff(tx, message.handoff_id)
    if handoff is None:
        return NOT_OURS
    run = tx.notify.run(message.run_id)
    if pressed.reply_to and message.posted is None:  # the only way to change a card sent through an incoming webhook
        tx.notify.change_message(message.id, channel="", message_ref=pressed.reply_to)
    if pressed.press is Press.CLAIM:
        outcome = _claim(tx, handoff, run, who, now)
    else:
        outcome = _decline(tx, handoff, message, run, who, now)
    if pressed.reply_to:
        _answer(tx, message, pressed.reply_to, outcome.text, now)
    return outcome


def _claim(tx: Transaction, handoff: Handoff, run: Run | None, who: str, now: datetime) -> Outcome:
    if handoff.status is HandoffStatus.WAITING and tx.notify.claim(handoff.id, who, now):
        did = Did.CLAIMED
        somebody_came(tx, handoff, now)
        tx.tell_vendor(handoff, now)
    elif run is not None and not is_taken(handoff, run) and tx.notify.accept(run.id, who, now):
        did = Did.ACKNOWLEDGED  # the ticket had an owner before: this one sees to what was missed
    else:
        has = taker(handoff, run)
        return Outcome(has == who, "You have it." if has == who else f"Too late: taken by {has}.")
    for open_run in tx.notify.open_runs(handoff.id):
        tx.notify.accept(open_run.id, who, now)
        tx.notify.add_rung(open_run.id, Rung(did, now, who=who))
    tx.tell_chats(handoff.id, now)
    return Outcome(True, "You have it.")


def _decline(tx: Transaction, handoff: Handoff, message: Message, run: Run | None, who: str, now: datetime) -> Outcome:
    if run is not None and not is_taken(handoff, run):
        tx.notify.add_rung(run.id, Rung(Did.DECLINED, now, message.turn, message.step, who=who))
        tx.later(Work("climb", handoff.id, now, slot=run.ladder))
    return Outcome(True, "Noted: you cannot take it.")


def _answer(tx: Transaction, message: Message, reply_to: str, text: str, now: datetime) -> None:
    """Written as a message, sent by a job: Slack waits three seconds for us, and no call is made in a transaction."""
    answer = Message(
        id=new_id("msg"), handoff_id=message.handoff_id, run_id=None, key=new_id("ans"), notifier=message.notifier,
        target="", purpose=Purpose.ANSWER, created_at=now, text=text, posted=Posted("", reply_to),
    )  # fmt: skip
    tx.notify.add_message(answer)
    tx.later(Work("notify", answer.id, now))
