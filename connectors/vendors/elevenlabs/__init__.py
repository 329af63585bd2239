"""ElevenLabs agents: post-call webhooks in; nothing to call back (a transfer is the agent's own tool)."""

from connectors.vendors.elevenlabs.inbound import ElevenLabs

ADAPTER = ElevenLabs()
