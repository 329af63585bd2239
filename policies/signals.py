"""
The signals of one moment: what a condition may look at. Made once per decision, read by every rule.

Words are looked for only in the customer turns the newest event brought: the decision is about that event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from packets.conversation import Conversation
from packets.decision import Evidence
from packets.event import Role, Turn, Visibility
from policies.capability import NO_CAPABILITIES, Capabilities, Capability, asked_of_the_bot
from policies.detect.language import read_with
from policies.detect.pack import Pack, intent_key
from policies.detect.scan import scan
from policies.history import NO_HISTORY, History, issues_of
from policies.promises import Promise

EXPLICIT_REQUEST = "explicit_request"  # the label under which packs recognise a wish for a person


@dataclass(frozen=True, slots=True)
class Heard:
    """Evidence for one label. guarded: words that were there but did not count (negated, about somebody else, …)."""

    evidence: tuple[Evidence, ...] = ()
    guarded: tuple[Evidence, ...] = ()


NOTHING_HEARD = Heard()


@dataclass(frozen=True, slots=True)
class Signals:
    """
    heard: label → what the customer's new words, or the vendor's intents, say.
    capabilities: what of the capability map these words are about.
    unscanned: the new customer turns in a language no pack reads; their words were not looked at.
    packs: for a condition that must look at older words, too.
    history: what is known beside the conversation. now: the time of the decision; None: nobody has said.
    looked_at: filled while judging with every value a condition saw, for the decision's audit record.
    """

    conversation: Conversation
    heard: Mapping[str, Heard] = field(default_factory=dict)
    capabilities: tuple[Capability, ...] = ()
    unscanned: tuple[Evidence, ...] = ()
    packs: Mapping[str, Pack] = field(default_factory=dict)
    tempers: tuple[float, ...] | None = None  # of the newest customer turns, if given; else read from their words
    history: History = NO_HISTORY
    now: datetime | None = None
    promise: Promise | None = None  # if given; else heard in the bot's words
    looked_at: dict[str, Any] = field(default_factory=dict)

    def about(self, label: str) -> Heard:
        return self.heard.get(label, NOTHING_HEARD)

    @property
    def labels(self) -> list[str]:
        """The labels that were heard and count."""
        return sorted(label for label, heard in self.heard.items() if heard.evidence)

    @property
    def issues(self) -> tuple[str, ...]:
        """What this contact is about (history.py)."""
        return issues_of(self.conversation, self.labels, self.history)


def signals_of(
    conversation: Conversation,
    packs: Mapping[str, Pack],
    capabilities: Capabilities = NO_CAPABILITIES,
    *,
    history: History = NO_HISTORY,
    now: datetime | None = None,
) -> Signals:
    heard, unscanned = _listen(conversation, packs)
    signals = Signals(conversation, heard, unscanned=unscanned, packs=packs, history=history, now=now)
    new = new_customer_turns(conversation)
    return replace(signals, capabilities=asked_of_the_bot(conversation, new, signals.labels, capabilities))


def new_customer_turns(conversation: Conversation) -> tuple[Turn, ...]:
    return tuple(t for t in conversation.new_turns if t.role is Role.CUSTOMER and t.visibility is Visibility.PUBLIC)


def _listen(conversation: Conversation, packs: Mapping[str, Pack]) -> tuple[dict[str, Heard], tuple[Evidence, ...]]:
    evidence: dict[str, list[Evidence]] = {}
    guarded: dict[str, list[Evidence]] = {}
    unscanned: list[Evidence] = []
    for turn in new_customer_turns(conversation):
        reading = read_with(turn.text, conversation.language, packs)
        if reading.unscanned:
            unscanned.append(Evidence("no pack reads this language", turn.position))
        for pack in reading.packs:
            for found in scan(pack, turn.text):
                words = turn.text[found.start : found.end]
                said = f"“{words}”" + (f", but {found.guard.replace('_', ' ')}" if found.guard else "")
                seen = Evidence(said, turn.position, words, (found.start, found.end), found.rule)
                (guarded if found.guard else evidence).setdefault(found.label, []).append(seen)
        for label, seen in _intent(turn, packs):
            evidence.setdefault(label, []).append(seen)
    labels = {**evidence, **guarded}
    heard = {label: Heard(tuple(evidence.get(label, ())), tuple(guarded.get(label, ()))) for label in labels}
    return heard, tuple(unscanned)


def _intent(turn: Turn, packs: Mapping[str, Pack]) -> list[tuple[str, Evidence]]:
    """A vendor's intent can raise a label, never lower one; an intent left over from an earlier turn says nothing."""
    if turn.nlu is None or turn.nlu.intent is None or not turn.nlu.intent_is_current:
        return []
    name, sure = turn.nlu.intent.name, turn.nlu.intent.confidence
    said = f"intent {name}" + (f" ({sure:.2f})" if sure is not None else "")
    labels = {pack.intents[key] for pack in packs.values() if (key := intent_key(name)) in pack.intents}
    return [(label, Evidence(said, turn.position, detector=f"intent:{name}")) for label in sorted(labels)]
