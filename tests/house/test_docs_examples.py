"""The examples in the docs do what the text around them says."""

import json
import re
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.ports import VendorAccount, Webhook
from connectors.vendors.canonical import ADAPTER
from gateway.cli import cli
from gateway.settings import load_settings
from policies.casebook import run_casebook
from policies.check import check_policy
from policies.load import load_policy

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def blocks(name, language):
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


# docs/vendors.md


def the_body():
    return next(json.loads(block) for block in blocks("docs/vendors.md", "json") if '"type"' in block)


def verified(headers, body):
    webhook = Webhook({name.lower(): value for name, value in headers.items()}, body, datetime.now(UTC))
    account = VendorAccount("webshop-bot", "canonical", (SECRET,))
    ADAPTER.verify(webhook, account)
    return ADAPTER.parse(webhook, account)


def test_the_python_example_signs_as_the_gateway_expects(monkeypatch):
    sent = []

    class Answer:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self):
            return b"{}"

    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: sent.append(request) or Answer())
    example = {}
    exec(blocks("docs/vendors.md", "python")[0], example)  # noqa: S102 - our own documentation

    example["post"]("http://127.0.0.1/v1/in/webshop-bot", SECRET, the_body())

    (event,) = verified(dict(sent[0].header_items()), sent[0].data)
    assert event.turns[0].text == "can I talk to someone?"


@pytest.mark.skipif(not shutil.which("openssl"), reason="the example needs openssl")
def test_the_shell_example_signs_as_the_gateway_expects():
    script = re.sub(r"^secret=.*$", f"secret={SECRET}", blocks("docs/vendors.md", "sh")[0], flags=re.M)

    told = subprocess.run(
        ["sh"], input='curl() { for word in "$@"; do printf "%s\\n" "$word"; done; }\n' + script,
        capture_output=True, text=True, check=True, timeout=20,
    ).stdout.splitlines()  # fmt: skip

    headers = dict(line.split(": ", 1) for line in told if re.match(r"[a-z-]+: ", line))
    (event,) = verified(headers, told[told.index("--data-binary") + 1].encode())
    assert event.conversation.vendor_conversation_id == "c-17"


def test_the_documented_answer_has_the_keys_of_a_real_one():
    answer = next(json.loads(block) for block in blocks("docs/vendors.md", "json") if '"decision"' in block)

    assert set(answer) == {"event_id", "conversation_id", "duplicate", "decision"}
    assert set(answer["decision"]) == {
        "action", "transfer", "rules", "handoff_id", "route", "tier", "respond_by", "announcement",
            "customer_message",
    }  # fmt: skip


# docs/policy.md


@pytest.fixture
def my_policy(tmp_path):
    """The starter policy with the worked example's three pieces put in as the text says."""
    folder = tmp_path / "my-policy"
    shutil.copytree(ROOT / "policies" / "starter", folder)
    worked = (ROOT / "docs/policy.md").read_text("utf-8").split("## Worked example: adding a rule")[1]
    pieces = re.findall(r"`my-policy/(\S+?)`(?:(?!```).)*?```yaml\n(.*?)```", worked, re.S)
    for name, text in pieces:
        path = folder / name
        if name.startswith("phrases/"):
            text = path.read_text("utf-8").replace("\nquiet:", f"\n{text}\nquiet:", 1)
        path.write_text(text, "utf-8")
    return folder


def test_the_worked_example_of_a_rule_is_a_policy_without_problems_whose_tests_pass(my_policy):
    problems, report = check_policy(my_policy), run_casebook(my_policy)

    assert problems == []
    assert report.ok
    assert "cancel-contract" in {rule.id for rule in report.policy.rules}


def test_the_shown_capability_map_can_be_read(my_policy):
    shown = next(block for block in blocks("docs/policy.md", "yaml") if block.startswith("default:\n  high:"))
    (my_policy / "capabilities.yml").write_text(shown, "utf-8")

    assert {s.name for s in load_policy(my_policy).capabilities.of("phone-bot")} == {
        "order_status",
        "refunds",
        "legal_complaint",
    }


def test_the_worked_example_broken_says_what_the_text_shows(my_policy):
    rule = my_policy / "triggers" / "cancel_contract.yml"
    broken = rule.read_text("utf-8")
    for right, wrong in {"topic:": "topc:", "route: sales": "route: sale", "say: connecting": "say: conecting"}.items():
        broken = broken.replace(right, wrong)
    rule.write_text(broken, "utf-8")

    said = "\n".join(str(problem) for problem in check_policy(my_policy)).replace(f"{my_policy}/", "my-policy/")

    assert said in (ROOT / "docs/policy.md").read_text("utf-8")


def test_the_worked_example_of_a_comparison_prints_what_the_text_shows(my_policy, monkeypatch):
    text = (ROOT / "docs/policy.md").read_text("utf-8").split("## Replay and diff")[1]
    (my_policy.parent / "calls.jsonl").write_text(re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)[1], "utf-8")
    shown = re.search(r"^\$ baton (policy diff .*?)\n(.*?)```", text, re.M | re.S)
    monkeypatch.chdir(my_policy.parent)
    shutil.copytree(ROOT / "policies", "policies")

    said = CliRunner().invoke(cli, [*shown[1].split(), "--jobs", "1"])

    assert said.exit_code == 1
    assert without_revisions(said.output) == without_revisions(shown[2])


def without_revisions(text):
    """Any change of the starter policy changes its revision."""
    return re.sub(r"[0-9a-f]{12}", "revision", text)


# baton.yml, wherever it is shown


@pytest.mark.parametrize("name", ["README.md", "docs/scaling.md"])
def test_a_shown_configuration_can_be_loaded(name, tmp_path):
    shutil.copytree(ROOT / "policies" / "starter", tmp_path / "my-policy")
    shutil.copytree(ROOT / "policies" / "starter", tmp_path / "policy")
    shown = next(block for block in blocks(name, "yaml") if block.startswith(("sources:", "policies:")))
    (tmp_path / "baton.yml").write_text(shown.replace("/etc/baton", str(tmp_path)), "utf-8")
    environment = dict.fromkeys(re.findall(r"env:(\w+)", shown), SECRET)
    environment |= {"DATABASE_URL": "postgresql+psycopg://db/baton", "REDIS_URL": "redis://redis:6379/0"}

    settings = load_settings(tmp_path / "baton.yml", environment)

    assert list(settings.sources) == ["webshop-bot"]
    assert settings.helpdesks["desk"].webhook_secrets == (SECRET,)
