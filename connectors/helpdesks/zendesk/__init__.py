"""Zendesk: tickets through zenpy on our Session, and its signed webhooks."""

from connectors.helpdesks.zendesk.client import ZendeskHelpdesk
from connectors.helpdesks.zendesk.inbound import ZendeskInbound
from connectors.ports import Helpdesk, HelpdeskAccount, HelpdeskInbound

INBOUND: HelpdeskInbound = ZendeskInbound()


def make(account: HelpdeskAccount) -> Helpdesk:
    """The client of one account. Raises ValueError if its configuration cannot work."""
    return ZendeskHelpdesk(account)
