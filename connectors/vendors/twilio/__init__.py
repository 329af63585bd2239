"""Twilio: calls, SMS and WhatsApp, both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.twilio.inbound import Twilio

ADAPTER = Twilio()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.twilio.client import TwilioClient

    return TwilioClient(account)
