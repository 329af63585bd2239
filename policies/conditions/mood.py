"""How the customer sounds: the vendor's sentiment of each turn, the voice on the phone, anger in their own words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from packets.conversation import Conversation
from packets.course import MOODS, Voice
from policies.params import Known, count, number, share, turns, yes_no
from policies.registry import Seen, condition, seen, with_conversation
from policies.signals import Signals
from policies.temper import ANGER, tempers

MOST_ANGRY_TURNS = 6  # customer turns: words are kept of twelve turns, half of them the bot's


def _moods(conversation: Conversation, value: Any) -> Conversation:
    told = value if isinstance(value, list) else [value]
    moods = tuple(MOODS[m] if m in MOODS else None if m is None else float(m) for m in told)
    return replace(conversation, course=replace(conversation.course, moods=moods))


def _voice(conversation: Conversation, value: Any) -> Conversation:
    return replace(conversation, course=replace(conversation.course, voice=Voice(**value)))


def _rounded(numbers: Iterable[float | None]) -> list[float | None]:
    return [None if n is None else round(n, 4) for n in numbers]


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
    return seen(held, lambda: _rounded(told), lambda: ", ".join(map(_shown, last)) or "unknown")


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
    return seen(all(holds), lambda: asdict(told), lambda: _sounds(told))


def _sounds(voice: Voice) -> str:
    known = [f"{name.replace('_', ' ')} {_said(v)}" for name, v in asdict(voice).items() if v is not None]
    return ", ".join(known) or "unknown"


def _said(value: float | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:.2f}"


def _angry(signals: Signals, value: Any) -> Signals:
    told = value if isinstance(value, list) else [value]
    return replace(signals, tempers=tuple(share().read(v, Known()) for v in told), looked_at={})


def _says_anger(at_least: float, times: int, of: int | None) -> str:
    return f"anger {at_least:g} or more" + (f" in {times} of {of or times} turns" if of or times > 1 else "")


@condition(
    _says_anger,
    {"at_least": share(), "times": count().otherwise(1), "of": turns(most=MOST_ANGRY_TURNS).otherwise(None)},
    given=_angry,
)
def anger(signals: Signals, at_least: float, times: int, of: int | None) -> Seen:
    """
    How angry the customer's own words are, 0 to 1, in the newest customer turn; with `times` and `of` in so many of
    the newest turns, the newest among them. Angry words alone are about 0.7; written in capitals or with rows of
    exclamation marks 0.85 and more; the vendor's sentiment, where there is one, raises or lowers that. A turn that
    thanks begins the count anew. Negative sentiment without angry words is no anger: that is `sentiment`.

        anger: {at_least: 0.5, times: 2, of: 3 turns}
    """
    if signals.tempers is None and not signals.about(ANGER).evidence:  # nothing angry was said just now
        return seen(False, [], "no angry words")
    told = signals.tempers if signals.tempers is not None else tempers(signals.conversation, signals.packs, of or times)
    last = told[-(of or times) :]
    angry = sum(level >= at_least for level in last)
    held = angry >= times and last[-1] >= at_least
    return seen(held, lambda: _rounded(last), lambda: ", ".join(map(_shown, last)))
