"""The bench with a chat: a Slack or Teams double, a policy with one ladder and one roster, and hands that press."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from connectors.ports import NotifierAccount
from connectors.sandbox.chat.server import TOKEN, ChatMessage, ChatSandbox, running_chat
from gateway.app import create_app
from gateway.db.tables import work
from gateway.settings import STARTER_POLICY, NotifierSettings
from gateway.wiring import Env
from policies.load import load_policy
from policies.model import PolicySet

SIGNING_SECRET = "slack-signing-secret"
LINK_SECRET = "a-link-secret-of-ours"
LADDERS = """
  specialists:
    warn: [team-chat]
    steps:
      - {notify: [team-chat], ask: {team: sensitive, up_to: 2}, only_when_open: false}
      - {after: 5m, in: calendar, tag_manager: sensitive, when: call_missed}
      - {after: 10m, in: calendar, reassign: general, notify: ["team-chat:managers"], only_when_open: false}
    repeat: 1
    repeat_after: 1h
    fallback: team-chat
"""
ROSTERS = """
rosters:
  sensitive:
    manager: dana
    members:
      dana: {reach: "team-chat:U01", seniority: lead}
      alex: {reach: "team-chat:U02", seniority: senior}
      nobody_hears: {reach: "pager:U03"}
  general:
    members:
      sam: {reach: "team-chat:U04"}
"""


@dataclass
class ChatBench:
    """What the gateway's bench offers, and the chat beside it."""

    bench: Any
    chat: ChatSandbox

    @property
    def env(self) -> Env:
        return self.bench.env

    def handoff(self, text: str = "Order A-1001 is lost, I want a human") -> str:
        """A handoff that stands in its helpdesk and waits for a person."""
        handoff_id = self.bench.say(text)["decision"]["handoff_id"]
        self.bench.work()
        return str(handoff_id)

    def breach(self, handoff_id: str, ladder: str = "specialists") -> None:
        with self.env.transaction() as tx:
            tx.climb(handoff_id, ladder, self.bench.clock.now)
        self.bench.work()

    def forward(self, **by: float) -> None:
        """Time goes by without the handoff's own clocks: they would begin ladders beside those a test looks at."""
        self.bench.clock.forward(**by)
        with self.env.transaction() as tx:
            tx.connection.execute(delete(work).where(work.c.kind == "sla_timer"))
        self.bench.work()

    def press(self, message: ChatMessage, what: str, user: str, **more: Any) -> int:
        status = self.chat.press(message.ts, f"baton_{what}", user, **more)
        self.bench.work()
        return status

    def cards(self) -> list[ChatMessage]:
        return [message for message in self.chat.messages if message.for_user is None]

    def to(self, channel: str) -> list[ChatMessage]:
        return [message for message in self.cards() if message.channel == channel]

    def shown(self, handoff_id: str) -> dict[str, Any]:
        found = self.bench.client.get(f"/v1/handoffs/{handoff_id}", headers={"Authorization": "Bearer token-1"}).json
        return dict(found)

    def rungs(self, handoff_id: str) -> list[str]:
        return [rung["did"] for ladder in self.shown(handoff_id)["ladders"] for rung in ladder["rungs"]]


def words(message: ChatMessage) -> str:
    return json.dumps(message.body, ensure_ascii=False)


@pytest.fixture
def chat_kind() -> str:
    """Which chat stands beside the bench; a test may override it."""
    return "slack"


@pytest.fixture(scope="session")
def laddered(tmp_path_factory: pytest.TempPathFactory) -> PolicySet:
    """The starter with people and a ladder, read once: reading takes longer than a test."""
    policy = tmp_path_factory.mktemp("laddered") / "policy"
    shutil.copytree(STARTER_POLICY, policy)
    (policy / "rosters.yml").write_text(ROSTERS, "utf-8")
    with (policy / "ladders.yml").open("a", encoding="utf-8") as file:
        file.write(LADDERS)
    return load_policy(policy)


@pytest.fixture
def chats(bench: Any, laddered: PolicySet, chat_kind: str) -> Iterator[ChatBench]:
    with running_chat(chat_kind, lambda: bench.clock.now.timestamp()) as on:
        account = NotifierAccount("team-chat", chat_kind, timeout=timedelta(seconds=2))
        if chat_kind == "slack":
            account = replace(
                account, base_url=f"{on.url}/api", token=TOKEN, channel="C0DUTY", secrets=(SIGNING_SECRET,)
            )
        else:
            url, public = f"{on.url}/workflows/1?sig={TOKEN}", "http://gateway.example"
            account = replace(account, webhook_url=url, link_secret=LINK_SECRET, public_url=public)
        settings = replace(bench.env.settings, notifiers={"team-chat": NotifierSettings(account)})
        bench.env.close()
        bench.env = Env(settings, redis_url=bench.env.redis_url, clock=bench.clock, policy=laddered)
        bench.client = create_app(bench.env).test_client()
        on.chat.target = ("/v1/notify/team-chat/actions", SIGNING_SECRET)
        # Presses go into this process's application instead of over a socket; bytes and signature are the same.
        on.chat.deliver = lambda url, body, headers: bench.client.post(url, data=body, headers=headers).status_code
        yield ChatBench(bench, on.chat)
        bench.env.close()
