"""Which sources can wait for somebody's accept, and what is said of the others."""

import pytest

from connectors.ports import VendorAccount
from gateway.settings import STARTER_POLICY
from gateway.vendors.waits import cannot_wait, waits_in_vain
from policies.load import load_policy

VOICE = {"destination": "+15550100009", "bot_url": "https://bot.example.com/twiml"}


def account(vendor, base_url="https://vendor.example", **options):
    return VendorAccount("bot", vendor, ("secret",), options, base_url)


@pytest.fixture(scope="module")
def starter():
    return load_policy(STARTER_POLICY)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (account("canonical"), None),
        (account("twilio", **VOICE), None),
        (account("vapi", destination="+15550100009"), None),
        (account("canonical", None), "it has no base_url"),
        (account("twilio", destination="+15550100009"), "it has no option bot_url, which twilio needs for that"),
        (account("twilio"), "it has no option bot_url and destination"),
        (account("retell"), "retell cannot be told later"),
        (account("dialogflow"), "dialogflow cannot be told later"),
    ],
)
def test_a_source_that_cannot_wait_says_what_it_lacks(source, why):
    found = cannot_wait(source)

    assert (found is None) == (why is None)
    assert why is None or found.startswith(why)


def test_only_sources_that_cannot_are_told_and_only_where_a_route_waits(starter):
    told = list(waits_in_vain(starter, [account("canonical"), account("retell")]))

    assert told == [
        "bot: retell cannot be told later to put a customer through; "
        "warm handoffs to key_accounts, sales are connected at once (cold)"
    ]
    assert all(route.warm is None for route in starter.routes.values() if route.name in ("general", "sensitive"))
