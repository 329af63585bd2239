"""An Env over a real database and a real Redis, one sandbox helpdesk, and a clock that stands still until moved."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connectors.ports import HelpdeskAccount, VendorAccount
from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.server import running_sandbox
from connectors.signing import sign_standard_webhook
from gateway.app import create_app
from gateway.db.migrate import upgrade
from gateway.jobs import environment
from gateway.jobs.assign_sla import assign_sla
from gateway.jobs.callback_timer import callback_timer
from gateway.jobs.climb import climb
from gateway.jobs.deliver import deliver
from gateway.jobs.doubles import look_again, mark_double
from gateway.jobs.end_wait import end_wait
from gateway.jobs.judge_late import judge_late
from gateway.jobs.notify import notify
from gateway.jobs.poll import poll
from gateway.jobs.pull_transcript import pull_transcript
from gateway.jobs.queues import QUEUES
from gateway.jobs.read_ticket import read_ticket
from gateway.jobs.silences import judge_silent
from gateway.jobs.tell_callback import tell_callback
from gateway.jobs.tell_news import tell_news
from gateway.jobs.tell_vendor import tell_vendor
from gateway.jobs.ticket_step import ticket_step
from gateway.jobs.timers import fire, take_facts
from gateway.settings import STARTER_FIELDS, STARTER_POLICY, HelpdeskSettings, Settings, SourceSettings, load_field_map
from gateway.wiring import Env
from policies.load import load_policy
from policies.model import PolicySet

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK_SECRET = "status-secret"
START = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
FUNCTIONS = {
    "deliver": deliver,
    "assign_sla": assign_sla,
    "read_ticket": read_ticket,
    "tell_news": tell_news,
    "pull_transcript": pull_transcript,
    "look_again": look_again,
    "mark_double": mark_double,
    "poll": poll,
    "judge_late": judge_late,
    "tell_vendor": tell_vendor,
    "judge_silent": judge_silent,
    "sla_timer": fire,
    "end_wait": end_wait,
    "sla_facts": take_facts,
    "climb": climb,
    "callback_timer": callback_timer,
    "tell_callback": tell_callback,
    "notify": notify,
    "ticket_step": ticket_step,
}


@dataclass
class StandingClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Bench:
    """The gateway on a bench: speak to it as a vendor, let its work be done, look at what came of it."""

    env: Env
    client: FlaskClient
    clock: StandingClock
    sandbox: Any
    said: int = field(default=0)

    def post(self, envelope: dict[str, Any] | bytes, *, webhook_id: str | None = None, **headers: str) -> TestResponse:
        body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
        webhook_id = webhook_id or f"msg_{secrets.token_hex(8)}"
        now = int(self.clock.now.timestamp())
        sent = {
            "Content-Type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_standard_webhook(SECRET, webhook_id, now, body),
        }
        return self.client.post("/v1/in/shop", data=body, headers=sent | headers)

    def say(self, text: str, conversation: str = "c-1", **more: Any) -> dict[str, Any]:
        answer = self.post(self.turn(text, conversation, **more))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def turn(self, text: str, conversation: str = "c-1", *, role: str = "customer", **data: Any) -> dict[str, Any]:
        self.said += 1
        return {
            "type": "message.created",
            "timestamp": self.clock.now.isoformat(),
            "data": {
                "conversation": {"id": conversation, "channel": "web_chat", "language": "en"},
                "customer": {"vendor_user_id": "u-1", "name": "Ana Ruiz", "email": "ana@example.com"},
                "message": {"id": f"m-{self.said}", "role": role, "text": text},
                **data,
            },
        }

    def due(self) -> list[tuple[str, str]]:
        """(id, kind) of work that is due now, oldest first."""
        with self.env.reading() as tx:
            found = []
            for queue in QUEUES:
                found += tx.work.waiting(queue, self.clock.now, datetime.max.replace(tzinfo=UTC), 1000)
        return [(work_id, kind) for work_id, kind, _ in found]

    def work(self, rounds: int = 20) -> list[str]:
        """Do all due work as a worker would, in this process. Returns the kinds done, in order."""
        environment.use(self.env)
        done = []
        for _ in range(rounds):
            due = self.due()
            if not due:
                return done
            for work_id, kind in due:
                FUNCTIONS[kind](work_id)
                done.append(kind)
        raise AssertionError(f"work never ends: {done[-10:]}")

    def one_round(self) -> None:
        """Do what is due now, and not what follows from it."""
        environment.use(self.env)
        for work_id, kind in self.due():
            FUNCTIONS[kind](work_id)

    def tickets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.tickets()
        return found

    def count(self, table: Any) -> int:
        from sqlalchemy import func, select

        with self.env.reading() as tx:
            return int(tx.connection.execute(select(func.count()).select_from(table)).scalar_one())


def make_settings(database_url: str, tmp_path: Any, kind: str, url: str) -> Settings:
    credentials = {
        "zendesk": {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret},
        "freshdesk": {"api_key": CREDENTIALS.api_key},
        "servicenow": {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret},
    }[kind]
    account = HelpdeskAccount(
        "desk",
        kind,
        url,
        credentials,
        load_field_map(STARTER_FIELDS / f"{kind}.yml"),
        lookup_after=timedelta(seconds=120),
        timeout=timedelta(seconds=2),
    )
    return Settings(
        policies=STARTER_POLICY,
        database=database_url,
        redis=None,
        var=tmp_path / "var",
        sources={"shop": SourceSettings(VendorAccount("shop", "canonical", (SECRET,)), "desk")},
        helpdesks={"desk": HelpdeskSettings(account, (WEBHOOK_SECRET,))},
        api_tokens=("token-1", "token-2"),
    )


@pytest.fixture
def desk_kind() -> str:
    """Which helpdesk stands on the bench; a test module may override it."""
    return "zendesk"


@pytest.fixture(scope="session")
def starter() -> PolicySet:
    """The starter policy, read once: reading it takes longer than most tests."""
    return load_policy(STARTER_POLICY)


@pytest.fixture
def bench(database_url: str, redis_url: str, tmp_path: Any, desk_kind: str, starter: PolicySet) -> Iterator[Bench]:
    upgrade(database_url)
    clock = StandingClock()
    with running_sandbox(desk_kind, now=clock) as sandbox:
        settings = make_settings(database_url, tmp_path, desk_kind, sandbox.url)
        env = Env(settings, redis_url=redis_url, clock=clock, policy=starter)
        yield Bench(env, create_app(env).test_client(), clock, sandbox)
        env.close()
