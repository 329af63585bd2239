"""Intercom's workspace webhooks, both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.intercom.inbound import Intercom

ADAPTER = Intercom()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.intercom.client import IntercomClient

    return IntercomClient(account)
