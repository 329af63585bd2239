"""
A packet as it may leave the house: every text a customer, a bot or a tool could have put something private into.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from packets.event import Attachment, Author, Nlu, Turn
from packets.handoff import FiredRule, Packet
from packets.redact.profile import Profile
from packets.redact.redactor import Redactor
from packets.transcript import Transcript


def redact_packet(packet: Packet, profile: Profile) -> Packet:
    """
    The packet without what `profile` takes out; `redacted` says what was removed and how often. A second call changes
    nothing. Ids, times and the link to the vendor stay as they are: systems need them unchanged.
    """
    redactor = Redactor(profile, packet.transcript.turns)
    clean = replace(
        packet,
        subject=redactor.text(packet.subject),
        transcript=_transcript(packet.transcript, redactor),
        facts=tuple(replace(fact, value=redactor.named(fact.name, fact.value)) for fact in packet.facts),
        tried=tuple(
            replace(attempt, what=redactor.text(attempt.what), detail=redactor.maybe(attempt.detail))
            for attempt in packet.tried
        ),
        reason=replace(
            packet.reason,
            headline=redactor.text(packet.reason.headline),
            rules=tuple(_rule(rule, redactor) for rule in packet.reason.rules),
        ),
        recommended=replace(packet.recommended, action=redactor.text(packet.recommended.action)),
        customer_name=redactor.maybe(packet.customer_name),
        customer_email=_contact(packet.customer_email, profile),
        customer_phone=_contact(packet.customer_phone, profile),
        extra=redactor.value(packet.extra),
        # It repeats name, facts and words that are redacted and counted above.
        announcement=Redactor(profile).text(packet.announcement),
    )
    counts = Counter(packet.redacted) + redactor.counts
    return replace(clean, redacted=dict(sorted(counts.items())))


def redact_turns(turns: tuple[Turn, ...], profile: Profile) -> tuple[Turn, ...]:
    """Turns that leave the house without a packet around them."""
    redactor = Redactor(profile, turns)
    return tuple(_turn(turn, redactor) for turn in turns)


def _transcript(transcript: Transcript, redactor: Redactor) -> Transcript:
    turns = tuple(_turn(turn, redactor) for turn in transcript.turns)
    # A summary repeats what the turns hold; it is redacted, but counted only where there are no turns.
    counting = Redactor(redactor.profile) if turns else redactor
    return replace(transcript, turns=turns, summary=counting.maybe(transcript.summary))


def _turn(turn: Turn, redactor: Redactor) -> Turn:
    return replace(
        turn,
        text=redactor.text(turn.text),
        nlu=_nlu(turn.nlu, redactor),
        author=_author(turn.author, redactor),
        attachments=tuple(_attachment(attachment, redactor) for attachment in turn.attachments),
    )


def _nlu(nlu: Nlu | None, redactor: Redactor) -> Nlu | None:
    """Entities repeat the turn's words, so they are redacted and not counted again."""
    if nlu is None or not nlu.entities:
        return nlu
    silent = Redactor(redactor.profile)
    entities = tuple(replace(entity, value=silent.value(entity.value, entity.name)) for entity in nlu.entities)
    return replace(nlu, entities=entities)


def _author(author: Author | None, redactor: Redactor) -> Author | None:
    if author is None:
        return None
    return replace(author, name=redactor.maybe(author.name), email=redactor.maybe(author.email))


def _attachment(attachment: Attachment, redactor: Redactor) -> Attachment:
    return replace(attachment, url=redactor.maybe(attachment.url), name=redactor.maybe(attachment.name))


def _rule(rule: FiredRule, redactor: Redactor) -> FiredRule:
    return replace(rule, evidence=tuple(redactor.evidence(evidence) for evidence in rule.evidence))


def _contact(value: str | None, profile: Profile) -> str | None:
    """The requester's own e-mail or phone: needed to answer, unless the profile says otherwise."""
    if value is None or not profile.contact:
        return None
    always = Redactor(replace(profile, email=True, phone=True))
    # A mask is no address to write to.
    return value if always.text(value) == value else None
