"""LivePerson Conversational Cloud: webhooks in; nothing to call back over HTTP (a transfer is the bot's own)."""

from connectors.vendors.liveperson.inbound import LivePerson

ADAPTER = LivePerson()
