"""
What the policy means for the vendor's own bot: lines for its system prompt, so that the bot does not answer what people
must, and says the same words as everybody else when they take over.

Nothing here is written twice: each line is what the engine decides when a customer comes with that, and its script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packets.conversation import Conversation
from packets.decision import Action, Decision, Evidence
from policies.capability import Capability, Level, Scenario
from policies.casebook import START
from policies.decide import judge
from policies.model import FALLBACK_LANGUAGE, PolicySet, Rule
from policies.said import said_of
from policies.signals import Heard, Signals

EXAMPLES = 2  # customers' sentences shown with a topic
REFUSAL = "not_a_decision"  # the script for a bot that must not answer and whose customer nobody takes over yet
PLAIN_REFUSAL = "That is not for me to decide, and nothing I say about it is a decision."

NEVER = """
## Never answer these yourself
People take over. Give no answer, advice or opinion, ask for no details, promise nothing, do not argue."""
OFFERED = """
## Say what is written down, then offer a person
Facts anybody may read are yours to give. Whether they apply to this customer is not."""
TRIED = """
## Try, and give up soon
One honest try, a second one at most, then a person:"""
NO_DECISION = """
## Nothing you say is a decision
Never say or suggest that something is approved, granted, refunded, cancelled, changed, waived, guaranteed, covered or
refused, nor that it will, should or normally would be. Do not name sums, dates or rights as this customer's own. Do not
say that a person is coming, or when, before you are told so. Where you must not answer, say only:"""
TAKEN_OVER = """
## When people take over
The gateway's answer to the customer's turn then says `escalate` and carries `customer_message`. Say exactly that, in
the customer's language, and nothing after it. Without such an answer say none of these; they would not be true:"""


@dataclass(frozen=True, slots=True)
class Guard:
    """
    One thing that is not the bot's to answer. name: a topic of the phrase packs, or a scenario of the capability map.

    say: language → what the customer is told once people take over; empty: the policy has no words for it.
    """

    name: str
    rule: str
    why: str
    locked: bool = False
    examples: tuple[str, ...] = ()
    say: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    never: people take over at once. offered: the customer may choose a person. tried: scenarios the bot may try first.

    refusal: language → what the bot may say instead of an answer.
    """

    revision: str
    source: str | None
    never: tuple[Guard, ...]
    offered: tuple[Guard, ...]
    tried: tuple[str, ...]
    refusal: Mapping[str, str]

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "policy": self.revision,
            "source": self.source,
            "never": [_data(guard) for guard in self.never],
            "offer": [_data(guard) for guard in self.offered],
            "try_first": list(self.tried),
            "not_a_decision": dict(self.refusal),
        }

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def prompt_of(policy: PolicySet, source: str | None = None) -> Prompt:
    """source: the account whose capability map counts; without one, the map of all that have none of their own."""
    scenarios = policy.capabilities.of(source or "")
    guards = [*_topics(policy), *_scenarios(policy, (s for s in scenarios if s.level is Level.NEVER))]
    return Prompt(
        policy.revision,
        source,
        never=tuple(guard for action, guard in guards if action is Action.ESCALATE),
        offered=tuple(guard for action, guard in guards if action in (Action.OFFER, Action.REVIEW)),
        tried=tuple(s.name for s in scenarios if s.level is Level.MODERATE),
        refusal=policy.scripts.get(REFUSAL, {FALLBACK_LANGUAGE: PLAIN_REFUSAL}),
    )


def _topics(policy: PolicySet) -> Iterator[tuple[Action, Guard]]:
    """What the policy does when a customer says something of one kind and nothing else is known; locked rules first."""
    found: list[tuple[Action, Guard]] = []
    for label in sorted({label for pack in policy.packs.values() for label in pack.labels}):
        signals = Signals(Conversation("prompt", label), {label: Heard((Evidence(label),))})
        found += _guard(label, judge(signals, policy, now=START), policy, _examples(label, policy))
    yield from sorted(found, key=lambda pair: not pair[1].locked)


def _scenarios(policy: PolicySet, scenarios: Iterable[Scenario]) -> Iterator[tuple[Action, Guard]]:
    for scenario in scenarios:
        asked = (Capability(scenario.level, scenario.name),)
        signals = Signals(Conversation("prompt", scenario.name), capabilities=asked)
        yield from _guard(scenario.name, judge(signals, policy, now=START), policy)


def _guard(
    name: str, decision: Decision, policy: PolicySet, examples: tuple[str, ...] = ()
) -> Iterator[tuple[Action, Guard]]:
    if decision.action is Action.CONTINUE:
        return
    rule = _rule(policy, decision.because[0])
    say = policy.scripts.get(decision.say or "", {})
    yield decision.action, Guard(name, rule.id, " ".join(rule.why.split()), rule.locked, examples, say)


def _rule(policy: PolicySet, rule_id: str) -> Rule:
    return next(rule for rule in policy.rules if rule.id == rule_id)


def _examples(label: str, policy: PolicySet) -> tuple[str, ...]:
    """Neither the shortest, which is often one word, nor the longest."""
    told = said_of(label, FALLBACK_LANGUAGE, policy)
    middle = max(0, (len(told) - EXAMPLES) // 2)
    return tuple(told[middle : middle + EXAMPLES])


def _data(guard: Guard) -> dict[str, Any]:
    return {
        "name": guard.name, "rule": guard.rule, "locked": guard.locked, "why": guard.why,
        "examples": list(guard.examples), "say": dict(guard.say),
    }  # fmt: skip


def _lines(prompt: Prompt) -> Iterator[str]:
    of = f", as it stands for {prompt.source}" if prompt.source else ""
    yield f"# Guards from policy {prompt.revision}{of}. Made by `baton policy prompt`; make them anew when it changes."
    yield NEVER
    yield from _listed(prompt.never)
    if prompt.offered:
        yield OFFERED
        yield from _listed(prompt.offered)
    if prompt.tried:
        yield f"{TRIED}\n{', '.join(map(_plain, prompt.tried))}."
    yield NO_DECISION
    yield from _said(prompt.refusal)
    yield TAKEN_OVER
    for say, names in _by_words(prompt):
        yield f"- {', '.join(map(_plain, names))}"
        yield from _said(say)


def _listed(guards: Iterable[Guard]) -> Iterator[str]:
    for guard in guards:
        such = f" Such as: {'; '.join(f'“{text}”' for text in guard.examples)}." if guard.examples else ""
        yield f"- {_plain(guard.name)} ({guard.rule}{', locked' if guard.locked else ''}): {guard.why}{such}"


def _said(texts: Mapping[str, str]) -> Iterator[str]:
    yield from (f"    {language}: {' '.join(text.split())}" for language, text in texts.items())


def _by_words(prompt: Prompt) -> list[tuple[Mapping[str, str], list[str]]]:
    """Each script once, with all it is said for."""
    found: list[tuple[Mapping[str, str], list[str]]] = []
    for guard in (*prompt.never, *prompt.offered):
        names = next((names for say, names in found if say == guard.say), None)
        if names is not None:
            names.append(guard.name)
        elif guard.say:
            found.append((guard.say, [guard.name]))
    return found


def _plain(name: str) -> str:
    return name.replace("_", " ")
