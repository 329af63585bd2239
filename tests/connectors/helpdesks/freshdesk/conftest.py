"""Builders for the Freshdesk tests: an account and the recorded bodies."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.ports import FieldMap, HelpdeskAccount

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def recorded():
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def field_map():
    return FieldMap(
        fields={"packet_id": "cf_baton_packet_id", "tier": "cf_baton_tier", "reason": "cf_baton_reason"},
        groups={"orders": "36000000103"},
    )


@pytest.fixture
def a_draft(packet_draft):
    return packet_draft


@pytest.fixture
def answering(field_map, serving):
    """`answering((status, body, headers?), …)` → an account whose server answers so in turn, the last for ever."""

    def start(*answers):
        left = list(answers)
        url, asked = serving(lambda request: left.pop(0) if len(left) > 1 else left[0])
        account = HelpdeskAccount(
            name="desk",
            kind="freshdesk",
            base_url=url,
            credentials={"api_key": "the-secret-key"},
            field_map=field_map,
            timeout=timedelta(seconds=5),
        )
        return SimpleNamespace(account=account, asked=asked)

    return start
