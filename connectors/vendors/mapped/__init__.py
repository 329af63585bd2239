"""Any vendor that posts JSON, by a YAML mapping instead of an adapter. Webhooks in; the answer carries the decision."""

from connectors.vendors.mapped.inbound import Mapped

ADAPTER = Mapped()
