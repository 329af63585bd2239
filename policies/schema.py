"""
The shapes of the YAML files: keys, types, and names that must exist. What a rule means is `conditions/`.

`check` turns marshmallow's messages into problems with file, line and a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from packets.decision import Mode, Seniority
from packets.draft import Priority
from packets.schemas.build import REQUESTERS
from policies.after_solved import AfterSolved
from policies.history import REMEMBERED
from policies.posture import NAMES
from policies.problems import Problem, did_you_mean
from policies.promises import HANDOFF_PROMISE
from policies.sla.callback import SCRIPTS as CALLBACK_SCRIPTS
from policies.sla.tiers import (
    COUNTS_FROM,
    FIRST_HUMAN_RESPONSE,
    LONGEST_SECONDS,
    METRICS,
    ON_MAX_PAUSE,
    ON_PRIORITY_CHANGE,
    ON_QUEUE_CHANGE,
    PAUSES,
    REOPEN_MODES,
    SHORTEST_SECONDS,
    Warn,
    warn_at,
)
from policies.sla.units import parse_duration, show_duration
from policies.sla.within import MOST_DAYS, Seconds, parse_within
from policies.sla.within import Within as WithinTime
from policies.warm import LONGEST, SHORTEST
from policies.yamlfile import Path, YamlFile

_MODES = [m.value for m in Mode]
OUTCOMES = ("escalate", "review", "offer", "continue")

# Their columns take 100 characters.
_name = validate.Regexp(r"[a-z][a-z0-9_]{0,79}\Z", error="'{input}' is no name: at most 80 small letters, digits, _")
_rule_id = validate.Regexp(r"[a-z][a-z0-9-]{0,79}\Z", error="'{input}' is no id: at most 80 small letters, digits, -")
_language = validate.Regexp(r"[a-z]{2,3}(-[a-z0-9]+)*\Z", error="'{input}' is not a language: write en, de, pt-br")
_some_text = validate.Regexp(r"(?s)\s*\S", error="is empty")
_one_or_more = validate.Length(min=1, error="is empty")
_time_of_day = validate.Regexp(
    r"([01]\d|2[0-3]):[0-5]\d\Z", error="'{input}' is not a time of day: write it like 16:00, in quotes"
)
name_of, some_text, one_or_more = _name, _some_text, _one_or_more  # for the schemas of the SLA's files


def _known(*words: str) -> validate.OneOf:
    return validate.OneOf(words, error=f"expected {', '.join(words[:-1])} or {words[-1]}, not '{{input}}'")


known = _known


class ThenSchema(Schema):
    """`then` of a rule: exactly one outcome, and what goes with it."""

    escalate = fields.Str(validate=_known(*_MODES))
    offer = fields.Str(validate=_known(*_MODES))
    review = fields.Bool(validate=validate.Equal(True))
    continue_ = fields.Bool(data_key="continue", validate=validate.Equal(True))
    route = fields.Str()
    tier = fields.Str()
    playbook = fields.Str()
    say = fields.Str()
    identity_check = fields.Bool()
    recommend = fields.Str(validate=_some_text)
    seniority = fields.Str(validate=_known(*(s.value for s in Seniority)))
    collect = fields.List(fields.Str(validate=_some_text), validate=_one_or_more)
    remember = fields.Str(validate=validate.OneOf(REMEMBERED, error="expected {choices}, not '{input}'"))

    @validates_schema
    def one_outcome(self, data: Mapping[str, Any], **_: Any) -> None:
        given = [o for o in OUTCOMES if o in data or f"{o}_" in data]
        if len(given) != 1:
            raise ValidationError(f"expected one of {', '.join(OUTCOMES)}, found {' and '.join(given) or 'none'}")


class RuleSchema(Schema):
    id = fields.Str(required=True, validate=_rule_id)
    owner = fields.Str(required=True, validate=_some_text)
    why = fields.Str(required=True, validate=_some_text)
    when = fields.Raw(required=True)
    then = fields.Nested(ThenSchema, required=True)


class ShortWait(fields.Field[timedelta]):
    """`45s`: how long a customer may be kept on the line."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> timedelta:
        try:
            wait = parse_duration(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if not SHORTEST <= wait <= LONGEST:
            most = show_duration(LONGEST)
            raise ValidationError(f"'{value}' is out of range: from {show_duration(SHORTEST)} to {most}")
        return wait


class WarmSchema(Schema):
    """`warm` of a route: somebody accepts before the customer is put through."""

    within = ShortWait(required=True)
    ladder = fields.Str(required=True)
    say = fields.Str(required=True)
    else_ = fields.Str(data_key="else", validate=_known(Mode.COLD.value, Mode.CALLBACK.value))
    else_say = fields.Str()


class RouteSchema(Schema):
    label = fields.Str(validate=_some_text)
    destination = fields.Str(validate=_some_text)
    wants = fields.List(fields.Str(validate=_some_text))
    under = fields.Str()
    by_hand = fields.Bool()  # for the analyser: no rule needs to lead here
    warm = fields.Nested(WarmSchema)


class Duration(fields.Field[int]):
    """`15m` → whole seconds, within what helpdesks can express."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        try:
            seconds = int(parse_duration(value).total_seconds())
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise ValidationError(f"'{value}' is out of range: from {SHORTEST_SECONDS}s to {LONGEST_SECONDS // 3600}h")
        return seconds


class AfterSolvedSchema(Schema):
    """`after_solved`: what a new escalation of a conversation does whose handoff was solved not long ago."""

    do = fields.Str(required=True, validate=_known(*(a.value for a in AfterSolved)))
    within = Duration()


class RoutesSchema(Schema):
    """`routes.yml`. The default is the catch-all: no customer falls on the floor."""

    default = fields.Str(required=True)
    routes = fields.Dict(
        keys=fields.Str(validate=_name), values=fields.Nested(RouteSchema), required=True, validate=_one_or_more
    )
    after_solved = fields.Nested(AfterSolvedSchema)


class Share(fields.Float):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ValidationError(f"expected a part of the time between 0 and 1, such as 0.8, not '{value}'")
        return float(value)


class Within(fields.Field[WithinTime]):
    """`15m`, `2bd`, `1 calendar day`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> WithinTime:
        try:
            within = parse_within(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return Seconds(Duration().deserialize(value)) if isinstance(within, Seconds) else within


class WarnField(fields.Field[Warn]):
    """`0.8` of the time, or `{before: 1h}`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Warn:
        if isinstance(value, Mapping):
            if set(value) != {"before"}:
                raise ValidationError("expected a part of the time such as 0.8, or {before: 1h}")
            return Warn(before=Duration().deserialize(value["before"]) or 0)
        return warn_at(Share().deserialize(value))


class DeadlineSchema(Schema):
    """`{business_days: 1, at: "16:00", cutoff: "10:00"}`."""

    business_days = fields.Int(
        required=True, strict=True, validate=validate.Range(0, MOST_DAYS, error=f"expected 0 to {MOST_DAYS} days")
    )
    at = fields.Str(required=True, validate=_time_of_day)
    cutoff = fields.Str(validate=_time_of_day)


class TargetSchema(Schema):
    within = Within()
    deadline = fields.Nested(DeadlineSchema)
    warn = fields.List(WarnField())
    pause_on = fields.List(fields.Str(validate=_known(*PAUSES)))
    ladder = fields.Str()
    max_pause = Duration()
    on_max_pause = fields.Str(validate=_known(*ON_MAX_PAUSE))
    notes_count = fields.Bool()
    counts_from = fields.Str(validate=_known(*COUNTS_FROM))
    ladder_on_policy_change = fields.Bool()

    @validates_schema
    def makes_sense(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("within" in data) == ("deadline" in data):
            raise ValidationError("expected one of within (such as 4h or 2bd) and deadline")
        if "deadline" in data and data.get("pause_on"):
            raise ValidationError("a deadline cannot be paused: take pause_on out, or write within", "pause_on")
        within = data.get("within")
        if isinstance(within, Seconds):
            late = [warn for warn in data.get("warn", ()) if warn.share is None and warn.before >= within.seconds]
            if late:
                raise ValidationError(f"'{late[0].name}' is not shorter than the target itself, {within}", "warn")


class ReopenSchema(Schema):
    mode = fields.Str(validate=_known(*REOPEN_MODES))
    window = Within()


class AppliesToSchema(Schema):
    topics = fields.List(fields.Str(validate=_some_text), validate=_one_or_more)
    routes = fields.List(fields.Str(validate=_some_text), validate=_one_or_more)
    customers = fields.List(fields.Dict(keys=fields.Str(), validate=_one_or_more), validate=_one_or_more)

    @validates_schema
    def says_to_whom(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError(
                "is empty and would mean everybody: name topics, routes or customers, or leave it out"
            )


class TierSchema(Schema):
    priority = fields.Str(required=True, validate=_known(*(p.value for p in Priority)))
    default = fields.Bool()
    targets = fields.Dict(keys=fields.Str(validate=_known(*METRICS)), values=fields.Nested(TargetSchema), required=True)
    calendar = fields.Raw()
    zone_from = fields.Str(validate=_known("calendar", "queue", "customer"))
    on_priority_change = fields.Str(validate=_known(*ON_PRIORITY_CHANGE))
    on_queue_change = fields.Str(validate=_known(*ON_QUEUE_CHANGE))
    reopen = fields.Nested(ReopenSchema)
    pause_integrity = fields.Bool()
    applies_to = fields.Nested(AppliesToSchema)

    @validates_schema
    def first_response_is_promised(self, data: Mapping[str, Any], **_: Any) -> None:
        if FIRST_HUMAN_RESPONSE not in data.get("targets", {}):
            raise ValidationError(f"needs a target for {FIRST_HUMAN_RESPONSE}", "targets")


class TiersSchema(Schema):
    tiers = fields.Dict(
        keys=fields.Str(validate=_name), values=fields.Nested(TierSchema), required=True, validate=_one_or_more
    )

    @validates_schema
    def one_default(self, data: Mapping[str, Any], **_: Any) -> None:
        default = [name for name, tier in data.get("tiers", {}).items() if tier.get("default")]
        if len(default) != 1:
            raise ValidationError(
                f"exactly one tier needs 'default: true', found {', '.join(default) or 'none'}", "tiers"
            )


class PostureSchema(Schema):
    """`posture.yml`."""

    posture = fields.Str(required=True, validate=_known(*NAMES))


class ScriptsSchema(Schema):
    """`scripts.yml`: name → language → words. English is what everybody else gets, so it must be there."""

    scripts = fields.Dict(
        keys=fields.Str(validate=_name),
        values=fields.Dict(keys=fields.Str(validate=_language), values=fields.Str(validate=_some_text)),
        required=True,
    )

    @validates_schema
    def english_is_there(self, data: Mapping[str, Any], **_: Any) -> None:
        for name, texts in data.get("scripts", {}).items():
            if "en" not in texts:
                raise ValidationError({"scripts": {name: ["needs an 'en' text, the one for every other language"]}})

    @validates_schema
    def calls_have_their_times(self, data: Mapping[str, Any], **_: Any) -> None:
        for name in CALLBACK_SCRIPTS:
            for language, text in data.get("scripts", {}).get(name, {}).items():
                if "{times}" not in text:
                    wrong = f"'{name}' says no times: write {{times}} where they shall stand, {{zone}} for their zone"
                    raise ValidationError({"scripts": {name: {language: [wrong]}}})


class PlaybooksSchema(Schema):
    """`playbooks.yml`: name → first thing to do. The default is for handoffs whose rules name none."""

    default = fields.Str()
    playbooks = fields.Dict(keys=fields.Str(), values=fields.Str(validate=_some_text), required=True)


class ScenarioSchema(Schema):
    """One thing customers want of the bot: how it is recognised."""

    intents = fields.List(fields.Str(validate=_some_text))
    topics = fields.List(fields.Str(validate=_some_text))


class LevelsSchema(Schema):
    """Scenarios by how well the bot does them."""

    high = fields.Dict(keys=fields.Str(validate=_name), values=fields.Nested(ScenarioSchema))
    moderate = fields.Dict(keys=fields.Str(validate=_name), values=fields.Nested(ScenarioSchema))
    never = fields.Dict(keys=fields.Str(validate=_name), values=fields.Nested(ScenarioSchema))


class CapabilitiesSchema(Schema):
    """`capabilities.yml`: what bots can do; `sources` say where one of them differs."""

    default = fields.Nested(LevelsSchema, required=True)
    sources = fields.Dict(keys=fields.Str(validate=_some_text), values=fields.Nested(LevelsSchema))


class TablesSchema(Schema):
    """A vendor's numbers → ours."""

    confidence = fields.Dict(keys=fields.Float(), values=fields.Float(), validate=_one_or_more)
    sentiment = fields.Dict(keys=fields.Float(), values=fields.Float(), validate=_one_or_more)


class CalibrationSchema(Schema):
    """`calibration.yml`: by source, what its numbers are worth."""

    sources = fields.Dict(keys=fields.Str(validate=_some_text), values=fields.Nested(TablesSchema), required=True)


def _words(**options: Any) -> fields.List[Any]:
    return fields.List(fields.Str(validate=_some_text), **options)


class SpellingSchema(Schema):
    words = fields.Dict(keys=fields.Str(), values=fields.Str(validate=_some_text))
    endings = fields.Dict(keys=fields.Str(), values=fields.Str())
    beginnings = fields.Dict(keys=fields.Str(), values=fields.Str())
    mend = _words()
    leave = _words()
    glue = _words()


class GuardSchema(Schema):
    before = _words()
    around = _words()
    within = _words()
    unless = _words()


class ExamplesSchema(Schema):
    fire = _words(required=True, validate=_one_or_more)
    quiet = _words(required=True, validate=_one_or_more)


class PhraseRuleSchema(Schema):
    id = fields.Str(required=True, validate=_some_text)
    label = fields.Str(required=True, validate=_name)
    any = _words(required=True, validate=_one_or_more)
    unless = _words()
    not_near = _words()
    score = fields.Float(validate=validate.Range(0, 1, error="expected a number from 0 to 1, not '{input}'"))
    enabled = fields.Bool()
    tests = fields.Nested(ExamplesSchema, required=True)


class BotPhraseRuleSchema(PhraseRuleSchema):
    label = fields.Str(required=True, validate=_known(HANDOFF_PROMISE))


class PackSchema(Schema):
    """`phrases/<lang>.yml`."""

    pack = fields.Str(required=True, validate=_language)
    function_words = _words()
    spelling = fields.Nested(SpellingSchema)
    clause_starts = _words()
    lists = fields.Dict(keys=fields.Str(validate=_name), values=_words(validate=_one_or_more))
    guards = fields.Dict(keys=fields.Str(validate=_name), values=fields.Nested(GuardSchema))
    intents = fields.Dict(keys=fields.Str(validate=_name), values=_words())
    rules = fields.List(fields.Nested(PhraseRuleSchema), required=True, validate=_one_or_more)
    bot = fields.List(fields.Nested(BotPhraseRuleSchema), validate=_one_or_more)
    quiet = _words()


class CaseTurnSchema(Schema):
    """One turn of a test conversation: who said it, and what the vendor knew about it."""

    customer = fields.Str()
    bot = fields.Str()
    agent = fields.Str()
    after = fields.Raw()
    intent = fields.Str()
    confidence = fields.Float(validate=validate.Range(0, 1, error="expected a number from 0 to 1, not '{input}'"))
    unmatched = fields.Bool()
    sentiment = fields.Float(validate=validate.Range(-1, 1, error="expected a number from -1 to 1, not '{input}'"))
    failed = fields.Str()
    succeeded = fields.Str()
    handoff = fields.Str()
    requested_by = fields.Str(validate=_known(*REQUESTERS))
    silence = fields.Raw()

    @validates_schema
    def one_thing_happens(self, data: Mapping[str, Any], **_: Any) -> None:
        if len([who for who in ("customer", "bot", "agent", "handoff", "silence") if who in data]) != 1:
            raise ValidationError("expected one of customer, bot, agent, handoff or silence")


class CaseSchema(Schema):
    name = fields.Str(required=True, validate=_some_text)
    given = fields.Dict(keys=fields.Str())
    turns = fields.List(fields.Nested(CaseTurnSchema), validate=_one_or_more)
    both_sides = fields.Bool()
    at = fields.Str()
    language = fields.Str()
    expect = fields.Raw(required=True)

    @validates_schema
    def given_or_turns(self, data: Mapping[str, Any], **_: Any) -> None:
        if not {"given", "turns"} & data.keys():
            raise ValidationError("expected given (signals), turns (a conversation), or both")


class CasesSchema(Schema):
    """`<rule>.test.yml`."""

    cases = fields.List(fields.Nested(CaseSchema), required=True, validate=_one_or_more)


class ExpectSchema(Schema):
    """`expect` of a case, when it is not `nothing`."""

    escalate = fields.Str(validate=_known(*_MODES))
    offer = fields.Str(validate=_known(*_MODES))
    review = fields.Bool(validate=validate.Equal(True))
    continue_ = fields.Bool(data_key="continue", validate=validate.Equal(True))
    route = fields.Str()
    tier = fields.Str()
    playbook = fields.Str()
    say = fields.Str()
    identity_check = fields.Bool()
    seniority = fields.Str(validate=_known(*(s.value for s in Seniority)))
    collect = fields.List(fields.Str())
    remember = fields.List(fields.Str())
    because = fields.Raw()
    fired = fields.Raw()


def check(schema: Schema, file: YamlFile, at: Path = ()) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The loaded data (None if it does not fit) and every problem, each with its line."""
    value = file.value
    for key in at:
        value = value[key]
    if not isinstance(value, Mapping):
        return None, [file.problem(at, "expected keys and values here")]
    try:
        return dict(schema.load(value)), []
    except ValidationError as error:
        return None, [_problem(file, at, path, text, schema) for path, text in _flat(error.messages, ())]


def _flat(messages: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _flat(below, path if key == "_schema" else (*path, key))
    else:
        for text in messages:
            yield path, text


def _problem(file: YamlFile, at: Path, path: Path, text: str, schema: Schema) -> Problem:
    # marshmallow says {"name": {"value": …}} and {"name": {"key": …}} for the two sides of a Dict.
    path = tuple(
        step for i, step in enumerate(path) if step not in ("value", "key") or (*at, *path[: i + 1]) in file.lines
    )
    beside = _siblings(schema, path)
    path = (*at, *path)
    last = path[-1] if path else file.name
    name = f"item {last + 1}" if isinstance(last, int) else last
    if text == "Unknown field.":
        return file.problem(path, f"unknown key '{name}'", did_you_mean(name, beside))
    if text == "Missing data for required field.":
        return file.problem(path, f"'{name}' is missing")
    if text in _TYPES:
        return file.problem(path, f"'{name}' {_TYPES[text]}")
    return file.problem(path, f"'{name}' {text}" if text.startswith(("is ", "needs ")) else text)


_TYPES = {
    "Not a valid string.": "must be text",
    "Not a valid boolean.": "must be true or false",
    "Not a valid list.": "must be a list",
    "Not a valid mapping type.": "must be keys and values",
    "Not a valid number.": "must be a number",
    "Field may not be null.": "is empty",
    "Must be equal to True.": "can only be true",
    "Invalid input type.": "must be keys and values",
}


def _siblings(schema: Schema, path: Path) -> list[str]:
    """The keys allowed where `path` ends: walk the schema beside the path."""
    inside: Any = schema
    for step in path[:-1]:
        field = inside
        if isinstance(inside, Schema):
            named = {f.data_key or name: f for name, f in inside.fields.items()}
            field = named.get(str(step))
        elif isinstance(inside, fields.Dict):
            field = inside.value_field
        elif isinstance(inside, fields.List):
            field = inside.inner
        inside = field.schema if isinstance(field, fields.Nested) else field
    return [f.data_key or name for name, f in inside.fields.items()] if isinstance(inside, Schema) else []
