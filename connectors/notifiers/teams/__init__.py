"""Microsoft Teams: Adaptive Cards through a Workflows webhook. How to switch it on: README.md beside this file."""

from connectors.notifiers.teams.client import make
from connectors.notifiers.teams.examine import examine

INBOUND = None  # a Workflows webhook tells us nothing: what people press are links of ours

__all__ = ["INBOUND", "examine", "make"]
