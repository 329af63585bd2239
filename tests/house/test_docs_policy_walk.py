"""A support lead with docs/policy.md alone, in an empty folder: adds a rule, breaks it, tests it, replays it."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text("utf-8")
WORKED = TEXT.split("## Worked example: adding a rule")[1].split("## Replay and diff")[0]
RULE = Path("my-policy/triggers/cancel_contract.yml")


@pytest.fixture
def baton(tmp_path, monkeypatch):
    """The command as the page writes it: `baton policy check my-policy`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BATON_CONFIG", raising=False)
    return lambda line, **more: CliRunner().invoke(cli, line.split()[1:], **more)


@pytest.fixture
def walked(baton):
    """The worked example followed up to where it is broken."""
    assert baton("baton policy copy my-policy").exit_code == 0
    for name, text in re.findall(r"`(my-policy/\S+?)`(?:(?!```).)*?```yaml\n(.*?)```", WORKED, re.S):
        path = Path(name)
        if "/phrases/" in name:  # "at the end of `rules`"
            text = path.read_text("utf-8").replace("\nquiet:", f"\n{text}\nquiet:", 1)
        path.write_text(text, "utf-8")
    return baton


def is_shown(command, output):
    """Whether the page shows this below the command; revisions and counts change with the starter."""
    shown = re.findall(rf"^\$ {re.escape(command)}\n(.*?)(?=^\$ |^```)", TEXT, re.M | re.S)
    return any(plain(block) == plain(output) for block in shown)


def plain(text):
    return re.sub(r"\b[0-9a-f]{12}\b|\b\d+(?= of \d+ cases| cases| rules)", "N", text).strip()


def test_the_starter_is_copied_and_sound(baton):
    copied, checked = baton("baton policy copy my-policy"), baton("baton policy check my-policy")

    assert (copied.exit_code, checked.exit_code) == (0, 0)
    assert "no problems" in checked.output


def test_a_copy_never_overwrites_anything(baton):
    Path("my-policy").mkdir()

    answer = baton("baton policy copy my-policy")

    assert answer.exit_code == 2
    assert "is there already" in answer.output


def test_the_rule_is_added_and_its_test_passes_as_shown(walked):
    checked, tested = walked("baton policy check my-policy"), walked("baton policy test my-policy")

    assert (checked.exit_code, tested.exit_code) == (0, 0)
    assert is_shown("baton policy check my-policy", checked.output)
    assert is_shown("baton policy test my-policy", tested.output)


def test_broken_it_says_what_is_shown(walked):
    text = RULE.read_text("utf-8")
    for right, wrong in {"topic:": "topc:", "route: sales": "route: sale", "connecting": "conecting"}.items():
        text = text.replace(right, wrong)
    RULE.write_text(text, "utf-8")

    answer = walked("baton policy check my-policy")

    assert answer.exit_code == 1
    assert is_shown("baton policy check my-policy", answer.output)


def test_a_near_miss_that_is_none_shows_the_words_that_fired(walked):
    test = RULE.with_name("cancel_contract.test.yml")
    test.write_text(test.read_text("utf-8").replace("can I cancel my order", "can I cancel my plan"), "utf-8")

    answer = walked("baton policy test my-policy")

    assert answer.exit_code == 1
    assert "expected nothing, got escalate because of cancel-contract" in answer.output
    assert "“cancel my plan” (turn 1)" in answer.output


def test_it_is_replayed_and_compared_with_the_starter_as_shown(walked):
    calls = re.findall(r"^```json\n(.*?)^```", TEXT.split("### A worked example")[1], re.M | re.S)[0]
    Path("calls.jsonl").write_text(calls, "utf-8")

    replayed = walked("baton policy replay calls.jsonl --policy my-policy --jobs 1")
    compared = walked("baton policy diff starter my-policy calls.jsonl --jobs 1")

    assert (replayed.exit_code, compared.exit_code) == (0, 1)
    assert "cancel-contract" in replayed.output
    assert is_shown("baton policy diff starter my-policy calls.jsonl", compared.output)


def test_a_conversation_in_a_file_is_explained_turn_by_turn(baton):
    said = "customer: where is my order\ncustomer: get me a human\n"

    brief = baton("baton policy explain - --policy starter", input=said)
    whole = baton("baton policy explain - --policy starter --all-rules", input=said)

    assert brief.exit_code == 0
    assert "turn 2\nescalate, warm → general" in brief.output
    assert "turn 1\n" not in brief.output
    assert "payment-fraud (locked), did not fire" in whole.output


@pytest.mark.parametrize("command", ["explain", "draft-test"])
def test_a_name_that_is_neither_a_file_nor_in_a_log_is_said_so(baton, command):
    answer = baton(f"baton policy {command} nothing.txt")

    assert answer.exit_code == 2
    assert "nothing.txt: no such file" in answer.stderr
