"""A call with Microsoft's own token on its whole way in, with Microsoft's keys at a local double."""

import json
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.ports import VendorAccount
from gateway.app import create_app
from gateway.db.tables import handoffs, webhooks
from gateway.settings import SourceSettings
from gateway.wiring import Env

microsoft = pytest.importorskip("connectors.vendors.microsoft.inbound")  # a vendor may be taken out
access = pytest.importorskip("connectors.vendors.microsoft.access")

APP = "10000000-0000-4000-8000-000000000000"
SERVICE = "https://smba.trafficmanager.net/emea/"
OUR_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ACTIVITY = {
    "type": "message",
    "id": "1",
    "channelId": "msteams",
    "serviceUrl": SERVICE,
    "conversation": {"id": "a:1"},
    "from": {"id": "29:u", "name": "Ana Sample"},
    "text": "I want to talk to a human",
}


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def copilot(bench, local_vendor, monkeypatch):
    """The bench with one copilot as its source; its keys are published by `local_vendor`."""
    monkeypatch.setattr(access, "BOT_FRAMEWORK_KEYS", local_vendor.url + "/doc")
    monkeypatch.setattr(
        "connectors.vendors.microsoft.ADAPTER", microsoft.Microsoft()
    )  # remembers no keys of other tests
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OUR_KEY.public_key()))
    local_vendor.answers |= {
        "/doc": {"jwks_uri": local_vendor.url + "/keys"},
        "/keys": {"keys": [public | {"kid": "k1", "endorsements": ["msteams"]}]},
    }
    source = SourceSettings(VendorAccount("copilot", "microsoft", (APP,), {"signature": "jwt"}), "desk")
    settings = replace(bench.env.settings, sources={"copilot": source})
    bench.env.close()
    bench.env = Env(settings, redis_url=bench.env.redis_url, clock=bench.clock, policy=bench.env.policy.current)
    bench.client = create_app(bench.env).test_client()
    return bench


def post(bench, **claims):
    now = bench.clock.now.timestamp()
    told = {"iss": "https://api.botframework.com", "aud": APP, "exp": now + 600, "serviceurl": SERVICE} | claims
    token = jwt.encode(told, OUR_KEY, algorithm="RS256", headers={"kid": "k1"})
    return bench.client.post("/v1/in/copilot", json=ACTIVITY, headers={"Authorization": f"Bearer {token}"})


def test_a_customer_of_a_copilot_gets_one_ticket_however_often_the_call_comes(copilot, local_vendor):
    answers = [post(copilot) for _ in range(2)]
    copilot.work()

    assert [(answer.status_code, answer.json) for answer in answers] == [(200, {}), (200, {})]
    assert copilot.count(handoffs) == 1
    assert [call.path for call in local_vendor.calls] == ["/doc", "/keys"]


def test_a_token_for_somebody_else_is_told_no_more_than_that(copilot):
    answer = post(copilot, aud="somebody else")

    assert answer.status_code == 401
    assert answer.json == {"type": "about:blank", "title": "Unauthorized", "status": 401}
    assert copilot.count(webhooks) == 0


def test_keys_that_cannot_be_fetched_are_our_trouble(copilot, local_vendor):
    local_vendor.status = 500

    assert post(copilot).status_code == 503
