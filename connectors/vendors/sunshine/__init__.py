"""Zendesk messaging (Sunshine Conversations), both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.sunshine.inbound import Sunshine

ADAPTER = Sunshine()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.sunshine.client import SunshineClient

    return SunshineClient(account)
