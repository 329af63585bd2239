"""Terms as they are stored with a clock: what comes back is what was promised."""

from datetime import date, timedelta

import pytest

from policies.sla.calendar import Calendar
from policies.sla.hours import ALWAYS, Hours
from policies.sla.stored import terms_from_json, terms_to_json
from policies.sla.terms import Terms
from policies.sla.tiers import Reopen, Target, Warn, warn_at
from policies.sla.units import show_duration
from policies.sla.within import BusinessDays, CalendarDays, Deadline, Seconds

NIGHT = Calendar("night", "Europe/Berlin", (((1320, 1800),),) * 7, {date(2026, 12, 25): "Christmas"}, scope="shift")
OFFICE = Calendar("office", "Asia/Kathmandu", (((540, 1020),),) * 5 + ((), ()), {}, {date(2026, 12, 24): ()})


@pytest.mark.parametrize(
    "within",
    [Seconds(900), BusinessDays(2), CalendarDays(1), Deadline(1, 16 * 60, 10 * 60), Deadline(0, 60)],
    ids=str,
)
def test_terms_come_back_as_they_were(within):
    target = Target(
        "resolution", within, (warn_at(0.55), Warn(before=60)), frozenset({"waiting_on_customer"}), "specialists",
        Seconds(3600), "propose_closing", notes_count=True, counts_from="created", ladder_on_policy_change=False,
    )  # fmt: skip
    terms = Terms(
        "urgent", target, Hours((NIGHT, OFFICE), "intersection"), "abc", "restart", "last_wins",
        Reopen("new_cycle", within), pause_integrity=False, zone_source="queue",
    )  # fmt: skip

    assert terms_from_json(terms_to_json(terms)) == terms


def test_the_same_terms_are_the_same_text():
    pauses = ["waiting_on_third_party", "waiting_on_customer"]
    one, other = (
        Terms("t", Target("resolution", Seconds(60), pause_on=frozenset(order)), ALWAYS)
        for order in (pauses, pauses[::-1])
    )

    assert terms_to_json(one) == terms_to_json(other)
    assert show_duration(timedelta(seconds=terms_from_json(terms_to_json(one)).target.within.seconds)) == "1m"
