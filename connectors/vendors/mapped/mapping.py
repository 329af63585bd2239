"""
A mapping file → a Mapping. Everything wrong with the file is reported at once, as MappingErrors with file, line and
what to do. What may be mapped, and of which type it is, comes from the canonical event (shape.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connectors.vendors.mapped.access import Access, access_of
from connectors.vendors.mapped.origin import Each, Group, Rule, Value, origin_of
from connectors.vendors.mapped.shape import DATA, Leaf, Object, Rows
from packets.event import Channel, EventKind, Role
from packets.schemas.build import REASON_CODES

IGNORE = "ignore"
KEYS = ("name", "signature", "kind", "kinds", "roles", "channels", "reasons", "data")
# table → what it translates into; IGNORE: such a call, or such a turn, is left out
TABLES: Mapping[str, tuple[str, ...]] = {
    "kinds": (*(kind.value for kind in EventKind), IGNORE),
    "roles": (*(role.value for role in Role), IGNORE),
    "channels": tuple(channel.value for channel in Channel),
    "reasons": REASON_CODES,
}
Place = tuple[str | int, ...]


class MappingErrors(ValueError):
    """A mapping file that cannot be used. str() lists every problem: file:line: what, and what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(("the mapping cannot be used:", *self.problems)))


@dataclass(frozen=True, slots=True)
class VendorMapping:
    """One vendor as ops describe it. `tables`: the vendor's words (lower case) → ours."""

    name: str
    access: Access
    kind: Value
    data: Group
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def load_mapping(path: Path) -> VendorMapping:
    """Raises MappingErrors; OSError if the file cannot be read."""
    reader = _Reader(str(path))
    found = reader.read(path.read_text("utf-8-sig", errors="replace"))
    if found is None or reader.problems:
        raise MappingErrors(text for _, text in sorted(reader.problems))
    return found


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.tree: Any = None
        self.problems: list[tuple[int, str]] = []

    def read(self, text: str) -> VendorMapping | None:
        """None: `problems` says why. Even with one there may be problems."""
        if not self._is_object(text):
            return None
        self._known((), self.tree, KEYS)
        for key in ("signature", "kind", "data"):
            if key not in self.tree:
                self._wrong((), f"'{key}' is missing", _NEEDED[key])
        access = self._access() if "signature" in self.tree else None
        kind = self._value(("kind",), self.tree.get("kind")) if "kind" in self.tree else None
        data = Group()
        if "data" in self.tree:
            data = self._group(("data",), self.tree["data"], DATA)
            self._needs_a_conversation(self.tree["data"])
        tables = {name: self._table(name, words) for name, words in TABLES.items()}
        if access is None or kind is None:
            return None
        return VendorMapping(str(self.tree.get("name") or Path(self.file).stem), access, kind, data, tables)

    def _is_object(self, text: str) -> bool:
        try:
            self.tree = YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._wrong_at(line, f"not YAML: {error.problem}")
        except YAMLError as error:
            self._wrong_at(1, f"not YAML: {str(error).splitlines()[0]}")
        else:
            if not isinstance(self.tree, Mapping):
                self._wrong((), "a mapping is an object", f"with the keys {', '.join(KEYS)}")
        return not self.problems

    def _needs_a_conversation(self, data: Any) -> None:
        conversation = data.get("conversation") if isinstance(data, Mapping) else None
        if not (isinstance(conversation, Mapping) and "id" in conversation):
            self._wrong(("data",), "data.conversation.id is missing", "say where the vendor's conversation id stands")

    def _access(self) -> Access | None:
        try:
            return access_of(self.tree["signature"])
        except ValueError as error:
            self._wrong(("signature",), str(error))
            return None

    def _table(self, name: str, ours: tuple[str, ...]) -> dict[str, str]:
        rows = self.tree.get(name, {})
        if not isinstance(rows, Mapping):
            self._wrong((name,), f"{name} is a table", "a line each, `the vendor's word: ours`")
            return {}
        for word, meaning in rows.items():
            if meaning not in ours:
                self._wrong((name, word), f"{name} has no '{meaning}'", _suggest(str(meaning), ours))
        return {_word(word): str(meaning) for word, meaning in rows.items()}

    def _group(self, place: Place, node: Any, shape: Object) -> Group:
        if not isinstance(node, Mapping):
            self._wrong(place, f"{_dotted(place)} is an object", f"with some of: {', '.join(shape.parts)}")
            return Group()
        self._known(place, node, shape.parts)
        found = {
            str(key): self._rule((*place, str(key)), value, shape.parts[key])
            for key, value in node.items()
            if key in shape.parts
        }
        return Group({key: rule for key, rule in found.items() if rule is not None})

    def _rule(self, place: Place, node: Any, shape: Any) -> Rule | None:
        if isinstance(shape, Object):
            return self._group(place, node, shape)
        if isinstance(shape, Rows):
            return self._each(place, node, shape)
        if isinstance(shape, Leaf) and shape.free and isinstance(node, Mapping) and list(node) != ["always"]:
            parts = {str(key): self._value((*place, str(key)), value) for key, value in node.items()}
            return Group({key: value for key, value in parts.items() if value is not None})
        value = self._value(place, node)
        for origin in value.origins if value else ():
            if origin.fixed is not None:
                self._fits(place, origin.fixed, shape)
        return value

    def _fits(self, place: Place, fixed: Any, leaf: Leaf) -> None:
        words = TABLES.get(TABLE_OF.get(str(place[-1]), ""), ())
        if words and fixed not in words:
            self._wrong(place, f"{_dotted(place)} has no '{fixed}'", _suggest(str(fixed), words))
            return
        try:
            leaf.take(fixed)
        except ValueError as error:
            self._wrong(place, f"{_dotted(place)}: {error}")

    def _each(self, place: Place, node: Any, shape: Rows) -> Each | None:
        if not isinstance(node, Mapping) or "each" not in node:
            remedy = "write {each: /where/it/stands, …: /within/an/item}"
            self._wrong(place, f"{_dotted(place)} is a list", remedy)
            return None
        where = self._value((*place, "each"), node["each"])
        rest = {key: value for key, value in node.items() if key != "each"}
        item = self._group(place, rest, shape.item)
        return Each(where, item) if where else None

    def _value(self, place: Place, node: Any) -> Value | None:
        origins = []
        for written in node if isinstance(node, list) else [node]:
            try:
                origins.append(origin_of(written))
            except ValueError as error:
                self._wrong(place, f"{_dotted(place)}: {error}")
        return Value(tuple(origins), self._line(place)) if origins else None

    def _known(self, place: Place, node: Mapping[Any, Any], known: Iterable[str]) -> None:
        for key in node:
            if key not in known:
                self._wrong((*place, key), f"unknown key '{_dotted((*place, key))}'", _suggest(str(key), known))

    def _wrong(self, place: Place, text: str, remedy: str = "") -> None:
        self._wrong_at(self._line(place), f"{text}: {remedy}" if remedy else text)

    def _wrong_at(self, line: int, text: str) -> None:
        self.problems.append((line, f"{self.file}:{line}: {text}"))

    def _line(self, place: Place) -> int:
        line, node = 1, self.tree
        for step in place:
            try:
                line, node = node.lc.data[step][0] + 1, node[step]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line


# The canonical names whose words a table translates.
TABLE_OF: Mapping[str, str] = {"role": "roles", "channel": "channels", "reason_code": "reasons"}
_NEEDED = {
    "signature": "who may post; {style: static_header, header: x-api-key} is the simplest",
    "kind": "where the kind of a call stands; {always: handoff.requested} if there is but one",
    "data": "what stands where; data.conversation.id is the least",
}


def translated(table: Mapping[str, str], word: str) -> str | None:
    """Our word for the vendor's; a word that is not in the table is None."""
    return table.get(_word(word))


def _word(written: Any) -> str:
    return str(written).strip().lower()


def _dotted(place: Place) -> str:
    return ".".join(str(step) for step in place)


def _suggest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names)}"
