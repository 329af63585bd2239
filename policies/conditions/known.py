"""What is known of the customer from before: earlier contacts, and what was remembered for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from policies.conditions.silence import GIVEN_NOW
from policies.history import REMEMBERED, Contact
from policies.params import a_duration, count, one_of
from policies.registry import Seen, condition, seen
from policies.signals import Signals
from policies.sla.units import parse_duration, show_duration

_GIVEN = "given"  # the issue of contacts that a test gives


def _contacts(signals: Signals, value: Any) -> Signals:
    ages = [parse_duration(age) for age in (value if isinstance(value, list) else [value])]
    earlier = tuple(Contact(GIVEN_NOW - age, (_GIVEN,)) for age in ages)
    history = replace(signals.history, earlier=earlier, issues=(_GIVEN,))
    return replace(signals, history=history, now=GIVEN_NOW, looked_at={})


def _says(within: timedelta, times: int) -> str:
    return f"contacted us about it before, {times} time{'s' * (times > 1)} within {show_duration(within)}"


@condition(_says, {"within": a_duration(), "times": count().otherwise(1)}, given=_contacts)
def repeat_contact(signals: Signals, within: timedelta, times: int) -> Seen:
    """
    The customer has come about the same issue before: so many earlier contacts (one, if `times` is left out) began
    within this time. The same issue: an intent the bot understood, a topic heard in the words, a task that fails, or
    the number of an order, invoice, case, … is the same. A contact ends when people give it back, and with a silence
    of 24 hours. Only what Baton itself has seen counts; what the customer says about it is `topic: repeat_contact`.

        repeat_contact: {within: 72h, times: 1}
    """
    issues = set(signals.issues) if signals.history.earlier else set()
    ages = [
        signals.now - contact.at
        for contact in signals.history.earlier
        if signals.now is not None and issues & set(contact.issues)
    ]
    fresh = sorted(age for age in ages if age <= within)
    said = ", ".join(f"{_shown(age)} ago" for age in fresh[:5]) or "none known"
    return seen(len(fresh) >= times, [int(age.total_seconds()) for age in fresh], said)


def _shown(age: timedelta) -> str:
    """As coarse as people say it."""
    seconds = max(0, int(age.total_seconds()))
    unit = 3600 if seconds >= 7200 else 60 if seconds >= 120 else 1
    return show_duration(timedelta(seconds=seconds // unit * unit))


def _remembered(signals: Signals, value: Any) -> Signals:
    told = value if isinstance(value, list) else [value]
    if not set(told) <= set(REMEMBERED):
        raise ValueError(f"expected {', '.join(REMEMBERED)}")
    return replace(signals, history=replace(signals.history, remembered=frozenset(told)), looked_at={})


@condition("it is remembered of the customer: {value}", one_of(*REMEMBERED), given=_remembered)
def remembered(signals: Signals, what: str) -> Seen:
    """
    A rule with `remember:` fired for this customer once, in whatever conversation, source or vendor, and nobody has
    lifted it since (`baton customers lift`). `no_ai_contact`: the customer wants no bot any more.

        remembered: no_ai_contact
    """
    known = signals.history.remembered
    return seen(what in known, sorted(known), ", ".join(sorted(known)) or "nothing")
