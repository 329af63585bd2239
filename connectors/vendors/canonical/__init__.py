from connectors.vendors.canonical.inbound import Canonical

ADAPTER = Canonical()
