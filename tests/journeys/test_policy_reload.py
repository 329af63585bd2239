"""Somebody edits the policy of a running installation: with a mistake, and then without."""

from __future__ import annotations

import os
import secrets
import shutil
import signal

import pytest
import requests

from gateway.settings import STARTER_POLICY
from journeys_support import installation, wait_for

pytestmark = pytest.mark.journey

RULE = """\
id: anything-about-parrots
owner: support-ops
why: Parrots are dealt with by people.
when:
  topic: {topic}
then: {{escalate: warm}}
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return shutil.copytree(STARTER_POLICY, tmp_path_factory.mktemp("reload") / "policy")


@pytest.fixture(scope="module")
def running(policy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("running")
    yield from installation(f"sqlite:///{folder}/baton.sqlite3", folder, policies=policy, gateway_processes=1)


def ready(running):
    answer = requests.get(f"{running.up.addresses.gateway}/readyz", timeout=10)
    assert answer.status_code == 200
    return answer.json()


def test_a_mistake_leaves_the_old_policy_and_its_correction_takes_over(running, policy):
    before = ready(running)
    path = policy / "triggers" / "parrots.yml"

    path.write_text(RULE.format(topic="refund_dispuet"), "utf-8")
    wait_for(lambda: "policy_refused" in ready(running), 30, lambda: ready(running))
    broken = ready(running)
    meanwhile = running.say("zendesk", "I want my money back", secrets.token_hex(6))["decision"]

    path.write_text(RULE.format(topic="refund_dispute"), "utf-8")
    wait_for(lambda: ready(running)["policy"] != before["policy"], 30, lambda: ready(running))
    afterwards = running.say("zendesk", "I want my money back", secrets.token_hex(6))["decision"]

    assert (broken["status"], broken["policy"]) == ("ready", before["policy"])
    assert any("parrots.yml:5: unknown topic 'refund_dispuet'" in problem for problem in broken["policy_refused"])
    assert meanwhile["action"] != "escalate"
    assert afterwards["rules"][0] == "anything-about-parrots"
    assert "policy_refused" not in ready(running)


def test_a_hang_up_with_a_broken_policy_ends_nobody(running, policy):
    before = ready(running)
    path = policy / "triggers" / "unfinished.yml"
    path.write_text("id: unfinished\n", "utf-8")
    gateway = next(c for c in running.up.supervisor.children if c.name == "gateway-0")
    log = running.up.settings.var / "log" / "gateway-0.log"

    os.kill(gateway.pid, signal.SIGHUP)
    wait_for(lambda: "reload_refused" in log.read_text("utf-8"), 30)

    assert ready(running)["policy"] == before["policy"]
    path.unlink()
    wait_for(lambda: "policy_refused" not in ready(running), 30, lambda: ready(running))
