"""
Every vendor's whole way: its recorded handoff comes in, one complete ticket opens, somebody claims it, and the vendor
hears of it at its own interface. A vendor takes part by a fixture `handoff_*.http`; `journey.json` beside it (or
`<name of the fixture>.journey.json` for that one alone) says how its account is called back: {"options",
"credentials", "replace": {text in the fixture: text}, "expects": [path, …]}, with {url} for the address of the
vendor's double.
"""

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
from gateway.db.tables import handoffs, webhooks
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

    def __init__(self, path, bench, double):
        self.bench, self.double, self.path = bench, double, path
        self.name = path.parent.parent.name
        told = self._beside(f"{path.stem}.journey.json", None) or self._beside("journey.json", {})
        text = json.dumps(told).replace("{url}", double.url)
        self.plan = json.loads(text)
        own = re.match(rb"# options: (\{.*\})", path.read_bytes())
        options = {**(json.loads(own[1]) if own else {}), **self.plan.get("options", {})}
        secrets = self._secrets()
        tells = vendor(self.name).capabilities.tells
        self.account = VendorAccount(
            "bot", self.name, tuple(secrets), options, double.url if tells else None, self.plan.get("credentials", {})
        )
        double.answers |= self.plan.get("answers", {})
        source = SourceSettings(self.account, "desk")
        settings = replace(bench.env.settings, sources={"bot": source})
        bench.env.close()
        bench.env = Env(settings, redis_url=bench.env.redis_url, clock=bench.clock)
        bench.client = create_app(bench.env).test_client()

    def _secrets(self):
        own = re.search(rb"^# secrets: (\[.*\])$", self.path.read_bytes(), re.M)
        return json.loads(own[1]) if own else self._beside("secrets.json", SECRETS.get(self.name, ["secret-one"]))

    def _beside(self, name, otherwise):
        file = self.path.parent / name
        return json.loads(file.read_text("utf-8")) if file.exists() else otherwise

    def post_all(self):
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


def test_a_recorded_handoff_becomes_one_complete_ticket_and_the_vendor_hears_of_it(journey):
    bench = journey.bench

    journey.post_all()
    journey.post_all()  # vendors deliver twice now and then
    bench.work()

    assert bench.count(handoffs) == 1
    (ticket,) = bench.tickets()
    assert ticket["private_notes"]
    with bench.env.reading() as tx:
        (view,) = tx.handoffs.page(5)
        packet = tx.handoffs.packet_of(view.handoff.id)
    assert packet is not None
    assert packet.reason.rules
    assert not any(secret in row for secret in journey.account.secrets for row in journey.stored_headers())
    paths = [call.path.partition("?")[0] for call in journey.double.calls]
    assert [p for p in journey.plan.get("expects", []) if p not in paths] == []


def test_what_people_do_at_the_helpdesk_reaches_the_vendor(journey):
    bench = journey.bench
    journey.post_all()
    bench.work()
    before = len(journey.double.calls)

    journey.people_do("assign", "Dana Agent")
    journey.people_do("status", "solved")

    expected = journey.plan.get("expects_when_done", [])
    paths = [call.path.partition("?")[0] for call in journey.double.calls[before:]]
    assert [p for p in expected if p not in paths] == []
