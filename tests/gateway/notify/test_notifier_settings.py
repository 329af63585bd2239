"""`notifiers` of baton.yml: what is read, and what a mistake is told, with its line."""

import json

import pytest

from gateway.settings import SANDBOXES_VARIABLE, SettingsError, load_settings

REST = """
sources:
  shop: {vendor: canonical, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], helpdesk: desk}
helpdesks:
  desk: {kind: zendesk, base_url: sandbox}
"""
SLACK = "{kind: slack, token: env:SLACK_TOKEN, channel: C1, signing_secret: env:SIGNING}"


def read(tmp_path, text, **environ):
    path = tmp_path / "baton.yml"
    path.write_text(text + REST, "utf-8")
    return load_settings(path, {"SLACK_TOKEN": "xoxb-1", "SIGNING": "s-1"} | environ)


def test_a_slack_account_is_read_with_its_secrets_from_the_environment(tmp_path):
    account = read(tmp_path, f"notifiers:\n  team-chat: {SLACK}").notifiers["team-chat"].account

    assert (account.token, account.channel, account.secrets) == ("xoxb-1", "C1", ("s-1",))
    assert "xoxb-1" not in repr(account)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("notifiers:\n  a: {kind: slak}", "baton.yml:2: notifiers.a.kind"),
        ("notifiers:\n  a: {kind: slack, chanel: C1}", "Did you mean 'channel'?"),
        ("notifiers:\n  a: {kind: slack, token: x, channel: C1}", "slack needs signing_secret"),
        ("notifiers:\n  a: {kind: teams, webhook_url: 'https://x', link_secret: 0123456789abcdef}", "needs public_url"),
        (f"notifiers:\n  'a:b': {SLACK}", "a notifier's name is letters, digits, _ and -"),
        (f"notifiers:\n  a: {SLACK[:-1]}, timeout: 1m}}", "waited for 15s at most"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_write(tmp_path, text, problem):
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, text)

    assert problem in str(raised.value)
    assert "baton.yml:2:" in str(raised.value)


def test_a_sandbox_chat_is_where_the_supervisor_says(tmp_path):
    told = {"notifier:a": {"url": "http://127.0.0.1:9001", "secret": "made-up-for-this-run", "gateway": "http://g"}}
    text = "notifiers:\n  a: {kind: slack, base_url: sandbox}"

    found = read(tmp_path, text, **{SANDBOXES_VARIABLE: json.dumps(told)}).notifiers["a"]

    assert found.is_sandbox
    assert (found.account.base_url, found.account.secrets) == ("http://127.0.0.1:9001/api", ("made-up-for-this-run",))
