"""Rasa: the gateway is its action server, answers with the decision, and appends to its tracker later."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.rasa.inbound import Rasa

ADAPTER = Rasa()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.rasa.client import RasaClient

    return RasaClient(account)
