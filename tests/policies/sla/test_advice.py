"""What is worth a second look."""

from packets.draft import Priority
from policies.sla.advice import destinations_without_roster, tiers_without_ladder, uncertain_edges
from policies.sla.roster import Member, Team
from policies.sla.tiers import Target, Tier
from policies.sla.within import Seconds


def test_an_edge_at_two_in_the_morning_is_uncertain_where_clocks_change(make_week):
    berlin, kathmandu = (make_week(zone, sun="22:00-02:30") for zone in ("Europe/Berlin", "Asia/Kathmandu"))

    assert uncertain_edges(berlin) == ["sun 02:30 may fall into the hour in which the clocks change in Europe/Berlin"]
    assert uncertain_edges(kathmandu) == []


def test_midnight_and_office_hours_are_certain(make_week):
    assert uncertain_edges(make_week("Europe/Berlin", "00:00-24:00", mon="09:00-17:00")) == []


def test_targets_that_nobody_is_told_of_are_named():
    targets = {m: Target(m, Seconds(60), ladder=told) for m, told in (("pickup", None), ("resolution", "short"))}

    assert list(tiers_without_ladder({"t": Tier("t", Priority.HIGH, targets)})) == [("t", "pickup")]


def test_routes_whose_destination_has_no_team_are_named():
    rosters = {"general": Team("general", (Member("ann", "chat"),))}

    assert destinations_without_roster(["general", "billing"], rosters) == ["billing"]
    assert destinations_without_roster(["general", "billing"], {}) == []
