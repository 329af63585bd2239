"""
What a packet lacks, and how much of what a person needs is there. An empty packet ("user needs help") does not leave
the house: it says itself that it is incomplete, what is missing, and where else to look.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from packets.event import Role
from packets.handoff import Packet
from packets.words import label, listed

# Share of the whole that each part counts. Reason and transcript weigh most: without them a person starts from nothing.
WEIGHTS = {
    "reason": 0.20,
    "evidence": 0.10,
    "transcript": 0.20,
    "who": 0.10,
    "reach": 0.15,
    "facts": 0.15,
    "recommended": 0.10,
}
FROM_THE_VENDOR = ("transcript", "who", "reach", "facts")  # the others are ours to give
_TRANSCRIPT = {"full": 1.0, "partial": 0.5, "none": 0.0}


@dataclass(frozen=True, slots=True)
class Assessment:
    """score: 0..1, two decimals. lacks: what is missing, for people, weightiest first."""

    score: float
    lacks: tuple[str, ...]


def assess(packet: Packet, of: Collection[str] = WEIGHTS) -> Assessment:
    """
    Score the packet part by part (WEIGHTS), or only the parts `of`. Chat and voice customers are still on the line, so
    they can be reached where the vendor's conversation is linked; by e-mail or phone in any case.
    """
    parts = {part: found for part, found in _parts(packet).items() if part in of}
    score = sum(WEIGHTS[part] * share for part, (share, _) in parts.items()) / sum(WEIGHTS[part] for part in parts)
    lacking = sorted((WEIGHTS[part] * (share - 1), lack) for part, (share, lack) in parts.items() if share < 1)
    return Assessment(round(score, 2), tuple(lack for _, lack in lacking))


def is_empty(packet: Packet) -> bool:
    """Nothing in it that a person did not know beforehand: nobody's words, no facts, no evidence, no attempts."""
    said = any(turn.text.strip() for turn in packet.transcript.turns if turn.role is not Role.SYSTEM)
    evidence = any(rule.evidence for rule in packet.reason.rules)
    told = packet.extra.get("agent_note") or packet.extra.get("vendor_reason")
    return not (said or told or packet.transcript.summary or packet.facts or packet.tried or evidence)


def completed(packet: Packet) -> Packet:
    """The packet with its completeness; an empty one is marked, and its first action is to find out more."""
    assessment = assess(packet)
    if is_empty(packet) and "incomplete" not in packet.extra:
        packet = _marked(packet, assessment)
        assessment = assess(packet)
    return replace(packet, completeness=assessment.score)


def _marked(packet: Packet, assessment: Assessment) -> Packet:
    where = (
        "open the conversation at the vendor"
        if packet.url
        else f"look up {packet.vendor_conversation_id} at the vendor"
    )
    action = f"This packet is incomplete. First {where}, then ask the customer for {_questions(packet)}."
    subject = packet.subject if packet.subject.startswith("Incomplete: ") else f"Incomplete: {packet.subject}"
    return replace(
        packet,
        subject=subject,
        recommended=replace(packet.recommended, action=action),
        extra={**packet.extra, "incomplete": list(assessment.lacks)},
    )


def _questions(packet: Packet) -> str:
    return listed(["their problem", *(label(name) for name in packet.missing)])


def _parts(packet: Packet) -> dict[str, tuple[float, str]]:
    """Each part's share, 0..1, and what to say if it is not whole."""
    reason, transcript = packet.reason, packet.transcript
    rules = bool(reason.rules) or bool(reason.headline.strip())
    evidence = any(rule.evidence for rule in reason.rules)
    told = _TRANSCRIPT.get(transcript.completeness, 0.5) if transcript.turns else 0.0
    known = bool(packet.customer_name) or any(label(fact.name) in ("account", "name") for fact in packet.facts)
    recommended = bool(packet.recommended.action.strip()) and "incomplete" not in packet.extra
    return {
        "reason": (float(rules), "why it was handed to people"),
        "evidence": (float(evidence), "the words or numbers that made a rule fire"),
        "transcript": (told, "the transcript" if not told else "part of the transcript"),
        "who": (float(known), "who the customer is"),
        "reach": (_reach(packet), "an e-mail address or phone number to reach the customer"),
        "facts": (_facts(packet), listed(label(name) for name in packet.missing) or "any fact about the case"),
        "recommended": (float(recommended), "what to do first"),
    }


def _reach(packet: Packet) -> float:
    if packet.customer_email or packet.customer_phone:
        return 1.0
    return 0.5 if packet.url else 0.0


def _facts(packet: Packet) -> float:
    """The share of the wanted facts that is known; where none are wanted, any fact will do."""
    wanted = len(packet.extra.get("wanted", packet.missing))
    return max(0.0, 1 - len(packet.missing) / wanted) if wanted else float(bool(packet.facts))
