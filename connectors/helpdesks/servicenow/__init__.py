"""ServiceNow: incidents through the Table API, and the calls of our own business rule."""

from connectors.helpdesks.servicenow.client import ServiceNow
from connectors.helpdesks.servicenow.inbound import ServiceNowInbound
from connectors.ports import Helpdesk, HelpdeskAccount, HelpdeskInbound

INBOUND: HelpdeskInbound = ServiceNowInbound()


def make(account: HelpdeskAccount) -> Helpdesk:
    """The client of one account. Raises ValueError if its configuration cannot work."""
    return ServiceNow(account)
