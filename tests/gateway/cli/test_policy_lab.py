"""replay, diff, try and draft-test as somebody types them."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.settings import STARTER_POLICY

OWN = Path(__file__).resolve().parents[2] / "policies" / "fixtures" / "dialogues.jsonl"


@pytest.fixture
def baton(tmp_path, monkeypatch):
    """A command in an empty folder, so with the starter policy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BATON_CONFIG", raising=False)
    return lambda *words, **more: CliRunner().invoke(cli, [str(word) for word in words], **more)


@pytest.fixture
def without_fraud(tmp_path):
    folder = tmp_path / "without-fraud"
    shutil.copytree(STARTER_POLICY, folder)
    for path in (folder / "locked").glob("fraud*"):
        path.unlink()
    return folder


def answers(output):
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("command", ["replay", "diff", "try", "draft-test"])
def test_every_command_of_the_lab_explains_itself(baton, command):
    answer = baton("policy", command, "--help")

    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 3


def test_a_replay_tells_rates_scores_and_what_was_missed(baton):
    answer = baton("policy", "replay", OWN, "--jobs", 1)

    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("28 conversations, 103 turns")
    assert "golden transfer, L=0.3" in answer.output


def test_a_replay_as_json_has_one_line_a_conversation_and_the_summary_last(baton):
    *verdicts, last = answers(baton("policy", "replay", OWN, "--json", "--jobs", 1).stdout)

    assert len(verdicts) == 28
    assert verdicts[0]["conversation"] == "own-01-explicit"
    assert verdicts[0]["escalation"]["rules"][0] == "explicit-request"
    assert last["summary"]["conversations"] == 28


def test_the_output_is_the_same_to_the_byte_however_many_processes(baton):
    said = {baton("policy", "replay", OWN, OWN, OWN, "--json", "--jobs", jobs).stdout_bytes for jobs in (1, 2)}
    shown = {baton("policy", "replay", OWN, "--jobs", jobs).stdout_bytes for jobs in (1, 2)}

    assert (len(said), len(shown)) == (1, 1)


def test_a_rule_taken_away_shows_which_conversation_loses_its_handoff(baton, without_fraud):
    answer = baton("policy", "diff", STARTER_POLICY, without_fraud, OWN, "--jobs", 1)
    *changed, last = answers(baton("policy", "diff", STARTER_POLICY, without_fraud, OWN, "--json", "--jobs", 1).stdout)

    assert answer.exit_code == 1
    assert "own-18-fraud: no longer escalated" in answer.output
    assert "I've never bought anything there" in answer.output
    assert "missed per 100" in answer.output
    assert [c["conversation"] for c in changed] == ["own-18-fraud"]
    assert last["summary"]["counts"]["no_longer_escalated"] == 1


def test_a_policy_against_itself_is_exit_0(baton):
    answer = baton("policy", "diff", STARTER_POLICY, STARTER_POLICY, OWN, "--jobs", 1)

    assert answer.exit_code == 0
    assert "0 of 28 conversations go otherwise" in answer.output


def test_a_corpus_that_cannot_be_read_is_exit_2_with_file_and_line(baton, tmp_path):
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"id": "a", "turns": []}\n{"id": "b"}\n', "utf-8")

    missing, broken = baton("policy", "replay", "nowhere.jsonl"), baton("policy", "replay", wrong, "--jobs", 1)

    assert (missing.exit_code, broken.exit_code) == (2, 2)
    assert "nowhere.jsonl: no such file" in missing.stderr
    assert f"{wrong}:2: 'turns' is missing" in broken.stderr


def test_a_corpus_with_nothing_in_it_is_exit_1(baton, tmp_path):
    (tmp_path / "empty.jsonl").touch()

    assert baton("policy", "replay", "empty.jsonl", "--jobs", 1).exit_code == 1


def test_a_pasted_conversation_is_judged_turn_by_turn(baton):
    said = "customer: where is my order\nbot: what is its number?\ncustomer: get me a human\n"

    shown = baton("policy", "try", input=said)
    told = answers(baton("policy", "try", "-", "--json", input=said).stdout)

    assert shown.exit_code == 0
    assert "turn 1  customer: where is my order\n  continue, none of" in shown.output
    assert "customer asked for a human" in shown.output
    assert [t["action"] for t in told] == ["continue", "continue", "escalate"]


def test_one_dialogue_as_json_can_be_tried_from_a_file(baton, tmp_path):
    (tmp_path / "one.json").write_text(OWN.read_text("utf-8").splitlines()[0], "utf-8")

    assert "explicit-request" in baton("policy", "try", "one.json").output


def test_words_cannot_write_to_the_terminal_what_they_like(baton):
    shown = baton("policy", "try", input="customer: \x1b[2J\x07 get me a human")

    assert "\x1b" not in shown.output
    assert "\x07" not in shown.output


def test_what_is_no_conversation_is_exit_2(baton, tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"customer: gr\xfc\xdfe")

    assert baton("policy", "try", input="hi there").exit_code == 2
    assert baton("policy", "try", "latin.txt").exit_code == 2
    assert baton("policy", "draft-test", "latin.txt").exit_code == 2


def test_a_drafted_test_can_be_put_into_the_policy_and_passes(baton, tmp_path):
    folder = tmp_path / "policy"
    shutil.copytree(STARTER_POLICY, folder)
    draft = baton("policy", "draft-test", "-", input="customer: hi\ncustomer: get me a human")
    (folder / "locked" / "explicit_request.test.yml").write_text(draft.output, "utf-8")

    assert draft.exit_code == 0
    assert baton("policy", "test", folder).exit_code == 0


def test_the_bots_prompt_is_printed_for_people_and_for_programs(baton):
    shown, told = baton("policy", "prompt"), baton("policy", "prompt", "--json", "--source", "phone-bot")

    assert (shown.exit_code, told.exit_code) == (0, 0)
    assert "## Never answer these yourself" in shown.output
    assert json.loads(told.output)["source"] == "phone-bot"


def test_results_for_a_build_server_are_written_beside_what_is_printed(baton, tmp_path):
    answer = baton("policy", "test", "--junit", tmp_path / "made" / "report.xml")

    assert answer.exit_code == 0
    assert "cases as expected" in answer.output
    assert (tmp_path / "made" / "report.xml").read_text("utf-8").startswith("<?xml")


def test_a_report_that_cannot_be_written_is_exit_2(baton, tmp_path):
    (tmp_path / "file").touch()

    assert baton("policy", "test", "--junit", tmp_path / "file" / "report.xml").exit_code == 2
