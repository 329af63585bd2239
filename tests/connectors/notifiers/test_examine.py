"""What is wrong with a chat account, in words: against the sandbox chats, and against servers that refuse."""

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors.ports import NotifierAccount
from connectors.registry import examine_notifier
from connectors.sandbox.chat.server import TOKEN, running_chat

SIGNING = "0123456789abcdef0123456789abcdef"
HOOK = "/services/T0/B0/secretsecretsecret"
NOWHERE = "http://127.0.0.1:9"
SHORT = timedelta(seconds=2)
BY_TOKEN = NotifierAccount(
    "chat", "slack", base_url=f"{NOWHERE}/api", token=TOKEN, channel="C1", secrets=(SIGNING,), timeout=SHORT,
    public_url="https://baton.example",
)  # fmt: skip
BY_HOOK = replace(BY_TOKEN, base_url=None, token=None, channel=None, webhook_url=NOWHERE + HOOK)
TEAMS = NotifierAccount(
    "chat", "teams", webhook_url=f"{NOWHERE}/workflows/1?sig={TOKEN}", link_secret="a-link-secret-of-ours",
    public_url="https://baton.example", timeout=SHORT,
)  # fmt: skip


def at(account, url):
    """The same account at another address."""
    return replace(
        account,
        base_url=account.base_url and account.base_url.replace(NOWHERE, url),
        webhook_url=account.webhook_url and account.webhook_url.replace(NOWHERE, url),
    )


@contextmanager
def a_chat_that_answers(status, body=""):
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if body.startswith("{") else "text/plain")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def levels(findings):
    return [finding.level for finding in findings]


@pytest.mark.parametrize("account", [BY_TOKEN, BY_HOOK, TEAMS], ids=["token", "hook", "teams"])
def test_a_sound_account_is_found_so_and_nothing_is_posted(account):
    with running_chat(account.kind) as on:
        found = examine_notifier(at(account, on.url))

        assert set(levels(found)) == {"ok"}
        assert on.chat.messages == []


@pytest.mark.parametrize("account", [BY_TOKEN, BY_HOOK, TEAMS], ids=["token", "hook", "teams"])
def test_what_does_not_answer_is_broken_and_no_secret_is_told(account):
    found = examine_notifier(account)

    told = repr(found)
    assert "broken" in levels(found)
    assert all(finding.remedy for finding in found if finding.level != "ok")
    assert not [s for s in (TOKEN, HOOK, SIGNING, "a-link-secret-of-ours") if s in told]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [({"ok": False, "error": "token_revoked"}, "token_revoked"), ({"ok": False, "error": "<b>xoxb</b>"}, "no reason"),
     ([], "no reason")],
)  # fmt: skip
def test_a_token_that_slack_refuses_is_told_with_slacks_word_for_it(answer, reason):
    with a_chat_that_answers(200, json.dumps(answer)) as url:
        (finding,) = [f for f in examine_notifier(at(BY_TOKEN, url)) if f.level == "broken"]

    assert reason in finding.what
    assert "bot token" in finding.remedy


@pytest.mark.parametrize(("status", "word"), [(403, "allowed"), (404, "exist"), (410, "archived")])
def test_a_webhook_that_is_gone_is_told_from_one_that_refuses_an_empty_message(status, word):
    with a_chat_that_answers(status, "no_service") as url:
        (finding,) = [f for f in examine_notifier(at(BY_HOOK, url)) if f.level == "broken"]

    assert word in finding.what


def test_a_secret_that_is_no_signing_secret_and_a_missing_address_are_warned_of():
    odd = replace(BY_TOKEN, secrets=("too-short",), public_url=None)
    with running_chat("slack") as on:
        found = examine_notifier(at(odd, on.url))

    warned = [finding for finding in found if finding.level == "warning"]
    assert ["Claim" in finding.what or "press" in finding.what for finding in warned] == [True, True]


def test_a_retired_connector_a_cut_address_and_a_removed_workflow_are_told():
    retired = replace(TEAMS, webhook_url="https://acme.webhook.office.com/webhookb2/1?sig=x")
    with a_chat_that_answers(404) as url:
        removed = examine_notifier(at(TEAMS, url))
    with running_chat("teams") as on:
        cut = examine_notifier(replace(TEAMS, webhook_url=f"{on.url}/workflows/1"))

    assert ["retired" in finding.what for finding in examine_notifier(retired)] == [True]
    assert "broken" in levels(removed)
    assert ["sig=" in finding.what for finding in cut if finding.level == "broken"] == [True]
