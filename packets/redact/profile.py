"""What may stay in a packet. Cards, IBANs, social security numbers and secrets never do, whatever the profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """
    email, phone: True = they stay in what people read (transcript, facts, evidence, summary).
    contact: True = the requester's own e-mail and phone stay in the ticket's contact fields, or nobody can answer.
    region: where a phone number without + is from ("DE"); None = only numbers with + are recognised.
    """

    name: str
    email: bool = True
    phone: bool = True
    contact: bool = True
    region: str | None = None


STANDARD = Profile("standard")
STRICT = Profile("strict", email=False, phone=False)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (STANDARD, STRICT)}
