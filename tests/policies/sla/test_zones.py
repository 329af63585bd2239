"""Which attribute of a customer names a time zone."""

import pytest

from policies.sla.zones import zone_of_customer


@pytest.mark.parametrize(
    ("attributes", "zone"),
    [
        ({"time_zone": "Asia/Kathmandu"}, "Asia/Kathmandu"),
        ({"timezone": "America/Argentina/Ushuaia"}, "America/Argentina/Ushuaia"),
        ({"time_zone": "UTC"}, "UTC"),
        ({"time_zone": "somewhere", "timezone": "Europe/Berlin"}, "Europe/Berlin"),
        ({"time_zone": "Europe/Berlin", "timezone": "Asia/Tokyo"}, "Europe/Berlin"),
        ({}, None),
    ],
)
def test_an_iana_name_is_the_customers_zone(attributes, zone):
    assert zone_of_customer(attributes) == zone


@pytest.mark.parametrize(
    "told", ["+02:00", "EST", "CET", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "Europe", "Europe/",
             "Europe/Ber\0lin", "A/" * 3000, "", 2, None, ["Europe/Berlin"]],
)  # fmt: skip
def test_whatever_else_is_told_is_no_zone(told):
    assert zone_of_customer({"time_zone": told}) is None
