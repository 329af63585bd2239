"""Builders for the Zendesk tests: an account and the fixtures."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.ports import FieldMap, HelpdeskAccount

FIXTURES = Path(__file__).parent / "fixtures"
BASIC = {"email": "baton@acme.example", "api_token": "the-secret-token"}


@pytest.fixture
def fixture():
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def field_map():
    return FieldMap(
        fields={"packet_id": "900001", "tier": "900004", "reason": "900002"},
        groups={"orders": "26155630000103", "default": "26155630000108"},
    )


@pytest.fixture
def a_draft(packet_draft):
    fields = {"tier": "standard", "reason": "same-task-failed", "channel": "voice"}
    return lambda **changes: packet_draft(**{"fields": fields, **changes})


@pytest.fixture
def answering(field_map, serving, by_address):
    """
    `answering({"GET /api/v2/x.json": (status, body, headers?) or a list of them in turn})` → an account whose server
    answers so, and `asked`; other addresses are 404.
    """

    def start(answers, credentials=BASIC, **account):
        url, asked = serving(by_address(answers, {"error": "RecordNotFound"}))
        standard = {"name": "desk", "kind": "zendesk", "field_map": field_map, "timeout": timedelta(seconds=5)}
        made = HelpdeskAccount(base_url=url, credentials=credentials, **{**standard, **account})
        return SimpleNamespace(account=made, asked=asked, url=url)

    return start
