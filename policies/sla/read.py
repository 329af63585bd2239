"""
calendars.yml, tiers.yml, ladders.yml and rosters.yml → what they mean, and what is wrong with them taken together.

Only tiers.yml must be there. The shape of each file has been checked before (`schema.py`); here names are resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from packets.decision import Seniority
from packets.draft import Priority
from policies.problems import Problem, did_you_mean
from policies.schema import TiersSchema
from policies.sla.calendar import CALENDAR_DAY, Calendar, always_open
from policies.sla.holidays import HolidayError, country_holidays
from policies.sla.hours import ALWAYS, INTERSECTION, UNION, Hours
from policies.sla.ladder import BUSINESS, MOST_ASKED, Ask, Ladder, Step
from policies.sla.roster import Callbacks, Member, Team, Wanted, suits
from policies.sla.schema import CalendarsSchema, LaddersSchema, RostersSchema, weekdays_of
from policies.sla.tiers import PAUSED_BY_DEFAULT, AppliesTo, Reopen, Target, Tier
from policies.sla.within import BusinessDays, Deadline, Seconds
from policies.yamlfile import Path, YamlFile

CALENDARS, TIERS, LADDERS, ROSTERS = "calendars.yml", "tiers.yml", "ladders.yml", "rosters.yml"
SLA_FILES = (CALENDARS, TIERS, LADDERS, ROSTERS)
ALWAYS_NAME = "always"

ReadFile = Callable[[str, Schema], tuple[YamlFile, dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Sla:
    """How fast, by whose hours, and who comes. rosters: by the destination of the routes they serve."""

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    default_tier: str = ""
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    rosters: Mapping[str, Team] = field(default_factory=dict)


def read_sla(names: Mapping[str, Any], read: ReadFile) -> tuple[Sla, list[Problem]]:
    """
    names: the files of the folder. read: reads and checks one of them; it reports what is wrong with it by itself.

    A broken file's names are kept where that spares the others blame.
    """
    reader = _Reader(names, read)
    return reader.sla(), reader.problems


class _Reader:
    def __init__(self, names: Mapping[str, Any], read: ReadFile) -> None:
        self.names, self.read = names, read
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        self.hours: dict[str, Hours] = {ALWAYS_NAME: ALWAYS}
        self.rosters: dict[str, Team] = {}
        self.ladders: dict[str, Ladder] = {}

    def sla(self) -> Sla:
        calendars = self._calendars()
        self.hours |= {name: Hours((calendar,)) for name, calendar in calendars.items()}
        self.rosters = self._rosters()
        self.ladders = self._ladders()
        tiers, default = self._tiers()
        return Sla({ALWAYS_NAME: always_open(), **calendars}, tiers, default, self.ladders, self.rosters)

    def _file(self, name: str, schema: Schema) -> tuple[YamlFile, dict[str, Any]]:
        """The file and its data; empty when it is not there, or wrong and told so."""
        if name not in self.names:
            return YamlFile(name, None, {}), {}
        file, data = self.read(name, schema)
        if data is None:
            self.broken.add(name)
        return file, data or {}

    def _wrong(self, file: YamlFile, path: Path, text: str, suggestion: str | None = None) -> None:
        self.problems.append(file.problem(path, text, suggestion))

    # Calendars

    def _calendars(self) -> dict[str, Calendar]:
        file, data = self._file(CALENDARS, CalendarsSchema())
        return {name: self._calendar(file, name, spec) for name, spec in data.get("calendars", {}).items()}

    def _calendar(self, file: YamlFile, name: str, spec: Mapping[str, Any]) -> Calendar:
        if name == ALWAYS_NAME:
            self._wrong(
                file, ("calendars", name), f"'{name}' is built in: it is open day and night", "name it otherwise"
            )
        weekly = {day: tuple(sorted(windows)) for key, windows in spec["weekly"].items() for day in weekdays_of(key)}
        return Calendar(
            name=name,
            zone=spec["zone"],
            weekly=tuple(weekly.get(day, ()) for day in range(7)),
            holidays=self._holidays(file, name, spec.get("holidays", ())),
            dates={day: tuple(sorted(windows)) for day, windows in spec.get("dates", {}).items()},
            scope=spec.get("holiday_scope", CALENDAR_DAY),
        )

    def _holidays(self, file: YamlFile, calendar: str, specs: Any) -> dict[Any, str]:
        found: dict[Any, str] = {}
        for i, spec in enumerate(specs):
            place: Path = ("calendars", calendar, "holidays", i)
            if "date" in spec:
                found[spec["date"]] = spec.get("name", "holiday")
                continue
            try:
                days = country_holidays(spec["country"], spec.get("subdivision"), spec.get("observed", True))
            except HolidayError as error:
                self._wrong(file, place, str(error), error.suggestion)
                continue
            for j, day in enumerate(spec.get("except_", ())):
                if day not in days:
                    near = min(days, key=lambda other: abs((other - day).days))
                    self._wrong(
                        file, (*place, "except", j), f"{day} is no holiday of {spec['country']}, nothing to except",
                        f"the nearest one is {near}, {days[near]}",
                    )  # fmt: skip
            found |= {day: name for day, name in days.items() if day not in spec.get("except_", ())}
        return found

    def _named_hours(self, file: YamlFile, place: Path, spec: Any) -> Hours:
        """The hours a `calendar` key names: one, or several joined."""
        if spec is None:
            return ALWAYS
        how, names = UNION, [spec]
        if isinstance(spec, Mapping) and len(spec) == 1:
            ((how, names),) = spec.items()
        if how not in (UNION, INTERSECTION) or not isinstance(names, list) or not names:
            self._wrong(
                file, place, "expected the name of a calendar, or {union: [one, another]} or {intersection: […]}"
            )
            return ALWAYS
        found: list[Calendar] = []
        for name in names:
            if name in self.hours:
                found += self.hours[name].calendars
            elif CALENDARS not in self.broken:
                self._wrong(file, place, f"unknown calendar '{name}'", did_you_mean(name, self.hours))
        return Hours(tuple(found), how) if found else ALWAYS

    # Rosters

    def _rosters(self) -> dict[str, Team]:
        file, data = self._file(ROSTERS, RostersSchema())
        return {name: self._team(file, name, spec) for name, spec in data.get("rosters", {}).items()}

    def _team(self, file: YamlFile, name: str, spec: Mapping[str, Any]) -> Team:
        place: Path = ("rosters", name)
        members = tuple(
            Member(
                name=person,
                reach=told["reach"],
                seniority=Seniority(told.get("seniority", Seniority.REGULAR)),
                skills=frozenset(told.get("skills", ())),
                capacity=told.get("capacity", 3),
                hours=self._named_hours(file, (*place, "members", person, "calendar"), told["calendar"])
                if "calendar" in told
                else None,
            )
            for person, told in spec["members"].items()
        )
        manager = spec.get("manager")
        if manager is not None and manager not in spec["members"]:
            self._wrong(
                file, (*place, "manager"), f"manager '{manager}' is not among the members of '{name}'",
                did_you_mean(manager, spec["members"]) or "add them as a member, so that they can be reached",
            )  # fmt: skip
        hours = self._named_hours(file, (*place, "calendar"), spec.get("calendar"))
        return Team(name, members, hours, manager, _callbacks(spec.get("callbacks")))

    def _team_exists(self, file: YamlFile, place: Path, team: str | None) -> None:
        if team is None or team in self.rosters or ROSTERS in self.broken:
            return
        hint = did_you_mean(team, self.rosters) or f"write it into {ROSTERS}"
        self._wrong(file, place, f"unknown team '{team}'", hint)

    # Ladders

    def _ladders(self) -> dict[str, Ladder]:
        file, data = self._file(LADDERS, LaddersSchema())
        return {name: self._ladder(file, name, spec) for name, spec in data.get("ladders", {}).items()}

    def _ladder(self, file: YamlFile, name: str, spec: Mapping[str, Any]) -> Ladder:
        place: Path = ("ladders", name, "steps")
        return Ladder(
            name=name,
            steps=tuple(self._step(file, (*place, i), step) for i, step in enumerate(spec["steps"])),
            warn=tuple(spec.get("warn", ())),
            repeat=spec.get("repeat", 0),
            repeat_after=spec.get("repeat_after", 1800),
            fallback=spec.get("fallback"),
        )

    def _step(self, file: YamlFile, place: Path, spec: Mapping[str, Any]) -> Step:
        ask, manager = spec.get("ask"), spec.get("tag_manager")
        if ask is not None:
            self._team_exists(file, (*place, "ask", "team"), ask.get("team"))
        if isinstance(manager, str):
            self._team_exists(file, (*place, "tag_manager"), manager)
        self._team_exists(file, (*place, "reassign"), spec.get("reassign"))
        return Step(
            after=spec.get("after", 0),
            in_=spec.get("in_", BUSINESS),
            notify=tuple(spec.get("notify", ())),
            ask=None if ask is None else _ask(ask),
            reassign=spec.get("reassign"),
            tag_manager="" if manager is True else manager,
            when=spec.get("when"),
            only_when_open=spec.get("only_when_open", _waits_by_default(spec)),
        )

    def _ends_in_nobody(self, ladder: Ladder) -> str | None:
        """Why nobody may be told in the end; None: somebody is."""
        last = ladder.steps[-1]
        if ladder.fallback or last.notify:
            return None
        if last.ask and self._has(last.ask.team, lambda team: any(_fits(m, last.ask) for m in team.members)):
            return None
        if last.tag_manager is not None and last.when is None:
            if self._has(last.tag_manager or None, lambda team: team.manager is not None):
                return None
            return "its last step tags a manager, and there is a team without one"
        return "its last step may reach nobody"

    def _has(self, name: str | None, holds: Callable[[Team], bool]) -> bool:
        """Whether it holds for the team named; unnamed is the handoff's own, so it must hold for every team."""
        if ROSTERS in self.broken:
            return True
        teams = list(self.rosters.values()) if name is None else [t for t in self.rosters.values() if t.name == name]
        return bool(teams) and all(map(holds, teams))

    # Tiers

    def _tiers(self) -> tuple[dict[str, Tier], str]:
        if TIERS not in self.names:
            self.problems.append(Problem(TIERS, 0, "is missing", "one tier with default: true is needed"))
            return {}, ""
        file, data = self._file(TIERS, TiersSchema())
        tiers = {name: self._tier(file, name, spec) for name, spec in data.get("tiers", {}).items()}
        if not data:
            value = file.value.get("tiers") if isinstance(file.value, Mapping) else None
            return (dict(value) if isinstance(value, Mapping) else {}), ""
        return tiers, next(name for name, tier in tiers.items() if tier.default)

    def _tier(self, file: YamlFile, name: str, spec: Mapping[str, Any]) -> Tier:
        place: Path = ("tiers", name)
        reopen, applies = spec.get("reopen", {}), spec.get("applies_to", {})
        return Tier(
            name=name,
            priority=Priority(spec["priority"]),
            targets={
                metric: self._target(file, (*place, "targets", metric), metric, target)
                for metric, target in spec["targets"].items()
            },
            default=spec.get("default", False),
            hours=self._named_hours(file, (*place, "calendar"), spec.get("calendar")),
            zone_from=spec.get("zone_from", "calendar"),
            on_priority_change=spec.get("on_priority_change", "carry"),
            on_queue_change=spec.get("on_queue_change", "per_interval"),
            reopen=Reopen(reopen.get("mode", "continue"), reopen.get("window", BusinessDays(5))),
            pause_integrity=spec.get("pause_integrity", True),
            applies_to=AppliesTo(
                frozenset(applies.get("topics", ())),
                frozenset(applies.get("routes", ())),
                tuple(applies.get("customers", ())),
            ),
        )

    def _target(self, file: YamlFile, place: Path, metric: str, spec: Mapping[str, Any]) -> Target:
        ladder = spec.get("ladder")
        if ladder is not None:
            self._ladder_is_sound(file, (*place, "ladder"), ladder)
        deadline = spec.get("deadline")
        pauses = frozenset(spec["pause_on"]) if "pause_on" in spec else PAUSED_BY_DEFAULT.get(metric, frozenset())
        return Target(
            metric=metric,
            within=spec["within"] if deadline is None else _deadline(deadline),
            warn=tuple(spec.get("warn", ())),
            pause_on=pauses if deadline is None else frozenset(),
            ladder=ladder,
            max_pause=Seconds(spec["max_pause"]) if "max_pause" in spec else None,
            on_max_pause=spec.get("on_max_pause", "resume"),
            notes_count=spec.get("notes_count", False),
            counts_from=spec.get("counts_from", "promise"),
            ladder_on_policy_change=spec.get("ladder_on_policy_change", True),
        )

    def _ladder_is_sound(self, file: YamlFile, place: Path, name: str) -> None:
        if LADDERS in self.broken:
            return
        if name not in self.ladders:
            hint = did_you_mean(name, self.ladders) or f"write it into {LADDERS}"
            self._wrong(file, place, f"unknown ladder '{name}'", hint)
        elif why := self._ends_in_nobody(self.ladders[name]):
            text = f"ladder '{name}' ends in nobody: {why}"
            self._wrong(
                file, place, text, f"give '{name}' in {LADDERS} a fallback, or a last step that notifies a channel"
            )


def _callbacks(spec: Mapping[str, Any] | None) -> Callbacks | None:
    if spec is None:
        return None
    usual = Callbacks()
    return Callbacks(
        slot=spec.get("slot", usual.slot),
        capacity=spec.get("capacity", usual.capacity),
        lead=spec.get("lead", usual.lead),
        civil=spec.get("civil_hours", usual.civil),
        organizer=spec.get("organizer"),
    )


def _ask(spec: Mapping[str, Any]) -> Ask:
    seniority = spec.get("seniority")
    return Ask(
        spec.get("team"), spec.get("up_to", MOST_ASKED), Seniority(seniority) if seniority else None,
        frozenset(spec.get("skills", ())),
    )  # fmt: skip


def _fits(member: Member, ask: Ask | None) -> bool:
    return ask is not None and suits(member, Wanted(ask.seniority, ask.skills))


def _waits_by_default(spec: Mapping[str, Any]) -> bool:
    """A message to a channel can wait for the morning; people are asked and managers tagged at any hour."""
    pages = any(channel.partition(":")[0] in _PAGES for channel in spec.get("notify", ()))
    return "notify" in spec and not pages and not spec.keys() & {"ask", "tag_manager", "reassign"}


_PAGES = {"page", "pager", "phone", "sms"}


def _deadline(spec: Mapping[str, Any]) -> Deadline:
    return Deadline(spec["business_days"], _minutes(spec["at"]), _minutes(spec["cutoff"]) if "cutoff" in spec else None)


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
