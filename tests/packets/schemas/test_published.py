import json

import pytest
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from packets.schemas.canonical import load_canonical
from packets.schemas.export import FILES, PUBLISHED, canonical_event_schema, spelt


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_published_file_is_what_the_schemas_say(name):
    # Differs? `python -m packets.schemas.export` writes it anew; a change that breaks readers needs a new number.
    assert (PUBLISHED / name).read_text(encoding="utf-8") == spelt(FILES[name]())


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_published_file_is_a_json_schema_and_names_itself(name):
    schema = json.loads((PUBLISHED / name).read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:baton:{name.removesuffix('.json')}"


def body(kind="message.created", **data):
    return {"type": kind, "timestamp": "2026-03-06T15:50:00Z", "data": {"conversation": {"id": "c"}, **data}}


MESSAGE = {"role": "customer", "text": "hi"}


@pytest.mark.parametrize(
    ("sent", "fine"),
    [
        (body(message=MESSAGE), True),
        (body(message={"role": "customer", "attachments": [{"url": "https://x.example"}]}), True),
        (body(message={"role": "customer", "text_html": "<p>x</p>"}), True),
        (body("handoff.requested"), True),
        (body("callback.requested"), True),
        (body("callback.confirmed", callback={"starts_at": "2026-03-09T14:00:00Z"}), True),
        (body("callback.confirmed", callback={"zone": "Europe/Berlin"}), False),
        (body("callback.confirmed"), False),
        (body("conversation.analyzed", bot_outcome={"resolved": "unknown"}), True),
        (body(message=MESSAGE, anything={"else": 1}, nlu=None), True),
        (body(message={**MESSAGE, "offset_ms": 3.0}), True),
        (body(), False),
        (body("message.updated"), False),
        (body(message={"role": "customer"}), False),
        (body(message={"role": "customer", "text": ""}), False),
        (body(message={"role": "wizard", "text": "hi"}), False),
        (body(message=MESSAGE, conversation={"id": ""}), False),
        (body(message=MESSAGE, conversation={"id": "  "}), False),
        (body(message=MESSAGE, conversation={"id": 7}), False),
        (body(message=MESSAGE, nlu={"intent": {"confidence": 1.2}}), False),
        (body(message=MESSAGE, bot_outcome={"resolved": "perhaps"}), False),
        (body(message=MESSAGE, context={"tool_calls": [{"name": "x"}]}), False),
        (body("conversation.danced"), False),
        ({"type": "message.created"}, False),
    ],
)
def test_the_published_schema_and_our_loading_agree(sent, fine):
    assert Draft202012Validator(canonical_event_schema()).is_valid(sent) is fine
    assert loads(sent) is fine


def loads(sent):
    try:
        load_canonical(sent)
    except ValidationError:
        return False
    return True
