"""
All the situations a policy can tell apart, and the search for one in which given conditions hold or do not hold.

The named conditions of a policy fall into groups that look at the same signals. Each group has a few choices: values
tried on the real conditions, one for each combination of answers. A search fixes group after group and gives up a
branch as soon as what is asked can no longer come true. Groups that do not touch each other are searched one by one, so
the cost follows how entangled rules are, not how many there are. It counts its steps and stops at a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from packets.conversation import Conversation
from policies.analyse.samples import SAMPLES, guesses
from policies.conditions import CONDITIONS
from policies.model import When
from policies.signals import Signals

MOST_STEPS = 20_000  # of one search
MOST_SITUATIONS = 20_000  # tried when a group is made
MOST_TOGETHER = 4  # values of one condition we have no samples of, given at once

Atom = tuple[str, str]  # a condition and its arguments: one question that is answered yes or no
Wanted = Sequence[tuple[When, bool]]
Given = tuple[tuple[str, Any], ...]


class TooMany(Exception):
    """The search stopped at its bound: neither found nor refuted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way a group can be: the signals that make it so, and the atoms that then hold."""

    given: Given
    holds: frozenset[Atom]
    free: bool = False  # assumed: no value is known that brings it about


@dataclass(frozen=True, slots=True)
class Situation:
    """A choice of every group that matters; all others are as they are when nothing has happened."""

    choices: tuple[Choice, ...] = ()

    @property
    def is_real(self) -> bool:
        return not any(choice.free for choice in self.choices)

    @property
    def given(self) -> dict[str, Any]:
        """As `given:` of a test: several values of one condition stand in a list."""
        told: dict[str, Any] = {}
        for name, value in (pair for choice in self.choices for pair in choice.given):
            told[name] = _both(told[name], value) if name in told else value
        return told

    def signals(self) -> Signals:
        return _signals(pair for choice in self.choices for pair in choice.given)


def _both(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not old.keys() & new.keys():
        return {**old, **new}
    return [*(old if isinstance(old, list) else [old]), new]


@dataclass(frozen=True, slots=True)
class Space:
    """groups: the choices of each, first that nothing has happened. vague: conditions of which a use is free."""

    groups: tuple[tuple[Choice, ...], ...]
    group_of: Mapping[Atom, int]
    vague: frozenset[str] = frozenset()

    def is_certain(self, when: When) -> bool:
        """Whether "there is none" is proved for it: not with conditions whose values are only guessed."""
        return all(name in SAMPLES for name, _ in atoms_of(when))

    def find(self, wanted: Wanted) -> Situation | None:
        """
        A situation in which each condition is as wanted, with as little happening as possible. None: there is none.
        Raises TooMany.
        """
        chosen: dict[int, Choice] = {}
        for part in self._apart(wanted):
            found = _Search(self, part).run()
            if found is None:
                return None
            chosen |= found
        return Situation(tuple(chosen[number] for number in sorted(chosen)))

    def _apart(self, wanted: Wanted) -> list[Wanted]:
        """What is wanted, split into parts that share no group."""
        parts: list[tuple[set[int], list[tuple[When, bool]]]] = []
        for when, held in wanted:
            touched, together = {self.group_of[atom] for atom in atoms_of(when)}, [(when, held)]
            for other in [p for p in parts if p[0] & touched]:
                parts.remove(other)
                touched |= other[0]
                together = other[1] + together
            parts.append((touched, together))
        return [together for _, together in parts]


class _Search:
    def __init__(self, space: Space, wanted: Wanted) -> None:
        self.space = space
        self.wanted = sorted(wanted, key=lambda pair: not pair[1])  # what must hold narrows most
        self.order = list(dict.fromkeys(space.group_of[a] for when, _ in self.wanted for a in atoms_of(when)))
        self.steps = 0

    def run(self, depth: int = 0, chosen: dict[int, Choice] | None = None) -> dict[int, Choice] | None:
        chosen = chosen or {}
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooMany
        answers = [self._truth(when, chosen) for when, _ in self.wanted]
        if any(answer is (not held) for answer, (_, held) in zip(answers, self.wanted, strict=True)):
            return None
        if None not in answers:
            return chosen
        for choice in self.space.groups[self.order[depth]]:
            found = self.run(depth + 1, {**chosen, self.order[depth]: choice})
            if found is not None:
                return found
        return None

    def _truth(self, when: When, chosen: Mapping[int, Choice]) -> bool | None:
        """None: not known before more groups are fixed."""
        if when.kind not in ("all", "any", "not"):
            atom = atom_of(when)
            choice = chosen.get(self.space.group_of[atom])
            return None if choice is None else atom in choice.holds
        answers = [self._truth(part, chosen) for part in when.parts]
        if when.kind == "not":
            return None if answers[0] is None else not answers[0]
        settles = when.kind == "any"
        if settles in answers:
            return settles
        return None if None in answers else not settles


def atom_of(when: When) -> Atom:
    return when.kind, repr(when.arguments)


def leaves(when: When) -> Iterator[When]:
    if when.kind in ("all", "any", "not"):
        for part in when.parts:
            yield from leaves(part)
    else:
        yield when


def atoms_of(when: When) -> list[Atom]:
    return list(dict.fromkeys(atom_of(leaf) for leaf in leaves(when)))


@dataclass(frozen=True, slots=True)
class _Axis:
    condition: str
    values: tuple[Any, ...]


def space_of(whens: Iterable[When], told: Mapping[str, Sequence[Any]] | None = None) -> Space:
    """The space of a policy's conditions. told: values its own tests give, for conditions we have no samples of."""
    atoms = {atom_of(leaf): leaf for when in whens for leaf in leaves(when)}
    axes = [axis for name in sorted({name for name, _ in atoms}) for axis in _axes(name, atoms, told or {})]
    groups: list[tuple[Choice, ...]] = []
    group_of: dict[Atom, int] = {}
    vague: set[str] = set()
    for together, its_axes in _grouped(atoms, axes):
        choices = () if _is_crowded(its_axes) else _choices(together, its_axes)
        free = _unreached(together, choices) if choices else list(together)
        for atom in free:
            group_of[atom] = len(groups)
            groups.append(_either_way(atom, atoms[atom]))
        vague |= {name for name, _ in free}
        group_of |= {atom: len(groups) for atom in together if atom not in free}
        groups.append(choices or (Choice((), frozenset()),))
    return Space(tuple(groups), group_of, frozenset(vague))


def _axes(name: str, atoms: Mapping[Atom, When], told: Mapping[str, Sequence[Any]]) -> list[_Axis]:
    uses = [leaf.arguments for leaf in atoms.values() if leaf.kind == name]
    if name in SAMPLES:
        return [_Axis(name, tuple(values)) for values in SAMPLES[name](uses)]
    values = [value for value in [*guesses(uses), *told.get(name, ())] if _taken(name, value)]
    mine = {atom: leaf for atom, leaf in atoms.items() if leaf.kind == name}
    telling = {_holding(mine, _signals([(name, value)])): value for value in reversed(values)}
    # Several values may be known side by side (two facts, two attributes): an axis for each use lets them add up.
    return [_Axis(name, tuple(telling.values()))] * min(len(mine), MOST_TOGETHER)


def _taken(name: str, value: Any) -> bool:
    """Whether the condition can be given this value: a guess of ours may be of a kind it does not know."""
    try:
        CONDITIONS[name].given(_signals(()), value)
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    return True


def _signals(given: Iterable[tuple[str, Any]]) -> Signals:
    signals = Signals(Conversation("policy-test", "case"))
    for name, value in given:
        signals = CONDITIONS[name].given(signals, value)
    return signals


def _grouped(atoms: Mapping[Atom, When], axes: Sequence[_Axis]) -> list[tuple[dict[Atom, When], list[_Axis]]]:
    """
    Atoms and the axes that move them. An axis belongs to the atoms whose answer one of its values changes, and to those
    of its own condition: topics have an axis each and belong only to what they move.
    """
    quiet = _holding(atoms, _signals(()))
    groups: list[tuple[set[Atom], list[_Axis]]] = [({atom}, []) for atom in atoms]
    for axis in axes:
        moved: set[Atom] = set()
        for value in axis.values:
            moved |= quiet ^ _holding(atoms, _signals([(axis.condition, value)]))
        if not moved:
            moved = {atom for atom in atoms if atom[0] == axis.condition}
        inside = [group for group in groups if group[0] & moved]
        groups = [group for group in groups if not group[0] & moved]
        groups.append((set().union(*(g[0] for g in inside)), [a for g in inside for a in g[1]] + [axis]))
    return [({atom: atoms[atom] for atom in atoms if atom in names}, its) for names, its in groups]


def _holding(atoms: Mapping[Atom, When], signals: Signals) -> frozenset[Atom]:
    return frozenset(atom for atom, leaf in atoms.items() if leaf.holds(signals))


def _is_crowded(axes: Sequence[_Axis]) -> bool:
    return prod(len(axis.values) + 1 for axis in axes) > MOST_SITUATIONS


def _choices(atoms: Mapping[Atom, When], axes: Sequence[_Axis]) -> tuple[Choice, ...]:
    """One choice for each combination of answers, the one with the least happening; the quiet one first."""
    found: dict[frozenset[Atom], Choice] = {}
    ways = [[(), *(((axis.condition, value),) for value in axis.values)] for axis in axes]
    for picked in sorted(product(*ways), key=lambda picks: sum(map(len, picks))):
        given: Given = tuple(pair for pick in picked for pair in pick)
        holds = _holding(atoms, _signals(given))
        found.setdefault(holds, Choice(given, holds))
    return tuple(found.values())


def _unreached(atoms: Mapping[Atom, When], choices: Sequence[Choice]) -> list[Atom]:
    """Atoms whose answer never changed though it is only guessed what moves them."""
    return [a for a in atoms if a[0] not in SAMPLES and len({a in choice.holds for choice in choices}) == 1]


def _either_way(atom: Atom, leaf: When) -> tuple[Choice, ...]:
    """For an atom of which no value is known: it may hold or not, whatever else is so."""
    quiet = _holding({atom: leaf}, _signals(()))
    return Choice((), quiet), Choice((), quiet ^ {atom}, free=True)
