"""
The JSON Schemas other programs read, made from the marshmallow schemas and checked in under `published/` so that a
change shows in review: `python -m packets.schemas.export` writes them anew. An OpenAPI 3.1 schema is a JSON Schema
2020-12, so apispec does the translating.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from packets.schemas.canonical import CanonicalEventSchema
from packets.schemas.packet import PacketSchema

PUBLISHED = Path(__file__).parent / "published"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def packet_schema() -> dict[str, Any]:
    schema = _as_json_schema(PacketSchema, "Packet")
    return _titled(schema, "packet-1", "Baton packet, version 1", "One conversation going to people.")


def canonical_event_schema() -> dict[str, Any]:
    schema = _as_json_schema(CanonicalEventSchema, "CanonicalEvent")
    schema["allOf"] = [_A_MESSAGE_SAYS_SOMETHING, _AN_UPDATE_HAS_ITS_MESSAGE, _A_CONFIRMED_CALL_HAS_ITS_TIME]
    described = "What a chatbot posts to /v1/in/<source>. Keys not named here are ignored; null means not known."
    return _titled(schema, "canonical-event-1", "Baton canonical conversation event, version 1", described)


FILES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "packet-1.json": packet_schema,
    "canonical-event-1.json": canonical_event_schema,
}


def spelt(schema: Mapping[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path = PUBLISHED) -> None:
    folder.mkdir(exist_ok=True)
    for name, make in FILES.items():
        (folder / name).write_text(spelt(make()), encoding="utf-8")


def _message(*required: str, **rules: Any) -> dict[str, Any]:
    message = {"type": "object", "required": list(required), **rules}
    return {"properties": {"data": {"required": ["message"], "properties": {"message": message}}}}


_TEXT = {"type": "string", "minLength": 1}
# What the schema checks across fields (canonical.py), which apispec cannot see.
_A_MESSAGE_SAYS_SOMETHING = {
    "if": {"properties": {"type": {"const": "message.created"}}},
    "then": _message(
        anyOf=[
            {"required": ["text"], "properties": {"text": _TEXT}},
            {"required": ["text_html"], "properties": {"text_html": _TEXT}},
            {"required": ["attachments"], "properties": {"attachments": {"type": "array", "minItems": 1}}},
        ]
    ),
}
_AN_UPDATE_HAS_ITS_MESSAGE = {"if": {"properties": {"type": {"const": "message.updated"}}}, "then": _message()}

_A_CONFIRMED_CALL_HAS_ITS_TIME = {
    "if": {"properties": {"type": {"const": "callback.confirmed"}}},
    "then": {
        "properties": {
            "data": {
                "required": ["callback"],
                "properties": {"callback": {"required": ["starts_at"], "properties": {"starts_at": _TEXT}}},
            }
        }
    },
}


def _as_json_schema(schema: type[Schema], name: str) -> dict[str, Any]:
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(title=name, version="1", openapi_version="3.1.0", plugins=[plugin])
    spec.components.schema(name, schema=schema)
    schemas = json.loads(
        json.dumps(spec.to_dict()["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/")
    )
    top = schemas.pop(name)
    return {**top, "$defs": dict(sorted(schemas.items()))}


def _name(schema: Any) -> str:
    found = schema if isinstance(schema, type) else type(schema)
    return found.__name__.removesuffix("Schema")


def _titled(schema: Mapping[str, Any], name: str, title: str, description: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"urn:baton:{name}", "title": title, "description": description, **schema}


if __name__ == "__main__":
    write()
