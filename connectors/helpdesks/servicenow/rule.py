"""
The business rule that tells us what people did, as `baton setup` installs it and docs/servicenow.md shows it. The
script stands in business_rule.js; address and token in two private system properties.
source: ServiceNow documentation, "Business rules", "RESTMessageV2", read 2026-11-21.
"""

from __future__ import annotations

from pathlib import Path

from connectors.helpdesks.servicenow.wire import CORRELATION_DISPLAY, TABLE

NAME = "Baton: tell the gateway"
SCRIPT = Path(__file__).with_name("business_rule.js").read_text("utf-8")
URL_PROPERTY, TOKEN_PROPERTY = "baton.status_url", "baton.webhook_token"
ROW = {
    "name": NAME,
    "collection": TABLE,
    "when": "after",
    "action_insert": "false",
    "action_update": "true",
    "filter_condition": f"correlation_display={CORRELATION_DISPLAY}^EQ",
    "advanced": "true",
    "active": "true",
    "script": SCRIPT,
}


def by_hand(url: str) -> str:
    """What an administrator does where our user may not."""
    return (
        "Our user may not make the business rule. As an administrator: make the private system properties "
        f"{URL_PROPERTY} ({url}) and {TOKEN_PROPERTY} (the webhook_token of baton.yml), then the business rule of "
        "docs/servicenow.md. Until then changes are found by polling only."
    )
