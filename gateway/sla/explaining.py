"""Why the clocks of a handoff show what they show, for the API and `baton sla explain`: data and text from one fold."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.sla.refold import recorded_clocks
from policies.sla.explain import Explanation, explain, explanation_text

if TYPE_CHECKING:
    from gateway.wiring import Transaction


def clocks_json(tx: Transaction, handoff_id: str, now: datetime) -> dict[str, Any]:
    """Every clock with each cycle of it, each stretch, what was recorded; and why the handoff has its tier."""
    clocks = []
    for row, recorded in recorded_clocks(tx, handoff_id):
        clock = recorded.fold(now)
        clocks.append(
            {
                "id": row.id,
                "metric": row.metric,
                "state": row.state if not clock.cycles else clock.cycles[-1].state.value,
                "cycles": [_as_json(explain(cycle, now=now)) for cycle in clock.cycles],
                "effects": effects_json(tx, row.id),
                "facts": len(recorded.facts),
                "clamped": list(clock.skewed),
            }
        )
    return {"handoff_id": handoff_id, "now": now.isoformat(), "tier_because": _why(tx, handoff_id), "clocks": clocks}


def effects_json(tx: Transaction, clock_id: str) -> list[dict[str, Any]]:
    """What was recorded because of a clock: warnings, breaches, retractions, how it ended."""
    return [
        {
            "effect": effect.key.effect.value,
            "cycle": effect.key.cycle,
            "name": effect.key.name,
            "at": effect.at.isoformat(),
            "noticed_at": effect.noticed_at.isoformat(),
            "cause": effect.cause or None,
            "ladder": effect.ladder,
        }
        for effect in tx.clocks.effects_of(clock_id)
    ]


def clocks_text(tx: Transaction, handoff_id: str, now: datetime) -> str:
    """The same for people."""
    wishes = [f"{w['tier']} ({w['by']}: {w['what']})" for w in _why(tx, handoff_id)]
    parts = [f"tier asked for: {', '.join(wishes) or 'nothing is known'}"]
    for row, recorded in recorded_clocks(tx, handoff_id):
        cycles = recorded.fold(now).cycles
        parts += [explanation_text(explain(cycle, now=now)) for cycle in cycles]
        if not cycles:
            parts.append(f"{row.metric}, tier {row.tier}: not started")
        effects = tx.clocks.effects_of(row.id)
        if effects:
            parts.append("  recorded: " + ", ".join(_told(e.key.effect.value, e.key.name, e.at) for e in effects))
    return "\n".join(parts)


def _told(effect: str, name: str, at: datetime) -> str:
    return f"{effect}{f' {name}' if name and ':' not in name else ''} {at:%Y-%m-%d %H:%M:%SZ}"


def _why(tx: Transaction, handoff_id: str) -> list[dict[str, str]]:
    return [
        {"tier": wish.tier, "by": wish.by.value, "what": wish.what, "at": wish.at.isoformat(), "policy": revision}
        for wish, revision in tx.wishes.of_handoff(handoff_id)
    ]


def _as_json(told: Explanation) -> dict[str, Any]:
    return {name: _plain(value) for name, value in asdict(told).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
