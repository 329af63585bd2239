"""The commands as somebody types them: what they print and how they exit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.recorded import read_recorded
from gateway.cli.http_file import read_http, said_now
from gateway.settings import STARTER_POLICY

ROOT = Path(__file__).resolve().parents[3]
CONVERSATIONS = ROOT / "gateway" / "demo" / "conversations"
CONFIG = """\
sources:
  shop-bot: {vendor: canonical, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], helpdesk: desk}
helpdesks:
  desk: {kind: zendesk, base_url: sandbox}
"""


def baton(*words, cwd, **environ):
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BATON_CONFIG": "baton.yml", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "baton.yml").write_text(CONFIG, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        [], ["up"], ["serve"], ["work"], ["relay"], ["db"], ["db", "upgrade"], ["policy"], ["policy", "check"],
        ["policy", "test"], ["policy", "explain"], ["policy", "conditions"], ["handoffs"], ["handoffs", "list"],
        ["handoffs", "show"], ["handoffs", "retry"], ["send"], ["demo"], ["setup"], ["doctor"],
    ],
)  # fmt: skip
def test_every_command_explains_itself(tmp_path, words):
    from click.testing import CliRunner

    from gateway.cli import cli

    answer = CliRunner().invoke(cli, [*words, "--help"])

    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 3


def test_a_configuration_that_is_wrong_is_exit_2_with_file_and_line_and_no_traceback(tmp_path):
    (tmp_path / "baton.yml").write_text(CONFIG.replace("zendesk", "zendisk"), "utf-8")

    for words in (["handoffs", "list"], ["serve", "--port", "0"], ["work", "clock"], ["db", "upgrade"]):
        answer = baton(*words, cwd=tmp_path)

        assert answer.returncode == 2
        assert "baton.yml:4" in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_database_that_was_never_made_says_how_to_make_it(folder):
    (folder / "var").mkdir()

    answer = baton("handoffs", "list", cwd=folder)

    assert answer.returncode == 2
    assert "baton db upgrade" in answer.stderr


def test_an_upgraded_database_lists_nothing_yet_and_knows_no_handoff(folder):
    assert baton("db", "upgrade", cwd=folder).returncode == 0

    listed, shown = baton("handoffs", "list", "--json", cwd=folder), baton("handoffs", "show", "hof_x", cwd=folder)

    assert (listed.returncode, listed.stdout) == (0, "")
    assert shown.returncode == 1
    assert "no handoff hof_x" in shown.stderr


def test_the_starter_policy_is_right_and_a_broken_one_is_exit_1_with_the_place(tmp_path):
    good = baton("policy", "check", str(STARTER_POLICY), cwd=tmp_path)
    broken = tmp_path / "policy"
    __import__("shutil").copytree(STARTER_POLICY, broken)
    rule = broken / "locked" / "fraud.yml"
    rule.write_text(rule.read_text("utf-8").replace("when:", "wenn:"), "utf-8")
    bad = baton("policy", "check", str(broken), cwd=tmp_path)
    bad_json = baton("policy", "check", str(broken), "--json", cwd=tmp_path)

    assert good.returncode == 0, good.stdout
    assert bad.returncode == 1
    assert rule.name in bad.stdout
    assert json.loads(bad_json.stdout)[0]["line"] >= 1


def test_warnings_of_a_policy_are_told_and_only_strict_makes_them_count(tmp_path):
    changed = tmp_path / "policy"
    __import__("shutil").copytree(STARTER_POLICY, changed)
    scripts = changed / "scripts.yml"
    scripts.write_text(scripts.read_text("utf-8") + "  unsaid:\n    en: Nobody says this.\n", "utf-8")
    plain = baton("policy", "check", str(changed), cwd=tmp_path)
    strict = baton("policy", "check", str(changed), "--strict", "--json", cwd=tmp_path)

    assert plain.returncode == 0, plain.stdout
    assert "warning: script 'unsaid' is used by no rule" in plain.stdout
    assert plain.stdout.endswith("rules, 1 warning.\n")
    assert strict.returncode == 1
    assert [(f["kind"], f["severity"]) for f in json.loads(strict.stdout)] == [("unused-script", "warning")]


def test_the_policy_in_use_is_checked_against_what_its_sources_can_do(folder):
    plain = baton("policy", "check", cwd=folder)
    as_json = baton("policy", "check", "--json", cwd=folder)
    by_name = baton("policy", "check", "starter", cwd=folder)

    assert "shop-bot: it has no base_url" in plain.stdout
    assert [found["kind"] for found in json.loads(as_json.stdout)] == ["cannot-wait"]
    assert "no problems" in by_name.stdout


def test_the_policy_tests_run_and_a_failing_case_is_exit_1(tmp_path):
    good = baton("policy", "test", str(STARTER_POLICY), cwd=tmp_path)
    changed = tmp_path / "policy"
    __import__("shutil").copytree(STARTER_POLICY, changed)
    test = changed / "locked" / "fraud.test.yml"
    test.write_text(test.read_text("utf-8").replace("tier: immediate", "tier: standard"), "utf-8")
    bad = baton("policy", "test", str(changed), cwd=tmp_path)

    assert good.returncode == 0, good.stdout
    assert bad.returncode == 1
    assert "fraud.test.yml" in bad.stdout


def test_sending_without_a_gateway_says_what_to_do(folder):
    nowhere = baton("send", str(CONVERSATIONS / "quiet.http"), cwd=folder)
    gone = baton(
        "send", str(CONVERSATIONS / "quiet.http"), "--source", "shop-bot", "--to", "http://127.0.0.1:9", cwd=folder
    )

    assert (nowhere.returncode, gone.returncode) == (2, 2)
    assert "baton up" in nowhere.stderr
    assert "nobody answers at http://127.0.0.1:9" in gone.stderr


@pytest.mark.parametrize("path", sorted(CONVERSATIONS.glob("*.http")), ids=lambda p: p.stem)
def test_a_recorded_conversation_moves_to_now_and_keeps_its_pauses(path):
    from datetime import datetime

    calls = read_http(read_recorded(path.read_bytes()))
    moved = list(said_now(calls, "x1"))

    before = [datetime.fromisoformat(e["timestamp"]) for _, e in calls]
    after = [datetime.fromisoformat(e["timestamp"]) for _, e in moved]
    assert [b - before[0] for b in before] == [a - after[0] for a in after]
    assert abs(after[-1].timestamp() - __import__("time").time()) < 60
    assert all(e["data"]["conversation"]["id"].endswith("-x1") for _, e in moved)


def test_a_file_that_is_no_recording_is_named_with_its_request():
    with pytest.raises(ValueError, match="request 1"):
        read_http(read_recorded(b"POST /v1/in/x\n\n[]"))


def test_every_demo_conversation_has_its_provenance():
    source = (CONVERSATIONS / "SOURCE.md").read_text("utf-8")

    assert all(path.name in source for path in CONVERSATIONS.glob("*.http"))
