"""
Climbing: what is due of a handoff's ladders is recorded, and written as messages and work in the same transaction. Who
carries it out looks again whether it is still wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.ports import NotifierCapabilities
from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from gateway.ids import new_id
from gateway.notify.model import Message, Purpose, Run, is_taken, taker
from policies.model import PolicySet
from policies.sla.ladder import Did, Due, Ladder, Reach, Rung, Step, climb
from policies.sla.reach import reach_of
from policies.sla.roster import Team, Wanted

if TYPE_CHECKING:
    from gateway.wiring import Transaction


@dataclass(frozen=True, slots=True)
class Chats:
    """The notifiers there are, by name, and what each can do."""

    known: Mapping[str, NotifierCapabilities]

    def has(self, channel: str) -> bool:
        return channel.partition(":")[0] in self.known

    def place(self, channel: str) -> tuple[str, str]:
        """(notifier, target): one place for all, where the chat has only one."""
        notifier, _, target = channel.partition(":")
        return notifier, target if self.known[notifier].addresses else ""


@dataclass(frozen=True, slots=True)
class Scene:
    """
    What steps are judged by. policy: of the run's revision, whose ladder is climbed; rosters are today's: people come
    and go.
    """

    chats: Chats
    policy: PolicySet
    rosters: Mapping[str, Team]
    wanted: Wanted
    load: Mapping[str, int]


def advance(tx: Transaction, handoff: Handoff, run: Run, scene: Scene, now: datetime) -> datetime | None:
    """Do all of one run that is due. Returns when to look again; None: it is over."""
    ladder = scene.policy.ladders.get(run.ladder)
    if ladder is None or is_taken(handoff, run):
        _stop(tx, handoff, run, now)
        return None
    hours = scene.policy.tier(handoff.tier).hours
    while True:
        rungs = [rung for rung, _ in tx.notify.rungs(run.id)]
        reach = _reach(handoff, scene, rungs, now)
        found = climb(ladder, begun_at=run.begun_at, hours=hours, rungs=rungs, reach=reach, now=now)
        for due in found.due:
            _deliver(tx, handoff, run, ladder, due, scene, now)
        if found.stopped_by or found.finished:
            tx.notify.end(run.id, now)
            return None
        if not found.due:
            return found.next_at


def _stop(tx: Transaction, handoff: Handoff, run: Run, now: datetime) -> None:
    if is_taken(handoff, run) and run.accepted_by is None:
        tx.notify.add_rung(run.id, Rung(Did.CLAIMED, now, who=taker(handoff, run)))
    tx.notify.end(run.id, now)


def _reach(handoff: Handoff, scene: Scene, rungs: list[Rung], now: datetime) -> Callable[[Step], Reach]:
    own_team = scene.policy.route(handoff.route).destination or handoff.route
    told = _who_can_be_told(scene)

    def reach(step: Step) -> Reach:
        return reach_of(
            step, rosters=told, own_team=own_team, wanted=scene.wanted, rungs=rungs, load=scene.load,
            has_channel=scene.chats.has, at=now,
        )  # fmt: skip

    return reach


def _who_can_be_told(scene: Scene) -> dict[str, Team]:
    """The rosters without those whom no notifier can tell. A manager may be one of them: the task is on the ticket."""
    found = {}
    for name, team in scene.rosters.items():
        members = tuple(member for member in team.members if scene.chats.has(member.reach))
        found[name] = replace(team, members=members)
    return found


def _deliver(
    tx: Transaction, handoff: Handoff, run: Run, ladder: Ladder, due: Due, scene: Scene, now: datetime
) -> None:
    did = Did.FALLBACK if due.fallback else (Did.DELIVERED if due.reach else Did.SKIPPED)
    rung = Rung(did, now, due.turn, due.step, asked=due.reach.people)
    if not tx.notify.add_rung(run.id, rung, due.reach) or did is Did.SKIPPED:
        return
    for message in _messages(handoff, run, ladder, due, scene, now):
        if tx.notify.add_message(message):
            tx.later(Work("notify", message.id, now))
    if due.reach.reassign or due.reach.manager:
        slot = f"{run.id}.{due.turn}.{due.step}"
        tx.later(Work("ticket_step", handoff.id, now, slot=slot, lane=handoff.helpdesk))


def _messages(handoff: Handoff, run: Run, ladder: Ladder, due: Due, scene: Scene, now: datetime) -> list[Message]:
    """One for each place and reason, however many people are behind it."""
    to: dict[tuple[str, str, Purpose], list[str]] = {}
    for channel in due.reach.channels:
        if scene.chats.has(channel):
            purpose = Purpose.FALLBACK if due.fallback else Purpose.STEP
            to.setdefault((*scene.chats.place(channel), purpose), [])
    step = ladder.steps[due.step] if due.step < len(ladder.steps) else Step()
    own_team = scene.policy.route(handoff.route).destination or handoff.route
    asked = scene.rosters.get((step.ask.team if step.ask else None) or own_team)
    for name in due.reach.people:
        _add(to, scene, asked, name, Purpose.ASK)
    if due.reach.manager:
        _add(to, scene, scene.rosters.get(step.tag_manager or own_team), due.reach.manager, Purpose.MANAGER)
    return [
        Message(
            id=new_id("msg"), handoff_id=handoff.id, run_id=run.id,
            key=f"{run.id}.{due.turn}.{due.step}.{purpose.value}.{notifier}:{target}"[:255],
            notifier=notifier, target=target, purpose=purpose, created_at=now, turn=due.turn, step=due.step,
            asked=tuple(names),
        )
        for (notifier, target, purpose), names in to.items()
    ]  # fmt: skip


def _add(
    to: dict[tuple[str, str, Purpose], list[str]], scene: Scene, team: Team | None, name: str, purpose: Purpose
) -> None:
    member = team.member(name) if team else None
    if member is not None and scene.chats.has(member.reach):
        to.setdefault((*scene.chats.place(member.reach), purpose), []).append(name)
