"""The canonical vendor, both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.canonical.inbound import Canonical

ADAPTER = Canonical()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.canonical.client import CanonicalClient  # brings requests along; not every gateway calls

    return CanonicalClient(account)
