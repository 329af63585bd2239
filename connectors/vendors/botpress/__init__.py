"""Botpress: a HITL integration passes its actions on to us and emits what we tell it."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.botpress.inbound import Botpress

ADAPTER = Botpress()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.botpress.client import BotpressClient

    return BotpressClient(account)
