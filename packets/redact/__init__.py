"""
Takes private data out of what leaves the house. One file per kind of detector, all ours: the ready-made ones miss a
card number written in groups, or want a language model from the network at start.

`text.py` works on one text, `packet.py` and `decision.py` on whole values; a `Profile` says what may stay.
"""

from packets.redact.decision import redact_decision, redact_evidence
from packets.redact.packet import redact_packet
from packets.redact.profile import PROFILES, STANDARD, STRICT, Profile
from packets.redact.text import Redacted, redact_text

__all__ = [
    "PROFILES",
    "STANDARD",
    "STRICT",
    "Profile",
    "Redacted",
    "redact_decision",
    "redact_evidence",
    "redact_packet",
    "redact_text",
]
