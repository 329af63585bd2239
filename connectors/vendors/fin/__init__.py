"""Intercom's Fin Agent API (Fin on a channel of your own), both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.fin.inbound import Fin

ADAPTER = Fin()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.fin.client import FinClient

    return FinClient(account)
