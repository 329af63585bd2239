"""A warm handoff that waits, through real processes: people are asked in Slack, and the vendor is told to connect."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from vendor_double import LocalVendor, running_vendor

from gateway.settings import STARTER_POLICY
from gateway.supervise.up import Plan, Up
from journeys_support import SECRET, TOKEN, Installation, wait_for

pytestmark = pytest.mark.journey
CONFIG = """
policies: {policies}
sources:
  zendesk-bot: {{vendor: canonical, secrets: [{secret}], helpdesk: zendesk, base_url: "{vendor}"}}
helpdesks:
  zendesk: {{kind: zendesk, base_url: sandbox, lookup_after: 5s, timeout: 5s}}
notifiers:
  team-chat: {{kind: slack, base_url: sandbox}}
"""
VIP = {"vendor_user_id": "u-1", "name": "John Doe", "attributes": {"vip": True}}
BUYER = {"slots": {"plan": "enterprise", "topic": "enterprise pricing"}}


@pytest.fixture
def vendor() -> Iterator[LocalVendor]:
    with running_vendor() as double:
        yield double


@pytest.fixture
def baton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: LocalVendor) -> Iterator[Installation]:
    """The starter, but people have five seconds for `sales`, and then the customer is put through."""
    monkeypatch.setenv("BATON_API_TOKENS", TOKEN)
    monkeypatch.setenv("BATON_CONFIG", "")  # both are set by `up`, and put back after the test
    monkeypatch.setenv("BATON_SANDBOXES", "{}")
    policies = tmp_path / "policy"
    shutil.copytree(STARTER_POLICY, policies)
    routes = (policies / "routes.yml").read_text("utf-8")
    quick = routes.replace("within: 45s", "within: 5s", 1).replace(
        "else: callback, else_say: will_call_back", "else: cold"
    )
    (policies / "routes.yml").write_text(quick.replace("within: 45s", "within: 5m"), "utf-8")
    rosters = (policies / "rosters.yml").read_text("utf-8")  # on a Sunday, too: nobody is offered a call instead
    (policies / "rosters.yml").write_text(rosters.replace("calendar: business_hours", "calendar: always"), "utf-8")
    config = CONFIG.format(policies=policies, secret=SECRET, vendor=vendor.url)
    (tmp_path / "baton.yml").write_text(config, "utf-8")
    up = Up(Plan(tmp_path / "baton.yml", port=0, gateway_processes=1, patience=60))
    try:
        up.start()
        yield Installation(up)
    finally:
        up.stop()


def escalate(baton: Installation, conversation: str, **data: Any) -> dict[str, Any]:
    turn = baton.turn("What does the enterprise plan cost?", conversation)
    turn["data"] |= data
    answer = baton.post("zendesk", turn, f"msg_{conversation}")
    assert answer.status_code == 200, answer.text
    decision: dict[str, Any] = answer.json()["decision"]
    return decision


def told(vendor: LocalVendor) -> list[str]:
    return [call.json["type"] for call in vendor.calls]


def arrived(baton: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(
        f"{baton.sandbox('notifier:team-chat')}/_sandbox/messages", timeout=20
    ).json()
    return found


def test_who_accepts_on_the_card_is_connected_and_the_vendor_hears_it_once(baton, vendor):
    decision = escalate(baton, "c-vip", customer=VIP, context=BUYER)
    wait_for(lambda: bool(arrived(baton)) and told(vendor) == ["handoff.waiting"], 60, lambda: told(vendor))
    press = {"ts": arrived(baton)[0]["ts"], "action": "baton_claim", "user": "U07"}

    requests.post(f"{baton.sandbox('notifier:team-chat')}/press", data=press, timeout=20).raise_for_status()
    wait_for(lambda: "agent.assigned" in told(vendor), 60, lambda: told(vendor))
    (handoff,) = baton.settled([decision["handoff_id"]])

    assert (decision["transfer"], "wait_until" in decision) == ("warm", True)
    assert "asking a colleague" in decision["customer_message"]
    assert told(vendor) == ["handoff.waiting", "handoff.opened", "agent.assigned"]
    connect = vendor.calls[1].json["data"]
    assert connect["handoff"]["announcement"] == "John Doe, about enterprise pricing, vip"
    assert "passing you on" in connect["message"]["text"]
    assert (handoff["mode"], handoff["wait"]["ended"]) == ("warm", "accepted")
    (ticket,) = baton.tickets_of(handoff)
    assert "John Doe, about enterprise pricing, vip" in str(ticket["private_notes"][0])[:300]


def test_when_nobody_accepts_in_time_the_vendor_is_told_to_connect_all_the_same(baton, vendor):
    decision = escalate(baton, "c-buyer", context=BUYER)

    wait_for(lambda: "handoff.opened" in told(vendor), 60, lambda: told(vendor))
    (handoff,) = baton.settled([decision["handoff_id"]])

    assert told(vendor) == ["handoff.waiting", "handoff.opened"]
    assert vendor.calls[1].json["data"]["handoff"]["transfer"] == "cold"
    assert (handoff["mode"], handoff["wait"]["ended"], handoff["status"]) == ("cold", "nobody", "waiting")
