"""
A decision without private data, for storage: the trace keeps what made each rule fire, but not a card number in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from packets.decision import Decision, Evidence
from packets.event import Turn
from packets.redact.profile import Profile
from packets.redact.redactor import Redactor


def redact_evidence(evidence: Evidence, profile: Profile, turns: Iterable[Turn] = ()) -> Evidence:
    """
    turns: the turns as they were before redaction, where at hand; a quotation that cuts through a number can only be
    recognised in the whole turn.
    """
    return Redactor(profile, turns).evidence(evidence)


def redact_decision(decision: Decision, profile: Profile, turns: Iterable[Turn] = ()) -> Decision:
    """The decision as it may be stored and shown: evidence, facts and texts redacted, everything else as it was."""
    redactor = Redactor(profile, turns)
    return replace(
        decision,
        rules=tuple(redactor.rule(rule) for rule in decision.rules),
        facts=redactor.value(decision.facts),
        recommended=redactor.maybe(decision.recommended),
        customer_message=redactor.maybe(decision.customer_message),
    )
