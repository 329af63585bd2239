"""
What is offered when nobody is free: times at which the handoff's team can call the customer. Reads, books nothing, and
never takes the place of the handoff: that is opened as always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from packets.conversation import TIME_ZONE, Conversation
from packets.decision import Decision, Mode
from policies.model import PolicySet
from policies.sla.callback import FREE, LOOK_DAYS, OFFERED, Slot, free_slots, say_times
from policies.sla.roster import Callbacks, Team, is_free_for_more
from policies.sla.zones import iana, zone_of_customer

if TYPE_CHECKING:
    from gateway.wiring import Transaction


@dataclass(frozen=True, slots=True)
class Told:
    """What a vendor is answered about calls. body: `decision.callback`. message: for the customer, in their words."""

    body: Mapping[str, Any]
    message: str | None = None


def offer(tx: Transaction, policy: PolicySet, state: Conversation, decision: Decision, now: datetime) -> Told | None:
    """For a decision that is about to open a handoff. None: somebody is free, or its team calls nobody back."""
    team = team_of(policy, decision.route)
    if team is None or team.callbacks is None:
        return None
    if decision.mode is not Mode.CALLBACK and not _nobody_is_free(tx, policy, team, now):
        return None
    zone = zone_of(state, team)
    slots = slots_of(tx, team, team.callbacks, zone, now)
    if not slots:
        return None
    script = FREE if decision.mode is Mode.CALLBACK else OFFERED
    return Told(offered(slots, zone), say(policy, script, state, [slot.starts_at for slot in slots], zone))


def team_of(policy: PolicySet, route: str | None) -> Team | None:
    """The people behind a route."""
    found = policy.route(route)
    return policy.rosters.get(found.destination or found.name)


def zone_of(state: Conversation, team: Team) -> str:
    """The customer's time zone, if anybody has told one that exists; else the team's."""
    told = state.fact(TIME_ZONE)
    return iana(told.value if told else None) or zone_of_customer(state.customer.attributes) or team.hours.zone


def slots_of(
    tx: Transaction, team: Team, rules: Callbacks, zone: str, now: datetime, *, but: str | None = None
) -> tuple[Slot, ...]:
    """The next free ones. but: id of an appointment whose time would become free."""
    slot, far = timedelta(seconds=rules.slot), timedelta(days=LOOK_DAYS)
    booked = tx.appointments.booked_starts(team.name, now - slot, now + far + slot, but=but)
    return free_slots(team.hours, rules, customer_zone=zone, booked=booked, now=now)


def offered(slots: Sequence[Slot], zone: str) -> dict[str, Any]:
    """As JSON: instants in UTC, and the zone they are to be read out in."""
    times = [{"starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat()} for slot in slots]
    return {"zone": zone, "slots": times}


def say(policy: PolicySet, script: str, state: Conversation, starts: Sequence[datetime], zone: str) -> str | None:
    """The policy's script of that name with the times in it, in the customer's language."""
    text = policy.script(script, state.language or state.customer.locale)
    return say_times(text, starts, zone) if text else None


def _nobody_is_free(tx: Transaction, policy: PolicySet, team: Team, now: datetime) -> bool:
    routes = [name for name in policy.routes if team_of(policy, name) is team]
    load = tx.handoffs.busy(routes)
    mine = {name: n for name, n in load.items() if name is not None}
    return not is_free_for_more(team, at=now, load=mine, open_handoffs=sum(load.values()))
