"""Builders for the ServiceNow tests: an account and the recorded bodies."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.ports import FieldMap, HelpdeskAccount
from packets.draft import Requester

FIXTURES = Path(__file__).parent / "fixtures"
GUEST = "ba710000000000000000000000000004"


@pytest.fixture
def recorded():
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def hibernating_page():
    return (FIXTURES / "hibernating_page.html").read_bytes()


@pytest.fixture
def field_map():
    return FieldMap(
        fields={"packet_id": "u_baton_packet_id", "tier": "u_baton_tier", "tags": "u_baton_tags"},
        groups={"orders": "287ebd7da9fe198100f92cc8d1d2154e"},
        defaults={"caller_id": GUEST},
    )


@pytest.fixture
def a_draft(packet_draft):
    own = {
        "public_text": "A colleague has your conversation.",
        "requester": Requester("Ana Ruiz", email="ana@example.com", phone="+34600000000"),
    }
    return lambda **changes: packet_draft(**{**own, **changes})


@pytest.fixture
def answering(field_map, serving, by_address):
    """
    `answering({"GET /api/…": (status, body, headers?) or a list of them in turn}, **credentials)` → an account whose
    instance answers so, and `asked`; other addresses are 404.
    """

    def start(routes, **credentials):
        missing = {"error": {"message": "No Record found"}, "status": "failure"}
        url, asked = serving(by_address(routes, missing))
        account = HelpdeskAccount(
            name="desk",
            kind="servicenow",
            base_url=url,
            credentials=credentials or {"user": "baton", "password": "the-secret-password"},
            field_map=field_map,
            timeout=timedelta(seconds=5),
        )
        return SimpleNamespace(account=account, asked=asked)

    return start
