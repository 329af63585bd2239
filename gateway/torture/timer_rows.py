"""
Thousands of clocks that are about to warn or to be missed, written as the gateway writes them; and what became of each:
recorded once, not before its time, and told once to whoever is told.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from gateway.db.engine import Database
from gateway.db.tables import chat_messages, clocks, conversations, handoffs, ladder_runs, sla_effects, sla_terms
from gateway.db.work import Work
from gateway.handoffs.store import HandoffStatus
from gateway.sla.facts import promised
from gateway.sla.store import TIMER
from gateway.torture.tally import Finding
from gateway.wiring import Transaction
from packets.codec import to_json
from packets.conversation import Conversation
from policies.model import PolicySet
from policies.sla.effects import Effect
from policies.sla.fold import fold
from policies.sla.hours import ALWAYS
from policies.sla.stored import terms_to_json
from policies.sla.terms import Terms
from policies.sla.tiers import FIRST_HUMAN_RESPONSE, Target, Warn
from policies.sla.within import Seconds

CHAT = "team-chat"  # the channel of the starter policy's ladders
TOLD = (
    50  # one in so many clocks has a ladder: what follows from an effect is to be seen too, and is another queue's load
)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
_WARNED_LADDER, _MISSED_LADDER = "short", "standard"  # of the starter policy: each tells the chat once, then waits
_ROWS_AT_ONCE = 1000
_ID = re.compile(r"baton_msg_\w+")  # stands on each card


@dataclass(frozen=True, slots=True)
class Laid:
    """One clock with one thing to come. at: the first moment at which it can be noticed."""

    number: int
    effect: Effect
    at: datetime
    ladder: str | None

    @property
    def clock_id(self) -> str:
        return f"clk_torture_{self.number}"

    @property
    def handoff_id(self) -> str:
        return f"hof_torture_{self.number}"

    @property
    def terms_key(self) -> str:
        return f"torture:{self.effect.value}:{self.ladder or ''}"

    @property
    def promised_at(self) -> datetime:
        # Missed is missed from the second after due on. A warning comes an hour before the target is missed.
        return self.at - HOUR - (SECOND if self.effect is Effect.BREACHED else timedelta())

    @property
    def terms(self) -> Terms:
        if self.effect is Effect.BREACHED:
            return Terms("standard", Target(FIRST_HUMAN_RESPONSE, Seconds(3600), ladder=self.ladder), ALWAYS)
        warned = Target(FIRST_HUMAN_RESPONSE, Seconds(7200), (Warn(before=3600),), ladder=self.ladder)
        return Terms("standard", warned, ALWAYS)


def drawn(count: int, first: datetime, seconds: float, chance: random.Random) -> list[Laid]:
    """So many, due at whole seconds (clocks count no others) within `seconds` from `first` on; half warn, half miss."""
    made = []
    for number in range(count):
        at = first + timedelta(seconds=int(chance.uniform(0, seconds)))
        effect = (Effect.WARNED, Effect.BREACHED)[number % 2]
        ladder = {Effect.WARNED: _WARNED_LADDER, Effect.BREACHED: _MISSED_LADDER}[effect]
        made.append(Laid(number, effect, at, ladder if number % TOLD in (0, 1) else None))
    return made


def lay(database: Database, laid: Sequence[Laid], policy: PolicySet, now: datetime) -> None:
    """The rows of all of them: conversation, handoff, promise, terms, clock, timer."""
    with database.begin() as connection:
        keys = {one.terms_key: one.terms for one in laid}
        connection.execute(insert(sla_terms), [
            {"key": key, "metric": FIRST_HUMAN_RESPONSE, "terms": terms_to_json(terms)} for key, terms in keys.items()
        ])  # fmt: skip
    for begin in range(0, len(laid), _ROWS_AT_ONCE):
        with database.begin() as connection:
            _lay(connection, laid[begin : begin + _ROWS_AT_ONCE], policy, now)


def _lay(connection: Connection, laid: Sequence[Laid], policy: PolicySet, now: datetime) -> None:
    tx = Transaction(connection)
    connection.execute(insert(conversations), [_conversation(one, now) for one in laid])
    connection.execute(insert(handoffs), [_handoff(one, policy) for one in laid])
    connection.execute(insert(clocks), [_clock(one, now) for one in laid])
    for one in laid:
        tx.facts.add_later(one.handoff_id, promised(one.handoff_id, one.promised_at))
        tx.work.wait(Work(TIMER, one.clock_id, one.at), "clock")
    tx.rows.flush()


def _conversation(one: Laid, now: datetime) -> dict[str, Any]:
    return {
        "id": f"cnv_torture_{one.number}", "source": "zendesk-bot", "vendor_conversation_id": str(one.number),
        "state": to_json(Conversation("zendesk-bot", str(one.number))), "events": 0, "handoffs": 1,
        "open_handoff_id": one.handoff_id, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _handoff(one: Laid, policy: PolicySet) -> dict[str, Any]:
    target = one.terms.target.within
    assert isinstance(target, Seconds)  # noqa: S101 - made above
    return {
        "id": one.handoff_id, "conversation_id": f"cnv_torture_{one.number}", "number": 1, "event_id": "evt_torture",
        "source": "zendesk-bot", "helpdesk": "zendesk", "status": HandoffStatus.WAITING.value, "mode": "warm",
        "route": policy.route(None).name, "tier": "standard", "because": "", "policy_revision": policy.revision,
        "promised_at": one.promised_at, "respond_by": one.promised_at + timedelta(seconds=target.seconds),
        "told_up_to": 0,
    }  # fmt: skip


def _clock(one: Laid, now: datetime) -> dict[str, Any]:
    """As a first fold leaves it."""
    cycle = fold(one.terms, [promised(one.handoff_id, one.promised_at)], now=now).current
    if cycle is None or cycle.next_at != one.at:
        raise AssertionError(f"{one.clock_id} would be looked at {cycle and cycle.next_at}, not {one.at}")
    return {
        "id": one.clock_id, "handoff_id": one.handoff_id, "metric": FIRST_HUMAN_RESPONSE, "terms_key": one.terms_key,
        "tier": "standard", "state": cycle.state.value, "cycle": 1, "started_at": cycle.started_at,
        "target_seconds": cycle.target_seconds, "due_at": cycle.due_at, "next_at": cycle.next_at,
    }  # fmt: skip


def recorded(connection: Connection) -> dict[str, list[tuple[Effect, datetime]]]:
    """clock → (effect, when it was noticed)."""
    found: dict[str, list[tuple[Effect, datetime]]] = {}
    for row in connection.execute(select(sla_effects.c.clock_id, sla_effects.c.effect, sla_effects.c.noticed_at)):
        found.setdefault(row.clock_id, []).append((Effect(row.effect), row.noticed_at))
    return found


def judged(
    laid: Sequence[Laid], found: Mapping[str, Sequence[tuple[Effect, datetime]]]
) -> Iterator[tuple[Laid, Finding]]:
    """Whatever is wrong with what was recorded."""
    for one in laid:
        effects = found.get(one.clock_id, ())
        right = [noticed for effect, noticed in effects if effect is one.effect]
        other = [effect.value for effect, _ in effects if effect is not one.effect]
        if not right:
            yield one, Finding("lost", one.clock_id, f"{one.effect.value} was not recorded, but {other or 'nothing'}")
        elif len(effects) > 1:
            yield one, Finding("doubled", one.clock_id, f"{one.effect.value} {len(right)} times, and {other}")
        elif right[0] < one.at:
            yield one, Finding("early", one.clock_id, f"{one.effect.value} {one.at - right[0]} before its time")


def told_wrongly(
    laid: Sequence[Laid], connection: Connection, messages: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """
    What followed from the effects: one climb for each missed clock that has a ladder, one message for each clock that
    has one, and that message once in the chat. `messages`: as the chat shows them.
    """
    climbs = Counter(connection.execute(select(ladder_runs.c.handoff_id)).scalars())
    rows: dict[str, list[str]] = {}
    for row in connection.execute(select(chat_messages.c.handoff_id, chat_messages.c.state)):
        rows.setdefault(row.handoff_id, []).append(row.state)
    for one in laid:
        wanted = int(one.ladder is not None and one.effect is Effect.BREACHED)
        if climbs[one.handoff_id] != wanted:
            kind = "lost" if climbs[one.handoff_id] < wanted else "doubled"
            yield Finding(kind, one.handoff_id, f"{climbs[one.handoff_id]} climbs of its ladder, not {wanted}")
        states = rows.get(one.handoff_id, [])
        if len(states) != int(one.ladder is not None):
            kind = "doubled" if len(states) > 1 or one.ladder is None else "lost"
            yield Finding(kind, one.handoff_id, f"{len(states)} messages written: {states}")
    told = Counter(_ID.findall(json.dumps(messages)))
    for one_message in connection.execute(select(chat_messages.c.id, chat_messages.c.state)):
        times = told[f"baton_{one_message.id}"]
        # `perhaps`: a chat is told at most once, and what died between sending and knowing is not sent again.
        if times > 1 or (times == 0 and one_message.state != "perhaps"):
            kind = "doubled" if times else "lost"
            yield Finding(kind, one_message.id, f"{times} times in the chat, its row says {one_message.state}")
