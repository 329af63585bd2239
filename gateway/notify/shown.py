"""A handoff's ladders as the API and `baton handoffs show` tell them: each step, who was reached, who took it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.notify.model import Message, Purpose, Run
from policies.sla.ladder import Reach, Rung

if TYPE_CHECKING:
    from gateway.wiring import Transaction


def ladders_of(tx: Transaction, handoff_id: str) -> list[dict[str, Any]]:
    """Oldest first."""
    messages = tx.notify.messages_of(handoff_id)
    return [_run(run, tx.notify.rungs(run.id), messages) for run in tx.notify.runs_of(handoff_id)]


def warnings_of(tx: Transaction, handoff_id: str) -> list[dict[str, Any]]:
    """What chats were told besides: warnings, reminders of a call, and who had taken it."""
    told = (Purpose.WARNING, Purpose.REMINDER, Purpose.TAKEN)
    return [_message(message) for message in tx.notify.messages_of(handoff_id) if message.purpose in told]


def ladder_lines(ladder: dict[str, Any]) -> list[str]:
    """The same for people, one line each."""
    state = "over" if ladder["ended_at"] else "climbing"
    if ladder["accepted_by"]:
        state = f"taken by {ladder['accepted_by']}"
    lines = [f"  ladder     {ladder['ladder']}: since {ladder['begun_at']}, {state}"]
    for rung in ladder["rungs"]:
        whom = [*rung["channels"], *rung["people"], *(n for n in (rung["reassign"], rung["manager"]) if n)]
        what = rung["who"] or ", ".join(whom) or "nobody"
        lines.append(f"    {rung['at']}  turn {rung['turn'] + 1} step {rung['step'] + 1}  {rung['did']:<12} {what}")
        lines += [f"      {m['state']:<8} {m['purpose']} to {m['to']}  {m['last_error'] or ''}".rstrip()
                  for m in rung["messages"]]  # fmt: skip
    return lines


def _run(run: Run, rungs: list[tuple[Rung, Reach | None]], messages: list[Message]) -> dict[str, Any]:
    return {
        "ladder": run.ladder,
        "policy": run.policy_revision,
        "begun_at": run.begun_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "accepted_by": run.accepted_by,
        "accepted_at": run.accepted_at.isoformat() if run.accepted_at else None,
        "rungs": [_rung(rung, reach or Reach(), [m for m in messages if _is_of(m, run, rung, reach)])
                  for rung, reach in rungs],
    }  # fmt: skip


def _is_of(message: Message, run: Run, rung: Rung, reach: Reach | None) -> bool:
    return reach is not None and (message.run_id, message.turn, message.step) == (run.id, rung.turn, rung.step)


def _rung(rung: Rung, reach: Reach, messages: list[Message]) -> dict[str, Any]:
    return {
        "at": rung.at.isoformat(),
        "turn": rung.turn,
        "step": rung.step,
        "did": rung.did.value,
        "who": rung.who,
        "channels": list(reach.channels),
        "people": list(reach.people),
        "reassign": reach.reassign,
        "manager": reach.manager,
        "messages": [_message(message) for message in messages],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "purpose": message.purpose.value,
        "to": f"{message.notifier}:{message.target}".rstrip(":"),
        "asked": list(message.asked),
        "state": message.state.value,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "tries": message.tries,
        "last_error": message.last_error,
    }
