"""A handoff nobody takes, through real processes: told in two chats, claimed in one, seen in the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from gateway.supervise.redis_server import redis_url
from gateway.supervise.up import Plan, Up
from gateway.wiring import Env
from journeys_support import SECRET, TOKEN, Installation, wait_for

pytestmark = pytest.mark.journey
CONFIG = f"""
sources:
  zendesk-bot: {{vendor: canonical, secrets: [{SECRET}], helpdesk: zendesk}}
helpdesks:
  zendesk: {{kind: zendesk, base_url: sandbox, lookup_after: 5s, timeout: 5s}}
notifiers:
  team-chat: {{kind: slack, base_url: sandbox}}
  duty: {{kind: teams, webhook_url: sandbox}}
"""


@pytest.fixture
def baton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("BATON_API_TOKENS", TOKEN)
    monkeypatch.setenv("BATON_CONFIG", "")  # both are set by `up`, and put back after the test
    monkeypatch.setenv("BATON_SANDBOXES", "{}")
    (tmp_path / "baton.yml").write_text(CONFIG, "utf-8")
    up = Up(Plan(tmp_path / "baton.yml", port=0, gateway_processes=1, patience=60))
    try:
        up.start()
        yield Installation(up)
    finally:
        up.stop()


def arrived(baton, name):
    return requests.get(f"{baton.sandbox('notifier:' + name)}/_sandbox/messages", timeout=20).json()


def claim_link(message):
    actions = message["body"]["attachments"][0]["content"]["actions"]
    return next(action["url"] for action in actions if action["title"] == "Claim")


def test_who_claims_in_one_chat_is_seen_in_the_other_and_the_second_is_refused(baton):
    handoff_id = baton.escalate("zendesk")
    baton.settled([handoff_id])
    env = Env(baton.up.settings, redis_url=redis_url(baton.up.settings))
    with env.transaction() as tx:
        tx.warn_chats(handoff_id, ["duty"], "80%", env.now())
        tx.climb(handoff_id, "immediate", env.now())
    env.close()
    wait_for(lambda: arrived(baton, "team-chat") and arrived(baton, "duty"), 60)
    press = {"ts": arrived(baton, "team-chat")[0]["ts"], "action": "baton_claim", "user": "U07"}

    requests.post(f"{baton.sandbox('notifier:team-chat')}/press", data=press, timeout=20).raise_for_status()
    wait_for(lambda: arrived(baton, "team-chat")[0]["changes"] == 1 and len(arrived(baton, "duty")) == 2, 60)
    second = requests.post(claim_link(arrived(baton, "duty")[0]), data={"name": "Kim"}, timeout=20)

    shown = baton.handoff(handoff_id)
    assert second.status_code == 409
    assert (shown["status"], shown["accepted_by"]) == ("claimed", "u07 (team-chat)")
    assert [rung["did"] for rung in shown["ladders"][0]["rungs"]] == ["delivered", "claimed"]
