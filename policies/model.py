"""
A policy ready to judge with: rules, routes, tiers, scripts, playbooks, phrase packs, and the texts it was made from.

Frozen: a PolicySet is shared by all threads and, found by its revision, judges the same a year later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from packets.decision import Action, Mode, Seniority, TraceNode
from packets.event import Role
from policies.after_solved import Comeback
from policies.calibrate import NO_CALIBRATION, Calibration
from policies.capability import NO_CAPABILITIES, Capabilities
from policies.detect.pack import Pack
from policies.signals import Signals
from policies.sla.calendar import Calendar
from policies.sla.ladder import Ladder
from policies.sla.roster import Team
from policies.sla.tiers import Tier
from policies.warm import WarmWait

Judge = Callable[[Signals], TraceNode]
Holds = Callable[[Signals], bool]  # the judge's answer without its reasons, for the many turns on which nothing fires

FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class When:
    """
    Conditions as they were written, kept beside the judge they became so that rules can be reasoned about.

    kind: all, any or not with their parts, or the name of a condition with its arguments. line: where it stands.
    """

    kind: str
    line: int
    judge: Judge = field(compare=False)
    holds: Holds = field(compare=False)
    parts: tuple[When, ...] = ()
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a rule wants when it fires. Names point into routes.yml, tiers.yml, playbooks.yml, scripts.yml.

    seniority: how experienced the person must be. collect: names of facts the bot asks for meanwhile.
    remember: what is to be kept of this customer for good (history.py).
    """

    action: Action
    mode: Mode | None = None
    route: str | None = None
    tier: str | None = None
    playbook: str | None = None
    say: str | None = None
    identity_check: bool = False
    recommend: str | None = None
    seniority: Seniority | None = None
    collect: tuple[str, ...] = ()
    remember: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule file. where: file:line, for people."""

    id: str
    owner: str
    why: str
    where: str
    locked: bool
    when: When
    then: Outcome

    @property
    def judge(self) -> Judge:
        return self.when.judge

    @property
    def file(self) -> str:
        return self.where.rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class Route:
    """
    Where a handoff goes. destination: the neutral name of the group behind it, shared by routes that lead to the same
    people. wants: names of facts people there need, in order of need. What `under` gives is already in.

    else_groups: what a field map without a line for this route is asked for instead: its destination, the routes above.
    warm: its warm handoffs wait for somebody's accept. None: they do not.
    """

    name: str
    label: str
    destination: str | None = None  # None: nobody has said
    wants: tuple[str, ...] = ()
    under: str | None = None
    else_groups: tuple[str, ...] = ()
    warm: WarmWait | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """
    A silence a condition waits for. after: whose turn was the last. long: None = the source's heartbeat. promised:
    counted from when the bot promised a person, whoever has spoken since.
    """

    after: Role | None
    long: timedelta | None
    promised: bool = False


@dataclass(frozen=True, slots=True)
class PolicySet:
    """
    rules: locked ones first, then in file order. revision: hash of `files`, the texts decisions depend on.
    waits: the silences after which one of its rules may fire, so that somebody looks then.
    scripts: name → language → what the customer is told. playbooks: name → the first thing to do, in words.
    """

    revision: str
    rules: tuple[Rule, ...]
    routes: Mapping[str, Route]
    default_route: str
    tiers: Mapping[str, Tier]
    default_tier: str
    scripts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    playbooks: Mapping[str, str] = field(default_factory=dict)
    default_playbook: str | None = None  # for handoffs whose rules name none
    packs: Mapping[str, Pack] = field(default_factory=dict)
    capabilities: Capabilities = NO_CAPABILITIES
    calibration: Calibration = NO_CALIBRATION
    uses: frozenset[str] = frozenset()  # names of the conditions in its rules
    waits: tuple[Wait, ...] = ()
    after_solved: Comeback = field(default_factory=Comeback)
    files: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    rosters: Mapping[str, Team] = field(default_factory=dict)  # by the destination of the routes they serve

    def route(self, name: str | None) -> Route:
        """The route of that name; the catch-all when there is none (an old packet may name a route since removed)."""
        return self.routes.get(name or "", self.routes[self.default_route])

    def tier(self, name: str | None) -> Tier:
        """The tier of that name, else the default one."""
        return self.tiers.get(name or "", self.tiers[self.default_tier])

    def script(self, name: str | None, language: str | None) -> str | None:
        """What the customer is told, in their language if there is such a text: de-AT, else de, else English."""
        texts = self.scripts.get(name or "")
        if texts is None:
            return None
        asked = (language or "").lower().replace("_", "-")
        return texts.get(asked) or texts.get(asked.split("-")[0]) or texts[FALLBACK_LANGUAGE]
