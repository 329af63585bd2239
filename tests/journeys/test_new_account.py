"""A Zendesk account of which nothing but the OAuth client exists, from there to a ticket and back."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from connectors.sandbox.accounts import CREDENTIALS, DEFAULT_AGENT
from connectors.sandbox.desk import Deed
from connectors.sandbox.server import running_sandbox
from gateway.settings import STARTER_POLICY
from gateway.supervise.up import Plan, Up, free_port
from journeys_support import SECRET, TOKEN, Installation, wait_for

pytestmark = pytest.mark.journey
ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
policies: {policies}
public_url: {public_url}
sources:
  desk-bot: {{vendor: canonical, secrets: [{secret}], helpdesk: desk}}
helpdesks:
  desk:
    kind: zendesk
    base_url: {zendesk}
    oauth: {{client_id: env:ZD_ID, client_secret: env:ZD_SECRET}}
    timeout: 5s
"""
ENVIRONMENT = {
    "ZD_ID": CREDENTIALS.client_id,
    "ZD_SECRET": CREDENTIALS.client_secret,
    "BATON_API_TOKENS": TOKEN,
}


@pytest.fixture
def zendesk():
    with running_sandbox("zendesk", bare=True) as running:
        yield running


@pytest.fixture
def account(zendesk, tmp_path, monkeypatch):
    """The folder of an owner who has written baton.yml and nothing else."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    text = CONFIG.format(policies=STARTER_POLICY, public_url=url, secret=SECRET, zendesk=zendesk.url)
    (tmp_path / "baton.yml").write_text(text, "utf-8")
    return tmp_path, port


def baton(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BATON_CONFIG": "baton.yml"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def writes(zendesk):
    return [c for c in zendesk.state.calls() if c["method"] != "GET" and c["path"] != "/oauth/tokens"]


def mended(answer):
    """Everything the doctor calls broken, as one text."""
    sections = json.loads(answer.stdout)["sections"]
    return "\n".join(f["what"] for s in sections for f in s["findings"] if f["level"] == "broken")


def test_an_account_with_nothing_but_an_oauth_client_becomes_ready_and_takes_a_handoff(zendesk, account):
    folder, port = account

    # Nothing is there, and the doctor says so in words.
    ill = baton(folder, "doctor", "desk", "--json")
    assert ill.returncode == 1, ill.stdout + ill.stderr
    for words in (
        "no webhook secret",
        "the account has no ticket field 900001",
        "the account has no group",
        "webhook to",
    ):
        assert words in mended(ill)
    assert writes(zendesk) == []

    # A dry run says what it would do and does nothing.
    dry = baton(folder, "setup", "desk", "--dry-run")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert dry.stdout.count("would create") == 11  # ten fields and the webhook
    assert writes(zendesk) == []
    assert sorted(p.name for p in folder.iterdir()) == ["baton.yml"]

    # Done once it is done; done again it changes nothing.
    first = baton(folder, "setup", "desk")
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(writes(zendesk)) == 11
    kept = folder / "var" / "secrets" / "desk.webhook"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secret = kept.read_text().strip()
    before = (folder / "fields" / "desk.yml").read_bytes()
    again = baton(folder, "setup", "desk")
    assert "nothing was changed" in again.stdout
    assert (len(writes(zendesk)), (folder / "fields" / "desk.yml").read_bytes()) == (11, before)
    assert secret not in first.stdout + first.stderr + again.stdout

    up = Up(Plan(folder / "baton.yml", port=port, patience=60))
    try:
        up.start()
        threading.Thread(target=up.supervisor.watch, daemon=True).start()
        installation = Installation(up)

        # The doctor is content, and tells nobody's secret.
        well = baton(folder, "doctor")
        assert well.returncode == 0, well.stdout + well.stderr
        assert "Nothing is broken." in well.stdout
        assert not any(word in well.stdout for word in (secret, SECRET, CREDENTIALS.client_secret, TOKEN))

        # A handoff lands complete.
        handoff_id = installation.escalate("desk")
        (handoff,) = installation.settled([handoff_id])
        (ticket,) = zendesk.tickets()
        assert ticket["key"] == handoff["packet"]["packet_id"]
        assert set(ticket["fields"]) >= {"packet_id", "reason", "channel", "tier", "respond_by", "rules", "source"}
        assert ticket["group"] == "support"  # the account's only group takes every route
        assert "Order A-1001 is lost" in "\n".join(ticket["private_notes"])
        assert ticket["public_texts"] == []

        # What an agent does comes back, signed with the secret the account made.
        zendesk.state.act(ticket["id"], Deed("reply", "Hello.", DEFAULT_AGENT))
        wait_for(lambda: installation.handoff(handoff_id)["clocks"][0]["outcome"] == "met", 30)
        after = baton(folder, "doctor", "desk")
        assert "the newest delivery of the webhook arrived" in after.stdout

        # Gateways, workers and their forked jobs shared one token; each command above fetched one for itself.
        granted = [c for c in zendesk.state.calls() if c["path"] == "/oauth/tokens"]
        assert len(granted) == 1 + 6
    finally:
        up.stop()
