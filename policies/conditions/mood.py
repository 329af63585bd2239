"""How the customer sounds: the sentiment the vendor tells for each turn, and on the phone the voice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from packets.conversation import Conversation
from packets.course import MOODS, Voice
from policies.params import number, share, turns, yes_no
from policies.registry import Seen, condition, seen, with_conversation
from policies.signals import Signals


def _moods(conversation: Conversation, value: Any) -> Conversation:
    told = value if isinstance(value, list) else [value]
    moods = tuple(MOODS[m] if m in MOODS else None if m is None else float(m) for m in told)
    return replace(conversation, course=replace(conversation.course, moods=moods))


def _voice(conversation: Conversation, value: Any) -> Conversation:
    return replace(conversation, course=replace(conversation.course, voice=Voice(**value)))


def _shown(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.2f}"


@condition(
    "sentiment below {below} for {for} turns",
    {"below": number(-1, 1), "for": turns().otherwise(1)},
    given=with_conversation(_moods),
)
def sentiment(signals: Signals, below: float, newest: int) -> Seen:
    """
    The vendor's sentiment (−1 to 1) was below a value for each of the newest customer turns; without `for`, for the
    newest. A label without a score counts as −0.5 (negative), 0 (neutral, mixed) or 0.5 (positive). A turn without
    either is unknown: it never counts as low, and it ends the run.

        sentiment: {below: -0.3, for: 3 turns}
    """
    told = signals.conversation.course.moods
    last = told[-newest:]
    held = len(last) == newest and all(m is not None and m < below for m in last)
    return seen(held, [None if m is None else round(m, 4) for m in told], ", ".join(map(_shown, last)) or "unknown")


def _says_voice(loudness_above: float | None, tone_below: float | None, raised_voice: bool | None) -> str:
    parts = [
        f"loudness above {loudness_above:g}" if loudness_above is not None else "",
        f"tone below {tone_below:g}" if tone_below is not None else "",
        f"raised voice: {'yes' if raised_voice else 'no'}" if raised_voice is not None else "",
    ]
    return "voice: " + ", ".join(filter(None, parts))


@condition(
    _says_voice,
    {
        "loudness_above": share().otherwise(None),
        "tone_below": number(-1, 1).otherwise(None),
        "raised_voice": yes_no().otherwise(None),
    },
    given=with_conversation(_voice),
    one_of=("loudness_above", "tone_below", "raised_voice"),
)
def voice(signals: Signals, loudness_above: float | None, tone_below: float | None, raised: bool | None) -> Seen:
    """
    How the newest customer turn sounded on the phone (`context.analysis.voice`): `loudness_above` (0–1), `tone_below`
    (−1–1), `raised_voice`. With several, all must hold. What the vendor does not tell is unknown.

        voice: {loudness_above: 0.8, tone_below: -0.5}
    """
    told = signals.conversation.course.voice or Voice()
    holds = [
        loudness_above is None or (told.loudness is not None and told.loudness > loudness_above),
        tone_below is None or (told.tone_score is not None and told.tone_score < tone_below),
        raised is None or told.raised_voice is raised,
    ]
    value = {"loudness": told.loudness, "tone_score": told.tone_score, "raised_voice": told.raised_voice}
    known = [f"{name.replace('_', ' ')} {_said(v)}" for name, v in value.items() if v is not None]
    return seen(all(holds), value, ", ".join(known) or "unknown")


def _said(value: float | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:.2f}"
