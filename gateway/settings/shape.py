"""The keys that `baton.yml` may have and what stands behind each, before anything is looked up or made."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from connectors.registry import HELPDESKS, NOTIFIERS, VENDORS


class Strict(Schema):
    class Meta:
        unknown = RAISE


class Source(Strict):
    vendor = fields.Str(required=True, validate=validate.OneOf(sorted(VENDORS)))
    secrets = fields.List(fields.Str(validate=validate.Length(min=1)), required=True, validate=validate.Length(min=1))
    helpdesk = fields.Str(required=True)
    options = fields.Dict(keys=fields.Str(), values=fields.Raw())
    base_url = fields.Str()
    credentials = fields.Dict(keys=fields.Str(), values=fields.Str())
    timeout = fields.Str()
    heartbeat = fields.Str()


class OAuth(Strict):
    client_id = fields.Str(required=True)
    client_secret = fields.Str(required=True)


class Helpdesk(Strict):
    kind = fields.Str(required=True, validate=validate.OneOf(sorted(HELPDESKS)))
    base_url = fields.Str(required=True)
    oauth = fields.Nested(OAuth)
    email = fields.Str()
    api_token = fields.Str()
    api_key = fields.Str()
    user = fields.Str()
    password = fields.Str()
    webhook_secret = fields.Str()
    webhook_token = fields.Str()
    own_user_ids = fields.List(fields.Str())
    fields_file = fields.Str(data_key="fields")
    redact = fields.Str(validate=validate.OneOf(["standard", "strict"]))
    lookup_after = fields.Str()
    timeout = fields.Str()
    requests_per_minute = fields.Int(validate=validate.Range(min=1, error="must be 1 or more"))
    at_once = fields.Int(validate=validate.Range(min=1, error="must be 1 or more"))
    poll_every = fields.Str()


class Notifier(Strict):
    kind = fields.Str(required=True, validate=validate.OneOf(sorted(NOTIFIERS)))
    webhook_url = fields.Str()
    base_url = fields.Str()
    token = fields.Str()
    channel = fields.Str()
    signing_secret = fields.Str()
    link_secret = fields.Str()
    timeout = fields.Str()


class Baton(Strict):
    policies = fields.Str()
    database = fields.Str()
    redis = fields.Str()
    var = fields.Str()
    public_url = fields.Url(schemes={"http", "https"}, require_tld=False)
    sources = fields.Dict(keys=fields.Str(), values=fields.Nested(Source), required=True)
    helpdesks = fields.Dict(keys=fields.Str(), values=fields.Nested(Helpdesk), required=True)
    notifiers = fields.Dict(keys=fields.Str(), values=fields.Nested(Notifier))


def told_by(messages: Mapping[Any, Any], place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """(place, text) of each of marshmallow's messages."""
    for key, value in messages.items():
        here = place if key in ("_schema", "value", "key") else (*place, key)
        if isinstance(value, Mapping):
            yield from told_by(value, here)
        else:
            for text in value if isinstance(value, list) else [value]:
                yield here, str(text)


_ENTRIES = {"sources": Source, "helpdesks": Helpdesk, "notifiers": Notifier}


def known_keys(place: tuple[Any, ...]) -> list[str]:
    """The keys that might stand where an unknown one does."""
    schema = {1: Baton, 3: _ENTRIES.get(str(place[0]))}.get(len(place), OAuth)
    return [f.data_key or name for name, f in schema().fields.items()] if schema else []


def did_you_mean(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f". Did you mean {close[0]!r}?" if close else f". Known: {', '.join(sorted(known))}."
