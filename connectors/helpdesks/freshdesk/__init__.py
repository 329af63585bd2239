"""Freshdesk: tickets through its API v2, and the unsigned webhooks of its automation rules."""

from connectors.helpdesks.freshdesk.client import Freshdesk
from connectors.helpdesks.freshdesk.inbound import FreshdeskInbound
from connectors.ports import Helpdesk, HelpdeskAccount, HelpdeskInbound

INBOUND: HelpdeskInbound = FreshdeskInbound()


def make(account: HelpdeskAccount) -> Helpdesk:
    """The client of one account. Raises ValueError if its configuration cannot work."""
    return Freshdesk(account)
