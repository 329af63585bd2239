"""Vapi: voice and chat assistants, both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.vapi.inbound import Vapi

ADAPTER = Vapi()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.vapi.client import VapiClient

    return VapiClient(account)
