"""baton send: a vendor that proves itself in the address is sent with that proof."""

from click.testing import CliRunner

from gateway.cli.send import send

CONFIG = """\
sources:
  shop: {vendor: chatwoot, secrets: [old-server-secret], helpdesk: desk, options: {account_id: "1", signature: url}}
helpdesks:
  desk: {kind: zendesk, base_url: sandbox}
"""
CALL = b'POST /v1/in/shop HTTP/1.1\n\n{"event": "message_created", "id": 64301, "conversation": {"id": 11791}}\n'


def test_what_stands_in_the_address_is_sent_along(tmp_path, monkeypatch, local_vendor):
    monkeypatch.setenv("BATON_CONFIG", str(tmp_path / "baton.yml"))
    (tmp_path / "baton.yml").write_text(CONFIG, "utf-8")
    (tmp_path / "call.http").write_bytes(CALL)

    done = CliRunner().invoke(send, [str(tmp_path / "call.http"), "--to", local_vendor.url])

    assert done.exit_code == 0, done.output
    assert [call.path for call in local_vendor.calls] == ["/v1/in/shop?token=old-server-secret"]
