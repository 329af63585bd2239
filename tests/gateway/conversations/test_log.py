"""The event log as a corpus: what the gateway took in is what a replay sees, on both databases."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.conversations.log import count_logged, logged, logged_one
from policies.corpus import read
from policies.replay import replay


@pytest.fixture
def three(bench):
    """Three conversations, the newest a day after the others; their ids in order."""
    bench.say("where is my order", "c-1")
    bench.say("let me see", "c-1", role="bot")
    bench.say("hello", "c-2")
    bench.say("get me a human", "c-1")
    bench.clock.forward(days=1)
    bench.say("then my solicitor will explain it to you", "c-3")
    return bench


def test_every_conversation_comes_once_with_its_events_in_order_whatever_the_page(three):
    found = list(logged(three.env.database, page=2))

    assert [c.vendor_conversation_id for c in found] == ["c-1", "c-2", "c-3"]
    assert [e.turns[0].text for e in read(found[0]).events] == ["where is my order", "let me see", "get me a human"]
    assert list(logged(three.env.database, page=100)) == found
    assert count_logged(three.env.database) == 3


def test_a_replay_of_the_log_decides_as_the_gateway_did(three):
    verdicts = [replay(read(c), three.env.policy.current) for c in logged(three.env.database)]

    assert [v.first and (v.first.turn, v.first.rules) for v in verdicts] == [
        (3, ("explicit-request",)), None, (1, ("legal-matter", "capability-never")),
    ]  # fmt: skip
    with three.env.reading() as tx:
        decided = [tx.intake.decisions_of(v.conversation)[-1] for v in verdicts]
    assert [because for _, _, because, *_ in decided] == ["explicit-request", "", "legal-matter,capability-never"]


def test_only_what_happened_lately_is_asked_for(three):
    since = three.clock.now - timedelta(hours=1)

    assert [c.vendor_conversation_id for c in logged(three.env.database, since)] == ["c-3"]
    assert count_logged(three.env.database, since) == 1


def test_one_conversation_is_found_by_its_id_and_an_unknown_one_is_none(three):
    (first, *_) = logged(three.env.database)

    assert logged_one(three.env.database, first.conversation_id) == first
    assert logged_one(three.env.database, "cnv_x") is None


def test_the_commands_read_the_log_of_the_configured_database(three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baton.yml").write_text(
        f"database: {json.dumps(three.env.settings.database)}\n"
        "sources:\n  shop: {vendor: canonical, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], helpdesk: desk}\n"
        "helpdesks:\n  desk: {kind: zendesk, base_url: sandbox}\n",
        "utf-8",
    )
    monkeypatch.setenv("BATON_CONFIG", "baton.yml")
    (first, *_) = logged(three.env.database)

    def run(*words):
        return CliRunner().invoke(cli, ["policy", *words])

    told = [run("replay", "events", "--json", "--jobs", str(jobs)).stdout for jobs in (1, 2)]
    draft, unknown = run("draft-test", first.conversation_id), run("draft-test", "cnv_x")

    assert json.loads(told[0].splitlines()[-1])["summary"]["escalated"] == 2
    assert told[0] == told[1]
    assert "because: explicit-request" in draft.stdout
    assert unknown.exit_code == 1
    assert "no conversation cnv_x" in unknown.stderr
