"""Retell AI: voice and chat agents. Webhooks in; nothing to call back (a transfer is the agent's own tool)."""

from connectors.vendors.retell.inbound import Retell

ADAPTER = Retell()
