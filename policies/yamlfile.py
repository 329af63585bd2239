"""
Reading one YAML file so that every value knows its line, and everything wrong is reported, not only the first.

Plain values only: no anchors, no tags. A date stays the text it was written as: `at: 2026-03-06 16:50` is ours to read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policies.problems import Problem

Path = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The values of one file, and the line each stands on."""

    name: str
    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path = ()) -> int:
        """The line of the value at `path`, or of the nearest thing around it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str, suggestion: str | None = None) -> Problem:
        return Problem(self.name, self.line(path), text, suggestion)


def read_yaml(name: str, text: str) -> tuple[YamlFile, list[Problem]]:
    """The file and what is wrong with its YAML. A file that cannot be read at all has the value None."""
    try:
        # Round-trip mode keeps marks on every node; composing (not constructing) shows duplicate keys, all of them.
        root = YAML(typ="rt").compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return YamlFile(name, None, {}), [Problem(name, mark.line + 1 if mark else 0, f"not YAML: {error.problem}")]
    except YAMLError as error:
        return YamlFile(name, None, {}), [Problem(name, 0, f"not YAML: {str(error).splitlines()[0]}")]
    reader = _Reader(name)
    value = reader.read(root, ()) if root is not None else None
    return YamlFile(name, value if reader.whole else None, reader.lines), reader.problems


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.whole = True  # False: something was left out, what else is wrong cannot be told

    def read(self, node: Node, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node.anchor:
            self.whole = False
            self._wrong(
                node, "anchors (&) and aliases (*) are not used in policies", "write the value out where it is needed"
            )
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
            here = (*path, key)
            if key in values:
                self._wrong(key_node, f"'{key}' is written twice", f"it stands on line {self.lines[here]} already")
                continue
            self.lines[here] = key_node.start_mark.line + 1
            values[key] = self.read(value_node, here)
        return values

    def _scalar(self, node: Node) -> Any:
        text = str(node.value)
        kind = str(node.tag).removeprefix(_TAG)
        if kind in ("str", "timestamp"):
            return text
        try:
            return _SCALARS[kind](text)
        except (KeyError, ValueError):
            self._wrong(node, f"cannot read '{text}' as {kind}", "put it in quotes if it is text")
            return None

    def _wrong(self, node: Node, text: str, suggestion: str) -> None:
        self.problems.append(Problem(self.name, node.start_mark.line + 1, text, suggestion))


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "float": lambda text: float(text.replace(".inf", "inf").replace(".nan", "nan")),
    "bool": lambda text: text.lower() == "true",
    "null": lambda text: None,
}
