"""Microsoft Copilot Studio and Bot Framework, both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.microsoft.inbound import Microsoft

ADAPTER = Microsoft()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.microsoft.client import MicrosoftClient

    return MicrosoftClient(account)
