"""
When nobody is free: the appointments a team can offer. Pure; who is booked already is told.

A slot lies wholly inside the team's hours and inside the decent hours of the customer's own day, has room, and is not
too soon. The invitation that goes with it is `ics.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.sla.calendar import Calendar
from policies.sla.hours import Hours
from policies.sla.roster import Callbacks
from policies.sla.wall import instant, local, seconds_of

LOOK_DAYS = 14  # nobody is offered a call further away
# What the customer is told of calls: scripts of these names, if there are any (scripts.yml).
OFFERED, FREE, TAKEN, BOOKED = SCRIPTS = ("callback_offered", "callback_free", "callback_taken", "callback_booked")
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Slot:
    """An appointment, half-open. room: how many more can be booked into it."""

    starts_at: datetime
    ends_at: datetime
    room: int


def free_slots(
    hours: Hours,
    rules: Callbacks,
    *,
    customer_zone: str | None,
    booked: Iterable[datetime],
    now: datetime,
    count: int = 3,
) -> tuple[Slot, ...]:
    """
    The next slots that can be offered, soonest first; fewer, or none, when there are no more within two weeks.

    customer_zone: None = the calendar's own. booked: starts of the appointments made already.
    """
    start = seconds_of(now) + rules.lead
    civil = _civil(rules, customer_zone or hours.zone)
    # An appointment made under other rules takes room from every slot it overlaps.
    taken = [seconds_of(at) for at in booked]
    found: list[Slot] = []
    for opening, close in _common(hours, civil, start, start + LOOK_DAYS * _DAY):
        at = _on_grid(opening, rules.slot, hours.zone)
        while at + rules.slot <= close and len(found) < count:
            room = rules.capacity - sum(at - rules.slot < other < at + rules.slot for other in taken)
            if room > 0:
                found.append(Slot(instant(at), instant(at + rules.slot), room))
            at += rules.slot
    return tuple(found)


def is_free(
    slot: datetime, hours: Hours, rules: Callbacks, *, customer_zone: str | None, booked: Iterable[datetime]
) -> bool:
    """Whether a slot that was offered can still be confirmed: two may have been offered the last one."""
    start, taken = seconds_of(slot), Counter(seconds_of(at) for at in booked)
    both = (hours, _civil(rules, customer_zone or hours.zone))
    inside = all(part.elapsed(start, start + rules.slot) == rules.slot for part in both)
    near = sum(n for at, n in taken.items() if start - rules.slot < at < start + rules.slot)
    return inside and near < rules.capacity


def may_book(
    slot: datetime,
    hours: Hours,
    rules: Callbacks,
    *,
    customer_zone: str | None,
    booked: Iterable[datetime],
    now: datetime,
    was_offered: bool,
) -> bool:
    """
    Whether a customer can have this very time. was_offered: it was far enough ahead when it was offered; a time the
    customer has thought of must be so now.
    """
    soonest = now if was_offered else now + timedelta(seconds=rules.lead)
    if slot < soonest or slot > now + timedelta(days=LOOK_DAYS):
        return False
    return is_free(slot, hours, rules, customer_zone=customer_zone, booked=booked)


def say_times(script: str, starts: Iterable[datetime], zone: str) -> str:
    """A script with its `{times}` and `{zone}`: dates and times of day as every language reads them."""
    times = ", ".join(f"{local(seconds_of(at), zone):%Y-%m-%d %H:%M}" for at in starts)
    return script.replace("{times}", times).replace("{zone}", zone)


def reminder_at(slot: datetime, minutes: int = 15) -> datetime:
    return instant(seconds_of(slot) - minutes * 60)


def _civil(rules: Callbacks, zone: str) -> Hours:
    return Hours((Calendar("civil", zone, ((rules.civil,),) * 7),))


def _common(one: Hours, other: Hours, a: int, b: int) -> Iterator[tuple[int, int]]:
    """The stretches in which both are open."""
    for start, end in one.windows(a, b):
        yield from other.windows(start, end)


def _on_grid(at: int, slot: int, zone: str) -> int:
    """The first full slot of the local day at or after `at`: half-hour slots begin at :00 and :30."""
    wall = local(at, zone)
    passed = wall.hour * 3600 + wall.minute * 60 + wall.second
    return at + -passed % slot
