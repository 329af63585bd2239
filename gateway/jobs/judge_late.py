"""Job: judge a turn that could not be judged when it came in. The bot went on meanwhile; people may still be due."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete, select

from gateway.conversations.store import ConversationRow
from gateway.db.tables import decisions, events
from gateway.db.work import LostClaim
from gateway.intake.judge import judge
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.queues import backoff
from gateway.wiring import Transaction
from packets.conversation import fold_all, handed_off
from packets.event import Event


def judge_late(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    env.policy.refresh()  # the mend may be a policy on disk
    try:
        with env.transaction() as tx:
            tx.work.hold(taken)
            row_id = taken.subject_id
            found = tx.connection.execute(
                select(events.c.conversation_id, events.c.position).where(events.c.id == row_id)
            ).one()
            row = tx.conversations.lock_by_id(found.conversation_id)
            log_so_far = tx.intake.events_of(row.id)[: found.position]
            if row.state.source not in env.settings.sources or _people_had_it(tx, row, log_so_far[-1]):
                tx.work.finish(taken, env.now())
                return
            # As it stood at that turn, but with the handoffs of today.
            then = fold_all(row.state.source, row.state.vendor_conversation_id, log_so_far)
            tx.connection.execute(delete(decisions).where(decisions.c.id == row_id))
            judged = judge(
                env, tx, replace(row, state=then), event=log_so_far[-1], event_row_id=row_id, now=env.now(), late=True
            )
            if judged.decision.facts.get("undecided"):
                tx.work.again(taken, env.now() + backoff(taken.tries, 1.0), "the policy could not decide")
                return
            if judged.row.open_handoff_id != row.open_handoff_id:
                tx.conversations.save(replace(judged.row, state=handed_off(row.state)), env.now())
            tx.work.finish(taken, env.now())
    except LostClaim:
        return


def _people_had_it(tx: Transaction, row: ConversationRow, event: Event) -> bool:
    """A later turn has brought people, who saw this one in the transcript, and they are done."""
    last = None if row.open_handoff_id else tx.handoffs.last_of(row.id)
    return last is not None and last.promised_at > event.received_at
