"""
A folder of YAML → a PolicySet. Everything wrong with every file is reported at once, as PolicyErrors.

One rule per file anywhere in the folder; `locked/` holds the rules nothing can override. `<rule>.test.yml` stands
beside its rule (`casebook.py` reads it). Reserved: routes.yml, tiers.yml, calendars.yml, ladders.yml, rosters.yml,
scripts.yml, playbooks.yml, capabilities.yml, calibration.yml, phrases/ and fields/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from marshmallow import Schema

from packets.decision import Action, Mode, Seniority
from policies.after_solved import AfterSolved, Comeback
from policies.calibrate import NO_CALIBRATION, Calibration, read_calibration
from policies.capability import NO_CAPABILITIES, Capabilities, read_capabilities
from policies.detect.pack import Pack
from policies.detect.read import read_pack
from policies.model import Outcome, PolicySet, Route, Rule, When
from policies.params import Known
from policies.posture import POSTURE, Posture, moved_by, under, wrong_values
from policies.problems import PolicyErrors, Problem, below, did_you_mean
from policies.schema import (
    OUTCOMES,
    CalibrationSchema,
    CapabilitiesSchema,
    PackSchema,
    PlaybooksSchema,
    PostureSchema,
    RoutesSchema,
    RuleSchema,
    ScriptsSchema,
    check,
)
from policies.sla.ladder import Ladder
from policies.sla.read import LADDERS, SLA_FILES, Sla, read_sla
from policies.waiting import uses_of, waits_of
from policies.warm import WarmWait, read_warm
from policies.when import compile_when
from policies.yamlfile import YamlFile, read_yaml

__all__ = ["PolicyErrors", "PolicySet", "Problem", "load_policy", "policy_from_files", "read_folder"]

ROUTES, SCRIPTS, PLAYBOOKS = "routes.yml", "scripts.yml", "playbooks.yml"
CAPABILITIES, CALIBRATION = "capabilities.yml", "calibration.yml"
TEST_ENDING = ".test.yml"
REVISION_LENGTH = 12


def load_policy(folder: Path) -> PolicySet:
    """The policy of a folder. Raises PolicyErrors with every problem found; files are named as `folder` is."""
    texts, problems = read_folder(folder)
    builder = _Builder({name: text for name, text in texts.items() if not name.endswith(TEST_ENDING)}, problems)
    try:
        return builder.build()
    except PolicyErrors as errors:
        raise PolicyErrors(below(str(folder), errors.problems)) from None


def policy_from_files(files: Mapping[str, str]) -> PolicySet:
    """The policy of stored texts (`PolicySet.files`): how an old revision is judged again. Raises PolicyErrors."""
    return _Builder(files, []).build()


def read_folder(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    """Every policy file's text by its path below `folder`, test files too; field maps are left to the connectors."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        return texts, [Problem(".", 0, "there is no such folder")]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith(("fields/", ".")) or "/." in name:
            continue
        if path.suffix == ".yaml":
            problems.append(Problem(name, 0, "would not be read", f"rename it to {path.stem}.yml"))
        elif path.suffix == ".yml":
            try:
                texts[name] = path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError:
                problems.append(Problem(name, 0, "is not UTF-8 text"))
    return texts, problems


def revision_of(files: Mapping[str, str]) -> str:
    """Changes with any byte a decision could depend on, and with nothing else."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            data = part.encode()
            digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:REVISION_LENGTH]


@dataclass(slots=True)
class _Builder:
    texts: Mapping[str, str]
    problems: list[Problem]
    parsed: dict[str, YamlFile] = field(default_factory=dict)
    posture: Posture | None = None

    def build(self) -> PolicySet:
        sla = self._sla()
        scripts, _ = self._named(SCRIPTS, ScriptsSchema())
        routes, default_route, comeback = self._routes(sla.ladders, scripts)
        playbooks, default_playbook = self._named(PLAYBOOKS, PlaybooksSchema())
        packs, topics = self._packs()
        known: dict[str, Mapping[str, Any]] = {
            "route": routes,
            "tier": sla.tiers,
            "say": scripts,
            "playbook": playbooks,
        }
        capabilities = self._capabilities(topics)
        calibration = self._calibration()
        rules = self._rules(known, Known(topics, CAPABILITIES in self.texts))
        if self.problems:
            raise PolicyErrors(self.problems)
        return PolicySet(
            revision=revision_of(self.texts),
            rules=rules,
            routes=routes,
            default_route=default_route,
            after_solved=comeback,
            tiers=sla.tiers,
            default_tier=sla.default_tier,
            calendars=sla.calendars,
            ladders=sla.ladders,
            rosters=sla.rosters,
            scripts=scripts,
            playbooks=playbooks,
            default_playbook=default_playbook,
            packs=packs,
            capabilities=capabilities,
            calibration=calibration,
            uses=uses_of(rules),
            waits=waits_of(rules),
            files=dict(self.texts),
        )

    def _read(self, name: str, schema: Schema) -> tuple[YamlFile, dict[str, Any] | None]:
        file, problems = read_yaml(name, self.texts[name])
        self.problems += problems
        if problems and file.value is None:
            return file, None
        data, wrong = check(schema, file)
        self.problems += wrong
        return file, data

    def _routes(
        self, ladders: Mapping[str, Ladder], scripts: Mapping[str, Any]
    ) -> tuple[dict[str, Route], str, Comeback]:
        if ROUTES not in self.texts:
            self.problems.append(
                Problem(ROUTES, 0, "is missing", "routing needs at least its catch-all: default: general")
            )
            return {}, "", Comeback()
        file, data = self._read(ROUTES, RoutesSchema())
        if data is None:
            return _names(file, "routes"), "", Comeback()
        specs = data["routes"]
        self._default_exists(file, data, specs)
        waits: dict[str, WarmWait] = {}
        for name, spec in specs.items():
            if "warm" in spec:
                broken = LADDERS in self.texts and not ladders
                waits[name], problems = read_warm(file, name, spec["warm"], ladders, scripts, ladders_broken=broken)
                self.problems += problems
        routes = {name: self._route(name, specs, waits, file) for name in specs}
        return routes, data["default"], _comeback(data.get("after_solved"))

    def _default_exists(self, file: YamlFile, data: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        default = data.get("default")
        if default is not None and default not in names:
            text = f"'{default}' is the default, and there is none of that name"
            self.problems.append(file.problem(("default",), text, did_you_mean(default, names)))

    def _route(
        self, name: str, specs: Mapping[str, dict[str, Any]], waits: Mapping[str, WarmWait], file: YamlFile
    ) -> Route:
        """The route with what it takes from the ones it stands under: the nearest word wins, wishes add up."""
        chain = [name]
        while (parent := specs[chain[-1]].get("under")) is not None:
            if parent not in specs or parent in chain:
                text = f"route '{name}' stands under itself" if parent in chain else f"unknown route '{parent}'"
                place = ("routes", chain[-1], "under")
                self.problems.append(file.problem(place, text, did_you_mean(parent, specs)))
                break
            chain.append(parent)
        steps = [specs[step] for step in chain]
        ways = [way for step in chain for way in (step, specs[step].get("destination")) if way]
        return Route(
            name=name,
            label=specs[name].get("label", name.replace("_", " ").capitalize()),
            destination=next((s["destination"] for s in steps if "destination" in s), None),
            wants=tuple(dict.fromkeys(fact for s in steps for fact in s.get("wants", ()))),
            under=specs[name].get("under"),
            else_groups=tuple(dict.fromkeys(way for way in ways if way != name)),
            warm=next((waits[step] for step in chain if step in waits), None),
        )

    def _sla(self) -> Sla:
        sla, problems = read_sla(self.texts, self._read)
        self.problems += problems
        return sla

    def _named(self, name: str, schema: Schema) -> tuple[dict[str, Any], str | None]:
        """The entries of scripts.yml or playbooks.yml, and the default's name if the file gives one."""
        if name not in self.texts:
            return {}, None
        file, data = self._read(name, schema)
        key = PurePosixPath(name).stem
        if data is None:
            return _names(file, key), None
        self._default_exists(file, data, data[key])
        return data[key], data.get("default")

    def _packs(self) -> tuple[dict[str, Pack], frozenset[str]]:
        """The packs by language, and every label one of their files speaks of, sound or not."""
        packs: dict[str, Pack] = {}
        topics: set[str] = set()
        for name in sorted(self.texts):
            if not name.startswith("phrases/"):
                continue
            file, data = self._read(name, PackSchema())
            topics |= _labels(file)
            if data is None:
                continue
            pack, problems = read_pack(file)
            self.problems += problems
            if pack.language in packs:
                self.problems.append(file.problem(("pack",), f"there is another pack '{pack.language}'"))
            packs[pack.language] = pack
        return packs, frozenset(topics)

    def _capabilities(self, topics: frozenset[str]) -> Capabilities:
        if CAPABILITIES not in self.texts:
            return NO_CAPABILITIES
        file, data = self._read(CAPABILITIES, CapabilitiesSchema())
        if data is None:
            return NO_CAPABILITIES
        capabilities, problems = read_capabilities(file, data, topics)
        self.problems += problems
        return capabilities

    def _calibration(self) -> Calibration:
        if CALIBRATION not in self.texts:
            return NO_CALIBRATION
        file, data = self._read(CALIBRATION, CalibrationSchema())
        if data is None:
            return NO_CALIBRATION
        calibration, problems = read_calibration(file, data)
        self.problems += problems
        return calibration

    def _rules(self, names: Mapping[str, Mapping[str, Any]], known: Known) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        first: dict[str, str] = {}
        self.posture = self._posture()
        for name in sorted(
            (n for n in self.texts if _is_rule(n) and n != POSTURE), key=lambda n: (not _is_locked(n), n)
        ):
            file, data = self._read(name, RuleSchema())
            if isinstance(file.value, Mapping) and (rule_id := file.value.get("id")):
                where = f"{name}:{file.line(('id',))}"
                if rule_id in first:
                    self.problems.append(file.problem(("id",), f"id '{rule_id}' is taken", f"by {first[rule_id]}"))
                first.setdefault(str(rule_id), where)
            if data is not None:
                rules += self._rule(file, data, names, known)
        return tuple(rules)

    def _posture(self) -> Posture | None:
        """The posture that holds; None: there is no file for it, or it is broken and told so."""
        data = self._read(POSTURE, PostureSchema())[1] if POSTURE in self.texts else None
        return Posture(data["posture"]) if data else None

    def _when(self, file: YamlFile, known: Known) -> tuple[When | None, list[Problem]]:
        """The conditions under the posture that holds. The others must be sound, too: it may change."""
        if not moved_by(file):
            return compile_when(file, known)
        broken = POSTURE in self.texts and self.posture is None
        problems = wrong_values(file, _is_locked(file.name), Posture.BALANCED if broken else self.posture)
        if problems:
            return None, problems
        made = {posture: compile_when(under(file, posture), known) for posture in Posture}
        wrong = {problem: None for _, problems in made.values() for problem in problems}
        return made[self.posture or Posture.BALANCED][0], list(wrong)

    def _rule(
        self, file: YamlFile, data: dict[str, Any], names: Mapping[str, Mapping[str, Any]], known: Known
    ) -> list[Rule]:
        when, problems = self._when(file, known)
        then = data["then"]
        for key, existing in names.items():
            if key in then and then[key] not in existing:
                what = "script" if key == "say" else key
                hint = did_you_mean(then[key], existing)
                problems.append(file.problem(("then", key), f"unknown {what} '{then[key]}'", hint))
        self.problems += problems
        if when is None or problems:
            return []
        where = f"{file.name}:{file.line(('id',))}"
        locked = _is_locked(file.name)
        return [Rule(data["id"], data["owner"], data["why"], where, locked, when, _outcome(then))]


def _outcome(then: Mapping[str, Any]) -> Outcome:
    action = next(o for o in OUTCOMES if o in then or f"{o}_" in then)
    told = then.get(action)
    return Outcome(
        action=Action(action),
        mode=Mode(told) if isinstance(told, str) else None,
        route=then.get("route"),
        tier=then.get("tier"),
        playbook=then.get("playbook"),
        say=then.get("say"),
        identity_check=then.get("identity_check", False),
        recommend=then.get("recommend"),
        seniority=Seniority(then["seniority"]) if "seniority" in then else None,
        collect=tuple(then.get("collect", ())),
        remember=then.get("remember"),
    )


def _comeback(spec: Mapping[str, Any] | None) -> Comeback:
    if spec is None:
        return Comeback()
    within = timedelta(seconds=spec["within"]) if "within" in spec else Comeback().within
    return Comeback(AfterSolved(spec["do"]), within)


def _names(file: YamlFile, key: str) -> dict[str, Any]:
    """The names a broken file declares, so that rules naming them are not blamed as well."""
    value = file.value.get(key) if isinstance(file.value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}


def _labels(file: YamlFile) -> set[str]:
    if not isinstance(file.value, Mapping):
        return set()
    rules, intents = file.value.get("rules"), file.value.get("intents")
    named = rules if isinstance(rules, list) else []
    labels = {str(rule["label"]) for rule in named if isinstance(rule, Mapping) and "label" in rule}
    return labels | set(intents if isinstance(intents, Mapping) else ())


def _is_rule(name: str) -> bool:
    reserved = name in (ROUTES, *SLA_FILES, SCRIPTS, PLAYBOOKS, CAPABILITIES, CALIBRATION) or name.startswith(
        ("phrases/", "fields/")
    )
    return not reserved and not name.endswith(TEST_ENDING)


def _is_locked(name: str) -> bool:
    return name.startswith("locked/")
