"""
A conversation as somebody pastes it: "customer: …" and "bot: …" lines, or one dialogue as JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any

from policies.corpus import CorpusError, Recorded, from_dialogue

# What transcripts call the two sides → what we call them.
SPEAKERS = {
    "customer": "customer", "user": "customer", "visitor": "customer", "client": "customer", "caller": "customer",
    "bot": "bot", "assistant": "bot", "chatbot": "bot", "agent": "agent",
}  # fmt: skip
_LINE = re.compile(r"\s*([A-Za-z]+)\s*:\s?(.*)")


def read_pasted(text: str, where: str) -> Recorded:
    """Raises CorpusError with the line."""
    if text.lstrip().startswith("{"):
        return from_dialogue(_dialogue(text, where), where)
    turns: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        found = _LINE.match(line)
        role = SPEAKERS.get(found[1].lower()) if found else None
        if found and role:
            turns.append({"role": role, "text": found[2].strip()})
        elif turns and line.strip():  # goes on from the line before
            turns[-1]["text"] += "\n" + line.strip()
        elif line.strip():
            raise CorpusError(f"{where}:{number}: who says this? A line begins with customer:, bot: or agent:")
    if not turns:
        raise CorpusError(f"{where}: no conversation, expected lines like “customer: where is my order?”")
    return from_dialogue({"id": "pasted", "source": "pasted", "turns": turns}, where)


def _dialogue(text: str, where: str) -> Any:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where}: not one JSON object; many conversations are for `baton policy replay`") from error
    return {"id": "pasted", "source": "pasted", **data} if isinstance(data, dict) else data
