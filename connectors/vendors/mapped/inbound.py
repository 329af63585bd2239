"""
A vendor nobody has written an adapter for: its calls are translated into canonical events by a mapping file
(README.md beside this), and from there everything is as with the canonical vendor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import key
from connectors.vendors.mapped.access import check_secrets, key_number, signed, webhook_id_of
from connectors.vendors.mapped.mapping import VendorMapping, load_mapping
from connectors.vendors.mapped.translate import Translated, natural_id, translate
from packets.event import Event, EventKind
from packets.schemas.canonical import parse_event
from packets.schemas.fields import pointers

EXAMPLES = Path(__file__).parent / "examples"
# Values nobody should find in our database: by the name they stand under. Addresses to call back are capabilities.
SECRET_NAMES = re.compile(
    r"(?i).*(secret|password|api[_-]?key|access[_-]?token|auth[_-]?token|credentials?)|token|authorization"
    r"|(callback|send|skip|get|reset|clear)\w*ur[il]"
)


class Mapped:
    """The adapter. Every source has a mapping of its own."""

    name = "mapped"
    options: Mapping[str, str] = {
        "mapping": "path of the mapping file, relative to baton.yml",
        "example": "instead of it, one that comes with Baton: ada, cognigy, kore, own_bot",
    }
    capabilities = VendorCapabilities(decides=True, path_options=frozenset({"mapping"}))

    def check(self, account: VendorAccount) -> None:
        if unknown := account.options.keys() - self.options.keys():
            raise ValueError(f"option {min(unknown)} is none of: {', '.join(self.options)}")
        try:
            mapping = mapping_of(account)
        except OSError as error:
            raise ValueError(f"the mapping {error.filename} cannot be read: {error.strerror}") from error
        check_secrets(mapping.access, account.secrets)

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        mapping = mapping_of(account)
        number = key_number(mapping.access, webhook, account.secrets)
        sent_id = key(webhook_id_of(webhook)) if mapping.access.style == "standard_webhooks" else None
        found = translate(mapping, json_body(webhook.body), webhook.headers)
        return Verified(sent_id or _event_id(found, webhook), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        found = translate(mapping_of(account), json_body(webhook.body), webhook.headers)
        if found.word is None:
            raise MalformedWebhook("the call holds no kind where the mapping looks for it")
        if not found.known:
            raise UnsupportedEvent(found.word[:100])
        if found.kind is None or found.kind == EventKind.ENDPOINT_PING:
            return ()
        try:
            return (
                parse_event(
                    {"type": found.kind, "data": found.data},
                    source=account.name,
                    event_id=_event_id(found, webhook),
                    received_at=webhook.received_at,
                ),
            )
        except ValidationError as error:
            raise MalformedWebhook("what the mapping found is no event", pointers(error)) from None

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer(json.dumps(told, separators=(",", ":")).encode())

    def stored(self, webhook: Webhook) -> bytes:
        """Without what stands under a name of SECRET_NAMES."""
        try:
            body = json_body(webhook.body)
        except MalformedWebhook:
            return webhook.body
        scrubbed = _scrubbed(body)
        return webhook.body if scrubbed == body else json.dumps(scrubbed, ensure_ascii=False).encode()

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return signed(mapping_of(account).access, webhook, account.secrets[0])


def mapping_of(account: VendorAccount) -> VendorMapping:
    """The mapping of one source; read once. Raises ValueError (MappingErrors), OSError."""
    path, example = account.options.get("mapping"), account.options.get("example")
    if (path is None) == (example is None):
        raise ValueError("vendor mapped needs the option mapping (a file) or example (one of ours), not both")
    if example is None:
        return _loaded(str(path))
    names = sorted(p.stem for p in EXAMPLES.glob("*.yml"))
    if example not in names:
        raise ValueError(f"there is no example mapping {example!r}; there are: {', '.join(names)}")
    return _loaded(str(EXAMPLES / f"{example}.yml"))


@lru_cache(maxsize=256)
def _loaded(path: str) -> VendorMapping:
    return load_mapping(Path(path))


def _event_id(found: Translated, webhook: Webhook) -> str:
    return key(found.data.get("event_id")) or key(webhook_id_of(webhook)) or natural_id(found)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: "[removed]" if isinstance(inner, str) and SECRET_NAMES.fullmatch(name) else _scrubbed(inner)
            for name, inner in value.items()
        }
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value
