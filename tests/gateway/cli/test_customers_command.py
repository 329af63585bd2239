"""baton customers: finding what is remembered of a customer, and lifting it."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.customers.keys import keys_of
from gateway.db.engine import Database
from gateway.db.migrate import upgrade
from gateway.wiring import Transaction
from packets.event import Customer

CONFIG = """\
sources:
  shop-bot: {vendor: canonical, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], helpdesk: desk}
helpdesks:
  desk: {kind: zendesk, base_url: sandbox}
"""
ANA = Customer(vendor_user_id="u-1", email="ana@example.com")


@pytest.fixture
def baton(tmp_path, monkeypatch):
    (tmp_path / "baton.yml").write_text(CONFIG, "utf-8")
    monkeypatch.setenv("BATON_CONFIG", str(tmp_path / "baton.yml"))
    monkeypatch.setenv("BATON_LOG_LEVEL", "ERROR")
    url = f"sqlite:///{tmp_path / 'var' / 'baton.sqlite3'}"
    upgrade(url)
    database = Database(url)
    with database.begin() as connection:
        Transaction(connection).customers.remember(
            "no_ai_contact", keys_of(ANA, "shop-bot"), datetime(2026, 3, 6, tzinfo=UTC),
            conversation_id="cnv_1", source="shop-bot", rules=["no-ai-contact"],
        )  # fmt: skip
    database.close()
    return lambda *words: CliRunner().invoke(cli, ["customers", *words])


def listed(baton, *words):
    return [json.loads(line) for line in baton("list", "--json", *words).stdout.splitlines()]


@pytest.mark.parametrize(
    ("who", "found"), [("ana@example.com", 1), ("shop-bot:u-1", 1), ("bank-bot:u-1", 0), ("bob@example.com", 0)]
)
def test_a_customer_is_found_by_any_identifier(baton, who, found):
    assert len(listed(baton, "--who", who)) == found


def test_lifting_needs_a_reason_and_keeps_the_record(baton):
    (one,) = listed(baton)

    without = baton("lift", one["id"])
    lifted = baton("lift", one["id"], "--reason", "asked for the bot", "--by", "sam")
    again = baton("lift", one["id"], "--reason", "me, too")

    assert [r.exit_code for r in (without, lifted, again)] == [2, 0, 1]
    assert listed(baton) == []
    (kept,) = listed(baton, "--all")
    assert (kept["lifted"]["by"], kept["lifted"]["reason"]) == ("sam", "asked for the bot")
    assert "by sam: asked for the bot" in baton("show", one["id"]).stdout


def test_an_id_nobody_knows_is_said_so(baton):
    answer = baton("lift", "rem_x", "--reason", "a try")

    assert answer.exit_code == 1
    assert "rem_x" in answer.output
