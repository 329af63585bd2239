"""
The terms of a clock as JSON and back: what a stored clock needs to be told a year later, whatever the policy says then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from policies.sla.hours import Hours
from policies.sla.terms import Terms
from policies.sla.tiers import Reopen, Target, Warn
from policies.sla.within import BusinessDays, CalendarDays, Deadline, Seconds, Within

_PLAIN = ("tier", "policy", "on_priority_change", "on_queue_change", "pause_integrity", "zone_source")
_PLAIN_OF_TARGET = ("metric", "ladder", "on_max_pause", "notes_count", "counts_from", "ladder_on_policy_change")


def terms_to_json(terms: Terms) -> str:
    """The same terms are always the same text."""
    stored = {name: getattr(terms, name) for name in _PLAIN}
    stored["target"] = _target_to_json(terms.target)
    stored["hours"] = terms.hours.to_json()
    stored["reopen"] = {"mode": terms.reopen.mode, "window": _within_to_json(terms.reopen.window)}
    return json.dumps(stored, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=512)
def terms_from_json(text: str) -> Terms:
    stored = json.loads(text)
    return Terms(
        target=_target_from_json(stored["target"]),
        hours=Hours.from_json(stored["hours"]),
        reopen=Reopen(stored["reopen"]["mode"], _within_from_json(stored["reopen"]["window"])),
        **{name: stored[name] for name in _PLAIN},
    )


def _target_to_json(target: Target) -> dict[str, Any]:
    return {
        **{name: getattr(target, name) for name in _PLAIN_OF_TARGET},
        "within": _within_to_json(target.within),
        "warn": [{"before": w.before} if w.share is None else {"share": str(w.share)} for w in target.warn],
        "pause_on": sorted(target.pause_on),
        "max_pause": target.max_pause.seconds if target.max_pause else None,
    }


def _target_from_json(stored: Mapping[str, Any]) -> Target:
    warn = tuple(Warn(Fraction(w["share"])) if "share" in w else Warn(before=w["before"]) for w in stored["warn"])
    return Target(
        within=_within_from_json(stored["within"]),
        warn=warn,
        pause_on=frozenset(stored["pause_on"]),
        max_pause=None if stored["max_pause"] is None else Seconds(stored["max_pause"]),
        **{name: stored[name] for name in _PLAIN_OF_TARGET},
    )


def _within_to_json(within: Within) -> dict[str, Any]:
    match within:
        case Seconds():
            return {"seconds": within.seconds}
        case BusinessDays():
            return {"business_days": within.days}
        case CalendarDays():
            return {"calendar_days": within.days}
        case Deadline():
            return {"deadline": within.business_days, "at": within.at, "cutoff": within.cutoff}


def _within_from_json(stored: Mapping[str, Any]) -> Within:
    if "seconds" in stored:
        return Seconds(stored["seconds"])
    if "business_days" in stored:
        return BusinessDays(stored["business_days"])
    if "calendar_days" in stored:
        return CalendarDays(stored["calendar_days"])
    return Deadline(stored["deadline"], stored["at"], stored["cutoff"])
