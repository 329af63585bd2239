"""
A foreign body → the canonical envelope, as a mapping says; and, for `baton vendor try`, what was found where. Nothing
here raises for what a vendor sent: what does not fit is left out and told as a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.reading import derived_id, key, text
from connectors.vendors.mapped.mapping import IGNORE, TABLE_OF, VendorMapping, translated
from connectors.vendors.mapped.origin import Each, Group, Rule, Value
from connectors.vendors.mapped.shape import DATA, FREE_PART, Leaf, Object, Place, Rows
from packets.event import EventKind, Role

ROLES = frozenset(role.value for role in Role)
KINDS = frozenset(kind.value for kind in EventKind)
_LEFT_OUT = IGNORE + " this turn"  # as a role: told apart by identity from any word of a vendor
MOST_ITEMS = 5_000  # of one list; no conversation is longer


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One mapped place of the canonical event. where: the pointer that gave a value, None: nothing stands there.
    wrong: why the value cannot be used. Values are not kept: they may be a customer's words.
    """

    place: str
    line: int
    written: str
    where: str | None = None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Translated:
    """
    kind: the canonical event type; None: there is none, or the mapping says that nothing is needed from this kind.
    word: the vendor's own word for it. known: the mapping knows that word.
    """

    kind: str | None
    word: str | None
    known: bool
    data: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def translate(mapping: VendorMapping, body: Any, headers: Mapping[str, str]) -> Translated:
    """`body`: any JSON value."""
    reader = _Reader(mapping, headers)
    word, meaning = reader.kind(body)
    data = reader.group(mapping.data, body, DATA, "")
    kind, data = _kind(meaning, data), _tidied(data, reader.warnings)
    if kind != EventKind.HANDOFF_REQUESTED:  # its fixed values would stand in every event
        data.pop("handoff", None)
        reader.findings = [f for f in reader.findings if not f.place.startswith("handoff.")]
    return Translated(kind, word, meaning is not None, data, tuple(reader.findings))


def natural_id(found: Translated) -> str:
    """
    An event id where the vendor gives none: what was mapped stands for it, never the whole body, whose unread parts may
    differ on each try. A message with an id of its own needs no more than that.
    """
    conversation = key((found.data.get("conversation") or {}).get("id"))
    message = found.data.get("message") or {}
    what = message["id"] if message.get("id") else {k: v for k, v in found.data.items() if k != "warnings"}
    return derived_id("mapped", conversation, found.word, what)


@dataclass(slots=True)
class _Reader:
    mapping: VendorMapping
    headers: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)

    def kind(self, body: Any) -> tuple[str | None, str | None]:
        """The vendor's word for the kind of this call, and ours; without a table its words are the canonical ones."""
        found, where = self.mapping.kind.find(body, self.headers)
        word = str(found).lower() if isinstance(found, bool) else text(found)
        meaning = translated(self.mapping.tables["kinds"], word) if word else None
        if meaning is None and word in KINDS:
            meaning = word
        wrong = None if meaning else "not in the table 'kinds'" if where else None
        self.findings.append(Finding("kind", self.mapping.kind.line, self.mapping.kind.written, where, wrong))
        return word, meaning

    def group(self, group: Group, body: Any, shape: Object, place: str) -> dict[str, Any]:
        found = {}
        for name, rule in group.parts.items():
            value = self._rule(rule, body, shape.parts[name], f"{place}.{name}" if place else name)
            if value is not None and value != {}:
                found[name] = value
        return found

    def _rule(self, rule: Rule, body: Any, shape: Place, place: str) -> Any:
        if isinstance(rule, Each):
            return self._each(rule, body, shape, place) if isinstance(shape, Rows) else None
        if isinstance(rule, Value):
            return self._leaf(rule, body, shape, place) if isinstance(shape, Leaf) else None
        if isinstance(shape, Object):
            return self.group(rule, body, shape, place)
        free = {name: self._rule(part, body, FREE_PART, f"{place}.{name}") for name, part in rule.parts.items()}
        return {name: value for name, value in free.items() if value is not None}

    def _each(self, each: Each, body: Any, shape: Rows, place: str) -> list[dict[str, Any]] | None:
        items, where = each.where.find(body, self.headers)
        wrong = None if where is None or isinstance(items, list) else "expected a list"
        self.findings.append(Finding(f"{place}[]", each.where.line, each.where.written, where, wrong))
        if not isinstance(items, list):
            return None
        if len(items) > MOST_ITEMS:
            self.warnings["transcript_truncated"] = None
        return [self.group(each.item, item, shape.item, f"{place}[]") for item in items[-MOST_ITEMS:]]

    def _leaf(self, value: Value, body: Any, leaf: Leaf, place: str) -> Any:
        found, where = value.find(body, self.headers)
        if where is None:
            self.findings.append(Finding(place, value.line, value.written))
            return None
        told, wrong = self._word(place, found), None
        try:
            told = told if told is _LEFT_OUT else leaf.take(told)
        except ValueError as error:
            told, wrong = None, str(error)
        self.findings.append(Finding(place, value.line, value.written, where, wrong))
        return told

    def _word(self, place: str, found: Any) -> Any:
        """The vendor's word in ours, where there is a table for this place."""
        table = TABLE_OF.get(place.rsplit(".", 1)[-1])
        word = text(found)
        if table is None or word is None:
            return found
        ours = translated(self.mapping.tables[table], word)
        return self._role(ours, word) if table == "roles" else ours or word

    def _role(self, ours: str | None, word: str) -> str:
        if ours == IGNORE:
            return _LEFT_OUT
        known = ours or (word.lower() if word.lower() in ROLES else None)
        if known is None:
            self.warnings["role_ambiguous"] = None  # kept, but nobody's words: counted for neither side
        return known or Role.SYSTEM.value


def _kind(meaning: str | None, data: Mapping[str, Any]) -> str | None:
    """A message that says nothing (typing, a picture we were not told of) is news of its conversation only."""
    message = data.get("message") or {}
    if meaning in (EventKind.MESSAGE_CREATED, EventKind.MESSAGE_UPDATED) and not _says(message):
        return EventKind.CONVERSATION_UPDATED.value
    return None if meaning == IGNORE else meaning


def _tidied(data: dict[str, Any], warnings: Mapping[str, None]) -> dict[str, Any]:
    found = dict(data)
    if "message" in found:
        said = _said([found.pop("message")], whole=False)
        found |= {"message": said[0]} if said else {}
    if "messages" in found:
        whole = found.get("transcript_completeness", "full") == "full"
        found["messages"] = _said(found["messages"], whole=whole)
        found.setdefault("transcript_completeness", "full" if found["messages"] else "none")
    found = _complete(found)
    if warnings:
        found["warnings"] = [*found.get("warnings", []), *warnings]
    return found


def _says(message: Mapping[str, Any]) -> bool:
    said = message.get("text") or message.get("text_html") or message.get("attachments")
    return bool(said) and message.get("role") not in (None, _LEFT_OUT)


def _said(messages: list[dict[str, Any]], *, whole: bool) -> list[dict[str, Any]]:
    """
    The turns that somebody said. Where a whole transcript has no ids, a turn is known by its place: it only grows.
    """
    spoken = [message for message in messages if _says(message)]
    found = [{**m, "visibility": "internal"} if m["role"] == Role.SYSTEM else m for m in spoken]
    if whole:
        found = [m if m.get("id") else {**m, "id": f"t{number}"} for number, m in enumerate(found, start=1)]
    return found


def _complete(data: dict[str, Any]) -> dict[str, Any]:
    """Rows without what their schema asks for are left out: a tool call without a name, an entity without one."""
    context = data.get("context")
    if context and "tool_calls" in context:
        calls = [call for call in context["tool_calls"] if "name" in call and "ok" in call]
        data = {**data, "context": {**context, "tool_calls": calls}}
    if data.get("nlu", {}).get("entities"):
        entities = [entity for entity in data["nlu"]["entities"] if "name" in entity]
        data = {**data, "nlu": {**data["nlu"], "entities": entities}}
    return data
