"""One vendor account on the bench: its recorded handoff comes in, and it is called back at its double."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.ports import VendorAccount
from connectors.recorded import read_recorded
from connectors.registry import vendor
from connectors.sandbox.desk import Deed
from gateway.app import create_app
from gateway.db.tables import webhooks
from gateway.db.work import Work
from gateway.settings import SourceSettings
from gateway.wiring import Env

FIXTURES = Path(__file__).resolve().parents[2] / "connectors" / "vendors"
HANDOFFS = sorted(FIXTURES.glob("*/fixtures/handoff_*.http"))
SECRETS = {"canonical": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


class Journey:
    """One vendor account on the bench, called back at its double."""

    def __init__(self, path, bench, double, policy=None, *, with_options=False):
        """with_options: those that warm handoffs need to wait (`wait_options` of the plan)."""
        self.bench, self.double, self.path = bench, double, path
        self.name = path.parent.parent.name
        told = self._beside(f"{path.stem}.journey.json", None) or self._beside("journey.json", {})
        text = json.dumps(told).replace("{url}", double.url)
        self.plan = json.loads(text)
        own = re.match(rb"# options: (\{.*\})", path.read_bytes())
        options = {**(json.loads(own[1]) if own else {}), **self.plan.get("options", {})}
        if with_options:
            options |= self.plan.get("wait_options", {})
        secrets = self._secrets()
        tells = vendor(self.name).capabilities.tells
        self.account = VendorAccount(
            "bot", self.name, tuple(secrets), options, double.url if tells else None, self.plan.get("credentials", {})
        )
        double.answers |= self.plan.get("answers", {})
        source = SourceSettings(self.account, "desk")
        settings = replace(bench.env.settings, sources={"bot": source})
        bench.env.close()
        bench.env = Env(settings, redis_url=bench.env.redis_url, clock=bench.clock, policy=policy)
        bench.client = create_app(bench.env).test_client()

    def _secrets(self):
        own = re.search(rb"^# secrets: (\[.*\])$", self.path.read_bytes(), re.M)
        return json.loads(own[1]) if own else self._beside("secrets.json", SECRETS.get(self.name, ["secret-one"]))

    def _beside(self, name, otherwise):
        file = self.path.parent / name
        return json.loads(file.read_text("utf-8")) if file.exists() else otherwise

    def post_all(self):
        """Returns what the calls were answered with, as one text."""
        answers = []
        for call in read_recorded(self.path.read_bytes()):
            body = call.body
            for old, new in self.plan.get("replace", {}).items():
                body = body.replace(old.encode(), new.encode())
            webhook = replace(call.webhook(self.bench.clock.now, "http://localhost"), body=body)
            query = call.target.partition("?")[2]
            webhook = replace(webhook, url="http://localhost/v1/in/bot" + (f"?{query}" if query else ""))
            signed = vendor(self.name).sign(webhook, self.account)
            target = signed.url.removeprefix("http://localhost")
            answer = self.bench.client.post(target, data=signed.body, headers=dict(signed.headers))
            assert answer.status_code in (200, 202), answer.text
            answers.append(answer.text)
        return "\n".join(answers)

    def stored_headers(self):
        with self.bench.env.reading() as tx:
            return list(tx.connection.execute(select(webhooks.c.headers)).scalars())

    def people_do(self, kind, value):
        """Something happens on the ticket, and the ticket is read again."""
        bench = self.bench
        bench.sandbox.state.act(bench.tickets()[-1]["id"], Deed(kind, value, "Dana Agent"))
        with bench.env.transaction() as tx:
            (view,) = tx.handoffs.page(5)
            tx.later(Work("read_ticket", view.handoff.id, bench.clock.now, lane="desk"))
        bench.work()


@pytest.fixture(params=HANDOFFS, ids=lambda p: f"{p.parent.parent.name}-{p.stem}")
def journey(request, bench, local_vendor):
    return Journey(request.param, bench, local_vendor)


@pytest.fixture
def journey_of(bench, local_vendor):
    """Make the journey of one fixture, under a policy of the test's own."""
    return lambda path, policy: Journey(path, bench, local_vendor, policy, with_options=True)
