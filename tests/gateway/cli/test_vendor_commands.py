"""baton vendor: what it prints and how it exits."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.registry import VENDORS
from gateway.cli import cli

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "connectors" / "vendors" / "mapped" / "examples"
FIXTURES = ROOT / "tests" / "connectors" / "vendors"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No baton.yml here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BATON_CONFIG", raising=False)


def run(*words):
    return CliRunner().invoke(cli, ["vendor", *map(str, words)])


def mapped(name):
    return FIXTURES / "mapped" / "fixtures" / f"{name}.http"


def test_every_vendor_is_listed():
    assert {row["name"] for row in json.loads(run("list", "--json").output)} == set(VENDORS)
    assert all(name in run("list").output for name in VENDORS)


@pytest.mark.parametrize(
    ("example", "sample"),
    [
        ("ada", "ada_webhooks"),
        ("ada", "handoff_ada_block"),
        ("kore", "handoff_kore"),
        ("cognigy", "handoff_cognigy"),
        ("own_bot", "handoff_own_bot"),
    ],
)
def test_every_example_reads_its_sample(example, sample):
    answer = run("try", EXAMPLES / f"{example}.yml", mapped(sample))

    assert answer.exit_code == 0
    assert "found    conversation.id" in answer.output
    assert "score" in answer.output


def test_what_was_found_where_and_what_is_missing_is_told(tmp_path):
    sample = tmp_path / "sample.json"
    sample.write_text(
        '{"event": "turn", "id": "e1", "chat": {"id": "c1"}, "turn": {"who": "visitor", "says": "hi", "sure": 42}}'
    )

    answer = run("try", EXAMPLES / "own_bot.yml", sample, "--json")

    call = json.loads(answer.output)["calls"][0]
    assert {"place": "conversation.id", "where": "/chat/id"}.items() <= call["found"][2].items()
    assert "customer.name" in [row["place"] for row in call["missing"]]
    assert [(row["place"], row["wrong"]) for row in call["wrong"]] == [("nlu.intent.confidence", "must be from 0 to 1")]
    assert answer.exit_code == 1


def test_a_call_the_mapping_does_not_know_is_an_answer_of_no():
    answer = run("try", EXAMPLES / "own_bot.yml", mapped("own_bot_turns"))

    assert answer.exit_code == 1
    assert "call 5 of 6: unknown kind 'applause'" in answer.output
    assert "absent   header x-bot-signature" in answer.output


def test_a_wrong_mapping_is_told_with_file_and_line(tmp_path):
    mapping = tmp_path / "bot.yml"
    mapping.write_text("signature: {style: bearer}\nkind: type\ndata: {conversation: {id: /c}}\n")

    answer = run("try", mapping, mapped("handoff_kore"))

    assert answer.exit_code == 1
    assert answer.output == f"{mapping}:2: kind: a JSON pointer begins with a slash: write /type\n"


def test_a_sample_that_is_not_there_could_not_run(tmp_path):
    assert run("try", EXAMPLES / "ada.yml", tmp_path / "none.json").exit_code == 2


def first_handoffs():
    """One recorded handoff of every vendor."""
    found = {path.parent.parent.name: path for path in sorted(FIXTURES.glob("*/fixtures/handoff_*.http"), reverse=True)}
    return [pytest.param(name, path, id=name) for name, path in sorted(found.items())]


@pytest.mark.parametrize(("name", "path"), first_handoffs())
def test_the_calls_of_any_vendor_are_linted(name, path):
    own = re.match(r"# options: (\{.*\})", path.read_text("utf-8"))
    options = json.loads(own[1]) if own else {}

    answer = run("lint", path, "--vendor", name, *(f"--option={key}={value}" for key, value in options.items()))

    assert answer.exit_code in (0, 1), answer.output
    assert re.search(r": score [01]\.\d\d \(\d+ events, ", answer.output)


@pytest.mark.parametrize("words", [("--vendor", "canonicle"), ("--option", "secret")])
def test_what_lint_cannot_run_is_said(words):
    assert run("lint", FIXTURES / "canonical" / "fixtures" / "turns.http", *words).exit_code == 2


def test_good_calls_are_an_answer_of_yes():
    assert run("lint", FIXTURES / "canonical" / "fixtures" / "turns.http").exit_code == 0


def test_a_canonical_body_of_its_own_is_linted(tmp_path):
    body = {
        "type": "message.created",
        "data": {"event_id": "1", "conversation": {"id": "c-1"}, "message": {"role": "customer", "text": "hi"}},
    }
    (tmp_path / "one.json").write_text(json.dumps(body))

    found = json.loads(run("lint", tmp_path / "one.json", "--json").output)

    advice = {row["field"]: row["needed"] for row in found["conversations"]["c-1"]["advice"]}
    assert advice["message.id"] is True
    assert advice["customer.name"] is False


def test_a_body_that_does_not_fit_is_told_with_its_places(tmp_path):
    (tmp_path / "one.json").write_text('{"type": "message.created", "data": {"conversation": {}}}')

    answer = run("lint", tmp_path / "one.json")

    assert answer.exit_code == 1
    assert "/data/conversation/id" in answer.output


def test_a_recorded_call_of_a_configured_source_needs_no_vendor_named(tmp_path):
    (tmp_path / "baton.yml").write_text(
        "sources:\n  shop: {vendor: mapped, secrets: [k], helpdesk: desk, options: {example: own_bot}}\n"
        "helpdesks:\n  desk: {kind: zendesk, base_url: sandbox}\n"
    )

    answer = run("lint", mapped("handoff_own_bot"))

    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("chat-78: score")
