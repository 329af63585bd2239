"""Builders for policies and conversations; tests show only the values that matter."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from packets.conversation import fold_all
from packets.event import ConversationInfo, Event, EventKind, Intent, Nlu, Role, Turn
from policies.decide import decide
from policies.load import load_policy, policy_from_files

STARTER = Path(__file__).resolve().parents[2] / "policies" / "starter"
NOW = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)

ROUTES = "default: general\nroutes:\n  general: {}\n  payments: {}\n  sensitive: {}\n"
TIERS = """\
tiers:
  gold: {priority: critical, targets: {first_human_response: {within: 5m, warn: [0.5]}}}
  silver: {priority: high, targets: {first_human_response: {within: 1h}}}
  plain: {priority: normal, default: true, targets: {first_human_response: {within: 24h}}}
"""
SCRIPTS = "scripts:\n  connecting: {en: One moment., de: Einen Moment.}\n"
PLAYBOOKS = "playbooks:\n  look-up: Look it up by e-mail.\n"
PHRASES = """\
pack: en
function_words: [a, to, i, the, it, is, my, not, with, want]
spelling:
  endings: {"n't": not, "'s": is}
  mend: [agent]
guards:
  negated: {before: ["not {filler:0-2}"]}
intents: {fraud: [report_fraud]}
rules:
  - id: ask
    label: explicit_request
    any: [(an)? agent]
    unless: [negated]
    tests: {fire: [an agent please], quiet: [I do not want an agent]}
  - id: law
    label: legal
    any: [lawyer]
    tests: {fire: [my lawyer], quiet: [my layer]}
  - id: theft
    label: fraud
    any: [stolen card]
    tests: {fire: [a stolen card], quiet: [a lost card]}
"""


def rule_text(
    rule_id="refund-dispute",
    when="{topic: legal}",
    then="{escalate: warm}",
    owner="payments-support",
    why="Somebody must look.",
):
    return f"id: {rule_id}\nowner: {owner}\nwhy: {why}\nwhen: {when}\nthen: {then}\n"


@pytest.fixture(scope="session")
def starter():
    return load_policy(STARTER)


@pytest.fixture(scope="session")
def starter_folder():
    return STARTER


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def rule():
    """Text of one rule file."""
    return rule_text


@pytest.fixture
def files():
    """The files of a small sound policy, with those given added (or, if None, taken away)."""

    def make(more=None):
        texts = {
            "routes.yml": ROUTES,
            "tiers.yml": TIERS,
            "scripts.yml": SCRIPTS,
            "playbooks.yml": PLAYBOOKS,
            "phrases/en.yml": PHRASES,
            **(more or {}),
        }
        return {name: text for name, text in texts.items() if text is not None}

    return make


@pytest.fixture
def policy(files):
    """A small policy with these rule files: path → text."""
    return lambda more=None: policy_from_files(files(more))


@pytest.fixture
def folder(tmp_path, files):
    """The same, written to disk."""

    def write(more=None):
        for name, text in files(more).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def conversation():
    """A conversation of turns: a text (the customer's), or (role, text, nlu)."""

    def make(*turns, language=None, **last):
        events = []
        for i, turn in enumerate(turns):
            role, text, nlu = turn if isinstance(turn, tuple) else (Role.CUSTOMER, turn, None)
            extra = last if i == len(turns) - 1 else {}
            events.append(
                Event(
                    event_id=f"e{i}",
                    source="shop",
                    conversation=ConversationInfo("c1", language=language),
                    occurred_at=NOW,
                    received_at=NOW,
                    **{"kind": EventKind.MESSAGE_CREATED, "turns": (Turn(role, text, nlu=nlu),), **extra},
                )
            )
        return fold_all("shop", "c1", events)

    return make


@pytest.fixture
def heard(conversation):
    """What a policy decides about one thing a customer says."""
    return lambda policy, text, **more: decide(conversation(text, **more), policy, now=NOW)


@pytest.fixture
def nlu():
    def make(intent=None, confidence=None, **more):
        named = Intent(intent or "x", confidence=confidence) if intent or confidence is not None else None
        return Nlu(intent=named, **more)

    return make
