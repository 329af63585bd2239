"""
Rasa's tracker → turns. Its events are in the order in which they happened; their times need not be, and are not sorted
by. `agent` is a person here; the bot is `bot`.

source: RasaHQ/rasa-sdk@42824764 (types.py, events.py), RasaHQ/rasa@0138c5be data/test_trackers, read 2026-11-21.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.reading import at, key, moment, rows, share, text
from packets.event import Attachment, Entity, Intent, Nlu, Role, Turn

ROLES: Mapping[str, Role] = {"user": Role.CUSTOMER, "bot": Role.BOT, "agent": Role.AGENT}
FALLBACK_INTENT = "nlu_fallback"
FALLBACK_ACTIONS = ("action_default_fallback", "action_two_stage_fallback", "action_unlikely_intent")


def turns(tracker: Mapping[str, Any], next_action: str | None = None) -> tuple[Turn, ...]:
    """
    What was said since the session began or the conversation was restarted. What Rasa took back (`rewind`, which its
    default fallback does by itself) was said all the same: it stays, as not understood.
    next_action: what Rasa is about to do; a fallback counts for the newest customer turn.
    """
    found: list[Turn] = []
    ids: Counter[str] = Counter()
    for place, row in enumerate(rows(tracker.get("events"))):
        match row.get("event"):
            case "session_started" | "restart":
                found, ids = [], Counter()
            case "rewind":
                _mark_fallback(found)
            case "action" if row.get("name") in FALLBACK_ACTIONS:
                _mark_fallback(found)
            case str(kind) if kind in ROLES:
                if (turn := _turn(row, kind, _id(row, kind, place, ids), found)) is not None:
                    found.append(turn)
    if next_action in FALLBACK_ACTIONS:
        _mark_fallback(found)
    return tuple(found)


def session_started_at(tracker: Mapping[str, Any]) -> datetime | None:
    found = [row for row in rows(tracker.get("events")) if row.get("event") == "session_started"]
    return moment(found[-1].get("timestamp")) if found else None


def _mark_fallback(found: list[Turn]) -> None:
    """The newest customer turn was not understood."""
    place = next((n for n in range(len(found) - 1, -1, -1) if found[n].role is Role.CUSTOMER), None)
    if place is not None:
        found[place] = replace(found[place], nlu=replace(found[place].nlu or Nlu(), is_fallback=True))


def _turn(row: Mapping[str, Any], kind: str, message_id: str, before: list[Turn]) -> Turn | None:
    words, content_type = _words(row, kind)
    pictures = [text(at(row, "data", name)) for name in ("image", "attachment")]
    attachments = tuple(Attachment(url=url) for url in pictures if url)
    if words is None and not attachments:
        return None
    told_at = moment(row.get("timestamp"))
    if before and told_at and before[-1].occurred_at:
        told_at = max(told_at, before[-1].occurred_at)  # the order of the list counts
    return Turn(
        ROLES[kind],
        words or "",
        message_id=message_id,
        occurred_at=told_at,
        content_type=content_type,
        nlu=_nlu(row) if kind == "user" else None,
        attachments=attachments,
    )


def _words(row: Mapping[str, Any], kind: str) -> tuple[str | None, str]:
    """
    A pressed button comes as `/intent{"slot": …}`: the intent's name is shown instead. Buttons the bot offers are part
    of what it said.
    """
    said = text(row.get("text"))
    if kind == "user":
        if said and said.startswith("/"):
            return _intent_name(row) or said[1:].partition("{")[0], "choice"
        return said, "text"
    offered = [text(button.get("title")) for button in rows(at(row, "data", "buttons"))]
    lines = [said, *(f"· {title}" for title in offered if title)]
    return "\n".join(line for line in lines if line) or None, "text"


def _id(row: Mapping[str, Any], kind: str, place: int, seen: Counter[str]) -> str:
    """Only customer messages have an id. A tracker may begin anew with each session, so a place is no id; a time is."""
    own = key(row.get("message_id")) if kind == "user" else None
    found = own or f"{kind}-{key(row.get('timestamp')) or place}"
    seen[found] += 1
    return found if seen[found] == 1 else f"{found}#{seen[found]}"


def _intent_name(row: Mapping[str, Any]) -> str | None:
    return text(at(row, "parse_data", "intent", "name"), 200)


def _nlu(row: Mapping[str, Any]) -> Nlu | None:
    """
    For `nlu_fallback` Rasa's confidence is no confidence in an answer: the best real intent of the ranking is told,
    with its own.
    """
    parsed = at(row, "parse_data")
    ranking = rows(at(parsed, "intent_ranking"))
    name = _intent_name(row)
    is_fallback = name == FALLBACK_INTENT
    if is_fallback:
        best = next((r for r in ranking if text(r.get("name")) not in (None, FALLBACK_INTENT)), {})
    else:
        best = at(parsed, "intent")
    best_name = text(at(best, "name"), 200)
    entities = tuple(
        Entity(entity, row.get("value"), share(row.get("confidence_entity")))
        for row in rows(at(parsed, "entities"))
        if (entity := text(row.get("entity"), 200)) and isinstance(row.get("value"), str | int | float | bool)
    )
    if not (best_name or entities or is_fallback):
        return None
    intent = Intent(best_name, confidence=share(at(best, "confidence"))) if best_name else None
    return Nlu(intent, entities=entities, is_fallback=is_fallback)
