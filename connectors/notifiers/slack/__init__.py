"""Slack: cards in Block Kit, buttons that Slack signs. How to switch it on: README.md beside this file."""

from connectors.notifiers.slack.client import make
from connectors.notifiers.slack.examine import examine
from connectors.notifiers.slack.inbound import SlackInbound

INBOUND = SlackInbound()

__all__ = ["INBOUND", "examine", "make"]
