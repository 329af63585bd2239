"""
A real conversation as a test case: its turns up to where the policy escalates, and what the policy makes of it today.

Redacted by the strict profile, because a test goes into version control. What comes is a proposal: somebody has to say
whether that decision is the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from packets.conversation import Conversation
from packets.course import MOODS
from packets.decision import Action, Decision
from packets.event import Event, EventKind, Turn, Visibility
from packets.redact.profile import STRICT
from packets.redact.text import redact_text
from policies.analyse.space import leaves
from policies.casebook import NOTHING, PAUSE, run_cases
from policies.corpus import ROLES, Recorded
from policies.decide import decide
from policies.model import PolicySet
from policies.problems import PolicyErrors
from policies.replay import moments
from policies.schema import CaseTurnSchema
from policies.sla.units import show_duration

_WIDTH = 120
_FILE = "draft.test.yml"
_WORDS = frozenset(CaseTurnSchema().fields)  # what a test can say of a turn


def draft_test(recorded: Recorded, policy: PolicySet) -> str:
    """
    Text of a test file with one case. Where the case cannot say all that the conversation had (events a test has no
    word for), the comment on top tells what was decided there and what the case gives.
    """
    events = list(_one_turn_each(recorded))
    there, length, state = _first_escalation(replace(recorded, events=tuple(events)), policy)
    language = next((e.conversation.language for e in events if e.conversation.language), None)
    case = CommentedMap({"language": language} if language else {})
    case.update({"given": given} if (given := _known(state, policy)) else {})
    turns = list(_case_turns(events[:length], recorded.timed))
    if length > len(events) and recorded.observed_until is not None:  # it is the silence afterwards that decides
        case["both_sides"] = True
        turns.append(CommentedMap(silence=show_duration(recorded.observed_until - events[-1].received_at)))
    case.update({"turns": turns} if turns else {})
    here = _judged(_text(case, NOTHING, "draft", ""), policy) if "turns" in case else there
    name = f"reaches people because of {here.because[0]}" if here.action is Action.ESCALATE else "the bot goes on"
    return _text(case, _expect(here), name, _heading(recorded, policy, there, here))


def _one_turn_each(recorded: Recorded) -> Iterator[Event]:
    """A case is judged on its last turn alone, so a whole transcript in one event becomes one event a turn."""
    for event in recorded.events:
        if len(event.turns) < 2:
            yield event
            continue
        for i, turn in enumerate(event.turns):
            at = turn.occurred_at or event.occurred_at
            yield replace(
                event, event_id=f"{event.event_id}.{i}", kind=EventKind.MESSAGE_CREATED, turns=(turn,), handoff=None,
                context=event.context if i == len(event.turns) - 1 else None, occurred_at=at,
            )  # fmt: skip
        if event.kind is EventKind.HANDOFF_REQUESTED:
            yield replace(event, turns=(), context=None)


def _first_escalation(recorded: Recorded, policy: PolicySet) -> tuple[Decision, int, Conversation]:
    """
    The decision, how many events it needed (all of them if none escalates, one more if it is the silence after them),
    and the conversation then.
    """
    decision = None
    for number, moment in enumerate(moments(recorded), start=1):
        decision = decide(moment.state, policy, now=moment.now, history=moment.history)
        if decision.action is Action.ESCALATE:
            return decision, number, moment.state
    if decision is None:
        raise ValueError(f"{recorded.id} has no events: there is nothing to test")
    return decision, len(recorded.events), moment.state


def _known(state: Conversation, policy: PolicySet) -> CommentedMap:
    """What no turn tells and a rule of this policy looks at: what nobody asks about is left out, it may be private."""
    uses: dict[str, list[Any]] = {}
    for leaf in (leaf for rule in policy.rules for leaf in leaves(rule.when)):
        uses.setdefault(leaf.kind, []).append(leaf.arguments[0] if leaf.arguments else None)
    if state.source in policy.calibration.sources:
        uses.setdefault("source", [])
    given = CommentedMap()
    for name, tell in _TELLS.items():
        told = tell(state, uses[name]) if name in uses else None
        if told not in (None, {}, 0, False):
            given[name] = told
    given.fa.set_flow_style()
    return given


def _facts(state: Conversation, names: list[Any]) -> dict[str, Any]:
    found = {name: fact for name in names if (fact := state.fact(name))}
    return {name: _clean(fact.value) for name, fact in found.items()}


def _attributes(state: Conversation, names: list[Any]) -> dict[str, Any]:
    known = {name: state.customer.attributes.get(name) for name in names}
    return {
        n: _clean(v) if isinstance(v, str) else v for n, v in known.items() if isinstance(v, bool | int | float | str)
    }


def _left_at(state: Conversation, steps: list[Any]) -> str | None:
    """The step, if it is one a rule asks for."""
    if not state.course.ended or state.course.resolved is True:
        return None
    told = state.fact("step")
    calls = state.tool_calls
    at = told.value if told else (calls[-1].task or calls[-1].name) if calls else None
    return at if at in steps else None


def _voice(state: Conversation, _: list[Any]) -> dict[str, Any]:
    told = asdict(state.course.voice) if state.course.voice else {}
    return {name: value for name, value in told.items() if value is not None}


# A condition no turn of a test can bring about → what of the conversation it is given, for the values rules ask for.
_TELLS: dict[str, Callable[[Conversation, list[Any]], Any]] = {
    "customer": _attributes,
    "field": _facts,
    "channel": lambda state, _: state.channel.value,
    "source": lambda state, _: state.source,
    "bot_version": lambda state, _: state.bot_version,
    "voice": _voice,
    "unanswered": lambda state, _: state.course.unanswered,
    "bot_error": lambda state, _: state.course.bot_error is not None,
    "transfer_failed": lambda state, _: state.course.transfer_failed,
    "ended_after": _left_at,
}


def _case_turns(events: list[Event], timed: bool) -> Iterator[CommentedMap]:
    before: datetime | None = None
    for event in events:
        found = _case_turn(event)
        if found is None:
            continue
        if timed and before is not None and event.occurred_at - before != PAUSE:
            found["after"] = show_duration(max(event.occurred_at - before, timedelta()))
        before = event.occurred_at
        yield found


def _case_turn(event: Event) -> CommentedMap | None:
    """One event in the words of a test; None: a test has no word for it."""
    turn = next((t for t in event.turns if t.role.value in ROLES and t.visibility is Visibility.PUBLIC), None)
    calls = event.context.tool_calls if event.context else ()
    case = CommentedMap()
    if turn is not None:
        case[turn.role.value] = _clean(turn.text)
        case.update(_understood(turn))
    elif event.kind is EventKind.HANDOFF_REQUESTED:
        case["handoff"] = event.handoff.reason_code if event.handoff else "other"
        if event.handoff and event.handoff.requested_by:
            case["requested_by"] = event.handoff.requested_by
    elif calls:
        case["bot"] = ""  # a look-up that came without words
    else:
        return None
    for call in calls:
        case["succeeded" if call.ok else "failed"] = call.task or call.name
    return case


def _understood(turn: Turn) -> dict[str, Any]:
    intent = turn.nlu.intent if turn.nlu else None
    found: dict[str, Any] = {
        "intent": intent.name if intent else None,
        "confidence": intent.confidence if intent else None,
        "unmatched": True if turn.nlu and turn.nlu.is_fallback else None,
        "sentiment": _mood(turn),
    }
    return {key: value for key, value in found.items() if value is not None and key in _WORDS}


def _mood(turn: Turn) -> float | None:
    told = turn.sentiment
    if told is None:
        return None
    return told.score if told.score is not None else MOODS.get(told.label)


def _judged(text: str, policy: PolicySet) -> Decision:
    results, problems = run_cases(_FILE, text, policy)
    if problems:
        raise PolicyErrors(problems)
    return results[0].decision


def _expect(decision: Decision) -> Any:
    if decision.action is Action.CONTINUE:
        return NOTHING
    expect = CommentedMap({decision.action.value: decision.mode.value if decision.mode else True})
    expect.update({key: value for key in ("route", "tier") if (value := getattr(decision, key))})
    expect["because"] = decision.because[0]
    expect.fa.set_flow_style()
    return expect


def _heading(recorded: Recorded, policy: PolicySet, there: Decision, here: Decision) -> str:
    lines = [f"from {recorded.id}, as policy {policy.revision} decides it: is that right?"]
    if (there.action, there.because) != (here.action, here.because):
        lines.append(f"in the conversation itself: {_short(there)}; the turns below alone: {_short(here)}")
    return "".join(f"# {line}\n" for line in lines)


def _short(decision: Decision) -> str:
    return decision.action.value + (f" because of {', '.join(decision.because)}" if decision.because else "")


def _text(told: CommentedMap, expect: Any, name: str, heading: str) -> str:
    case = CommentedMap({"name": name, **told, "expect": expect})
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump({"cases": [case]}, out)
    return heading + out.getvalue()


def _clean(text: str) -> str:
    """Redacted, and without what cannot stand in a text file."""
    sound = text.encode("utf-8", "replace").decode()
    return redact_text(sound, STRICT).text
