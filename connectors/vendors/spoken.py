"""Transcripts that voice vendors also send as one text, a line a turn: `AI: …`, `User: …`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packets.event import Role, Turn


def spoken_lines(transcript: str | None, roles: Mapping[str, Role]) -> tuple[Turn, ...]:
    """
    roles: the vendor's prefixes without the colon. A line without one goes on with the turn before it. Ids are made of
    the place, as for transcripts that come turn by turn.
    """
    if not transcript:
        return ()
    prefix = re.compile(r"^(" + "|".join(map(re.escape, roles)) + r"):[ \t]*", re.MULTILINE)
    parts = prefix.split(transcript)[1:]
    said = [(roles[who], words.strip()) for who, words in zip(parts[::2], parts[1::2], strict=True)]
    return tuple(Turn(role, words, message_id=f"t{n}") for n, (role, words) in enumerate((s for s in said if s[1]), 1))
