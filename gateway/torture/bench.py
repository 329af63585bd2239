"""
A whole installation in this process, made to be killed: the gateway's web application, its jobs, a sandbox helpdesk
behind real HTTP, a real database, and a clock that moves only when there is nothing left to do.

A kill throws away everything the process had in memory; what happens next starts from the database, the helpdesk, and
callers who send again what was not answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
from flask.testing import FlaskClient
from rq.utils import import_attribute
from sqlalchemy import func, select

from connectors.ports import HelpdeskAccount, VendorAccount
from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.desk import Deed, WebhookCall
from connectors.sandbox.server import RunningSandbox, running_sandbox
from connectors.signing import sign_standard_webhook
from gateway.app import create_app
from gateway.db.engine import Database
from gateway.db.tables import attempts, events, work
from gateway.handoffs.store import HandoffStatus
from gateway.jobs import environment
from gateway.jobs.queues import JOBS
from gateway.settings import STARTER_FIELDS, STARTER_POLICY, HelpdeskSettings, Settings, SourceSettings, load_field_map
from gateway.torture.effects import Effects, Killed, Kind, WatchedBell, WatchedDatabase, watched_calls
from gateway.torture.whole import Promise, Verdict, judge_promise, strangers
from gateway.wiring import Env, Transaction
from policies.load import load_policy
from policies.model import PolicySet

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - opens nothing but this bench
STATUS_SECRET = "torture-status-secret"  # noqa: S105 - the same
START = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
LATE_BY = timedelta(seconds=60)  # a helpdesk may still be at work after its caller gave up; less than lookup_after
SENT_AGAIN_AFTER = timedelta(seconds=5)
MOST_SENDINGS = 12
# One turn so long that no note holds it: the packet then needs its attachment, and the delivery all of its steps.
TURNS = ("It began like this. " + "The parcel was not at the door. " * 2500, "I want a human now, please")
# What this handoff leads to; timers of the days after are not waited for.
WATCHED = ("deliver", "assign_sla", "read_ticket", "tell_news", "look_again", "mark_double", "tell_callback")
GIVEN_UP_AFTER = timedelta(hours=80)


class NeverSettled(Exception):
    """Work stayed open however far the clock was moved."""


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bench:
    """One installation over one database and one sandbox. `fresh` begins a run, `play` walks a handoff's whole way."""

    kind: str
    database: str
    sandbox: RunningSandbox
    clock: Clock
    policy: PolicySet
    empty_database: Callable[[], None]
    effects: Effects = field(default_factory=Effects)
    crashed: list[str] = field(default_factory=list)
    env: Env = field(init=False)
    _look: Database = field(init=False)  # ours, beside the process: nothing that happens to it happens to us

    def fresh(self, effects: Effects) -> None:
        """An empty database, an empty helpdesk, the first minute again."""
        self.effects = effects
        self.clock.now = START
        self.sandbox.sandbox.reset()
        self.close()
        self.empty_database()
        self.handoff_id: str | None = None
        self.late: list[tuple[datetime, requests.PreparedRequest]] = []
        self.crashed.clear()
        self._look = Database(self.database)
        self._start()

    def close(self) -> None:
        if hasattr(self, "env"):
            self.env.close()
            self._look.close()

    # The life of the process

    def _start(self) -> None:
        if hasattr(self, "env"):
            self.env.close()
        self.env = self._process()
        self._client: FlaskClient = create_app(self.env).test_client()

    def _process(self) -> Env:
        return Env(
            bench_settings(self.kind, self.database, self.sandbox.url),
            redis_url="redis://127.0.0.1:1",
            clock=self.clock,
            database=WatchedDatabase(self.database, self.effects),
            bell=WatchedBell(self.effects),
            policy=self.policy,
        )

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        with self._look.reading() as connection:
            yield Transaction(connection)

    def _alive(self, do: Callable[[], Any]) -> Any:
        """Do something in the process; None if that killed it, and then a new one stands there."""
        try:
            return do()
        except Killed:
            self._start()
            return None

    # The whole way of one handoff

    def play(self) -> None:
        """Two turns, the ticket, its SLA, an agent who answers and solves it."""
        for number, text in enumerate(TURNS, start=1):
            self._vendor_says(number, text)
        self.settle()
        for deed in (Deed("reply", "Hello, this is Dana.", "Dana Agent"), Deed("status", "solved", "Dana Agent")):
            self._agent_does(deed)
        self.settle()

    def _vendor_says(self, number: int, text: str) -> None:
        body = json.dumps(_envelope(number, text)).encode()
        answer = self._insist("intake", "/v1/in/shop", body, lambda: signed(f"msg_{number}", self.clock.now, body))
        self.handoff_id = answer["decision"].get("handoff_id") or self.handoff_id

    def _agent_does(self, deed: Deed) -> None:
        """A person at the helpdesk; its webhooks are sent as often as it takes, which not every real one does."""
        sandbox = self.sandbox.sandbox
        for ticket in sandbox.tickets()[:1]:
            with sandbox.lock:
                sandbox.desk.act(ticket["id"], deed)
                calls = sandbox.desk.take_calls()
            for call in calls:
                self._insist("status", "/v1/status/desk", call.body, partial(self._status_headers, call))

    def _status_headers(self, call: WebhookCall) -> dict[str, str]:
        return {**call.headers, **self.sandbox.sandbox.desk.attempt_headers(call, STATUS_SECRET)}

    def _insist(self, stage: str, path: str, body: bytes, headers: Callable[[], Any]) -> Any:
        """As vendors do: the same call again until it is answered 2xx."""
        for _ in range(MOST_SENDINGS):
            self.effects.stage = stage
            answer = self._alive(lambda: self._answered(path, body, headers()))
            if answer is not None:
                return answer
            self.clock.now += SENT_AGAIN_AFTER
        raise NeverSettled(f"{path} was never answered 2xx")

    def _answered(self, path: str, body: bytes, headers: Any) -> Any:
        """The decoded 2xx of one call, or None."""
        answer = self._client.post(path, data=body, headers=headers)
        self.effects.through(Kind.ANSWER, f"answer {answer.status_code}", lambda: None, lambda: None)
        return answer.get_json() if answer.status_code < 300 else None

    # Letting it be done

    def settle(self) -> None:
        """Do all work as it becomes due, and move the clock on to the next. Raises NeverSettled."""
        while self.clock.now - START < GIVEN_UP_AFTER:
            self._send_late()
            for work_id, kind in self._due():
                self.effects.stage = kind
                self._alive(partial(self._job, kind, work_id))
            at = self._next()
            if at is None:
                return
            self.clock.now = max(self.clock.now, at) + timedelta(milliseconds=1)
        raise NeverSettled(f"work was still open {self.clock.now - START} after the first webhook")

    def _job(self, kind: str, work_id: str) -> None:
        environment.use(self.env)
        try:
            import_attribute(JOBS[kind].function)(work_id)
        except Exception as error:  # as in a worker: the job failed, its row waits for the lease to end
            self.crashed.append(f"{kind}: {type(error).__name__}")

    def _due(self) -> list[tuple[str, str]]:
        with self._reading() as tx:
            found = tx.work.waiting("delivery", self.clock.now, datetime.max.replace(tzinfo=UTC), 100)
        return [(work_id, kind) for work_id, kind, _ in found]

    def _next(self) -> datetime | None:
        """When something more can happen: a row becomes due or free, a late request is carried out."""
        with self._reading() as tx:
            rows = tx.connection.execute(
                select(work.c.due_at, work.c.claimed_until).where(work.c.done_at.is_(None), work.c.kind.in_(WATCHED))
            ).all()
        times = [max(row.due_at, row.claimed_until or row.due_at) for row in rows] + [at for at, _ in self.late]
        return min(times, default=None)

    def be_late(self, request: requests.PreparedRequest) -> None:
        """The helpdesk got this request, its caller hears of an error, and it is carried out a minute from now."""
        self.late.append((self.clock.now + LATE_BY, request))

    def _send_late(self) -> None:
        ready = [request for at, request in self.late if at <= self.clock.now]
        self.late = [(at, request) for at, request in self.late if at > self.clock.now]
        with requests.Session() as session:
            session.trust_env = False
            for request in ready:
                session.send(request, timeout=10)

    # What came of it

    def verdict(self) -> Verdict:
        """Everything that is wrong at the end of a run, by the helpdesk's screen and by our own rows."""
        if self.handoff_id is None:
            return Verdict(lost=("the customer asked for a person, and there is no handoff",))
        tickets = self.sandbox.tickets()
        found = judge_promise(self._promise(self.handoff_id), tickets)
        stray = strangers([self._promise(self.handoff_id)], tickets)
        lost, doubled, incomplete = self._rows(self.handoff_id)
        return Verdict(
            (*found.lost, *lost),
            (*found.doubled, *doubled, *(f"a ticket nobody was promised: {number}" for number in stray)),
            (*found.incomplete, *incomplete),
        )

    def _promise(self, handoff_id: str) -> Promise:
        with self._reading() as tx:
            handoff, delivery = tx.handoffs.get(handoff_id), tx.deliveries.of_handoff(handoff_id)
        if handoff is None or delivery is None:
            raise NeverSettled(f"handoff {handoff_id} was answered, and its rows are not there")
        tier = self.policy.tier(handoff.tier)
        return Promise(handoff_id, delivery.key, tier.name, tier.priority.value, TURNS)

    def _rows(self, handoff_id: str) -> tuple[list[str], list[str], list[str]]:
        """The same question to our own rows: delivered, judged once, SLA on the ticket, what the agent did acted on."""
        with self._reading() as tx:
            handoff, delivery = tx.handoffs.get(handoff_id), tx.deliveries.of_handoff(handoff_id)
            clocks = tx.clocks.of_handoff(handoff_id)
            stored = tx.connection.execute(select(func.count()).select_from(events)).scalar_one()
            handoffs = len(tx.handoffs.page(10))
        assert handoff is not None and delivery is not None  # noqa: S101, PT018 - _promise has looked
        lost, doubled, incomplete = [], [], []
        if delivery.state.value != "done":
            lost.append(f"the delivery is {delivery.state.value}: {delivery.last_error}")
        if handoff.status is not HandoffStatus.SOLVED or any(clock.is_running for clock in clocks):
            lost.append(f"what the agent did (the handoff is {handoff.status.value})")
        if handoffs > 1:
            doubled.append(f"{handoffs} handoffs of one conversation")
        if stored != len(TURNS):
            (lost if stored < len(TURNS) else doubled).append(f"{stored} events stored of {len(TURNS)} sent")
        if handoff.sla_assigned_at is None or not clocks:
            incomplete.append("no SLA")
        return lost, doubled, incomplete

    def attempts(self) -> int:
        with self._reading() as tx:
            return int(tx.connection.execute(select(func.count()).select_from(attempts)).scalar_one())


@contextmanager
def bench(kind: str, database: str, empty_database: Callable[[], None]) -> Iterator[Bench]:
    """A bench with one sandbox of `kind`; `database` has its tables. Calls to it are watched in this thread."""
    clock = Clock()
    with running_sandbox(kind, now=clock) as sandbox:
        made = Bench(kind, database, sandbox, clock, load_policy(STARTER_POLICY), empty_database)
        with watched_calls(lambda: made.effects, made.be_late):
            try:
                yield made
            finally:
                made.close()


def bench_settings(kind: str, database: str, url: str) -> Settings:
    credentials = {
        "zendesk": {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret},
        "freshdesk": {"api_key": CREDENTIALS.api_key},
        "servicenow": {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret},
    }[kind]
    account = HelpdeskAccount("desk", kind, url, credentials, load_field_map(STARTER_FIELDS / f"{kind}.yml"))
    return Settings(
        policies=STARTER_POLICY,
        database=database,
        redis=None,
        var=Path("/nonexistent"),
        sources={"shop": SourceSettings(VendorAccount("shop", "canonical", (SECRET,)), "desk")},
        helpdesks={"desk": HelpdeskSettings(account, (STATUS_SECRET,))},
    )


def _envelope(number: int, text: str) -> dict[str, Any]:
    return {
        "type": "message.created",
        "timestamp": START.isoformat(),
        "data": {
            "conversation": {"id": "c-1", "channel": "web_chat", "language": "en"},
            "customer": {"vendor_user_id": "u-1", "name": "Ana Ruiz", "email": "ana@example.com"},
            "message": {"id": f"m-{number}", "role": "customer", "text": text},
        },
    }


def signed(webhook_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of one call of our vendor."""
    sent_at = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": sign_standard_webhook(SECRET, webhook_id, sent_at, body),
    }
