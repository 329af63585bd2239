"""baton setup and baton doctor as commands: what they say, their exit codes, and that no secret is ever printed."""

import json
import stat
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from connectors.ports import Installed
from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.server import running_sandbox
from gateway.cli import cli
from gateway.db.migrate import upgrade

SOURCE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONFIG = """\
public_url: {public_url}
redis: redis://127.0.0.1:1/0
sources:
  shop-bot: {{vendor: canonical, secrets: [{secret}], helpdesk: desk}}
helpdesks:
  desk:
    {{kind: zendesk, base_url: "{zendesk}", oauth: {{client_id: env:ZD_ID, client_secret: env:ZD_SECRET}}, timeout: 5s}}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a bare Zendesk behind it, and `run("doctor", …)` in it."""
    with running_sandbox("zendesk", bare=True) as zendesk:
        text = CONFIG.format(public_url="http://127.0.0.1:1", secret=SOURCE_SECRET, zendesk=zendesk.url)
        (tmp_path / "baton.yml").write_text(text, "utf-8")
        for name, value in (
            ("BATON_CONFIG", str(tmp_path / "baton.yml")),
            ("BATON_API_TOKENS", "program-token"),
            ("ZD_ID", CREDENTIALS.client_id),
            ("ZD_SECRET", CREDENTIALS.client_secret),
        ):
            monkeypatch.setenv(name, value)
        yield SimpleNamespace(
            folder=tmp_path, zendesk=zendesk, run=lambda *words: CliRunner().invoke(cli, words, catch_exceptions=False)
        )


def levels(answer):
    return {s["name"]: [f["level"] for f in s["findings"]] for s in json.loads(answer.stdout)["sections"]}


def test_the_doctor_says_what_is_wrong_with_each_part_and_how_to_mend_it(here):
    answer = here.run("doctor")

    assert answer.exit_code == 1
    for words in (
        "there is no database at",
        "→ run `baton db upgrade`",
        "Redis does not answer",
        "http://127.0.0.1:1 does not answer",
        "the account has no ticket field 900001",
        "→ run `baton setup`",
        "thing(s) to mend.",
    ):
        assert words in answer.stdout


def test_the_doctor_in_json_has_the_same_in_parts(here):
    upgrade(f"sqlite:///{here.folder / 'var' / 'baton.sqlite3'}")

    answer = here.run("doctor", "--json")

    found = levels(answer)
    assert answer.exit_code == 1
    assert found["database"] == ["ok", "warning"]  # no relay runs
    assert (found["redis"], found["policy"], found["gateway"]) == (["broken"], ["ok"], ["broken"])
    assert "broken" in found["helpdesk desk (zendesk)"]


def test_a_database_of_another_version_is_told_and_none_is_made(here):
    path = here.folder / "var" / "baton.sqlite3"

    before = here.run("doctor")
    path.parent.mkdir()
    path.touch()
    after = here.run("doctor")

    assert "there is no database" in before.stdout
    assert "the database is empty; this version needs" in after.stdout


def test_the_doctor_looks_at_named_helpdesks_alone(here):
    assert list(levels(here.run("doctor", "desk", "--json"))) == ["helpdesk desk (zendesk)"]


def test_setup_mends_what_the_doctor_found_in_the_helpdesk(here):
    before = here.run("doctor", "desk")
    made = here.run("setup", "desk")
    after = here.run("doctor", "desk")

    assert (before.exit_code, made.exit_code, after.exit_code) == (1, 0, 0)
    assert "Nothing is broken." in after.stdout


def test_setup_says_what_it_did_and_what_is_left_to_people(here):
    answer = here.run("setup", "desk")

    assert answer.stdout.count("created") == 11
    assert "by hand       routes without a group of their name: billing" in answer.stdout
    assert "Restart gateways and workers" in answer.stdout


def test_setup_that_could_not_be_done_says_so_and_goes_on_next_time(here):
    here.zendesk.faults.add("503", method="POST", path="/api/v2/ticket_fields*", nth=4)

    first = here.run("setup", "desk")
    second = here.run("setup", "desk")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert "desk is not set up: Zendesk" in first.stderr
    assert second.stdout.count("there         field") == 3


def test_neither_command_prints_a_secret_unless_asked(here):
    said = [here.run(*words) for words in (["doctor"], ["setup", "desk"], ["doctor"], ["setup", "desk", "--json"])]
    kept = (here.folder / "var" / "secrets" / "desk.webhook").read_text().strip()
    asked = here.run("setup", "desk", "--show-secret")

    told = "".join(answer.output for answer in said)
    assert [s for s in (kept, CREDENTIALS.client_secret, SOURCE_SECRET, "program-token") if s in told] == []
    assert f"webhook secret: {kept}" in asked.stdout


def test_the_kept_secret_is_for_its_owner_alone(here):
    here.run("setup", "desk")

    path = here.folder / "var" / "secrets" / "desk.webhook"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_a_helpdesk_that_cannot_sign_gets_a_token_that_is_kept_and_stays(here, monkeypatch):
    told = []

    class Keeper:
        def install(self, wanted, *, dry_run):
            told.append(wanted.webhook_token)
            return Installed()

    monkeypatch.setattr("gateway.cli.accounts.make_keeper", lambda _account: Keeper())

    here.run("setup", "desk")
    here.run("setup", "desk")

    kept = (here.folder / "var" / "secrets" / "desk.webhook").read_text().strip()
    assert told == [kept, kept]
    assert len(kept) > 40


def test_by_trigger_both_commands_agree(here):
    made = here.run("setup", "desk", "--by-trigger", "--json")
    after = here.run("doctor", "desk")

    kinds = [change["kind"] for change in json.loads(made.stdout)["changes"]]
    assert kinds.count("trigger") == 1
    assert after.exit_code == 0


@pytest.mark.parametrize("command", ["setup", "doctor"])
def test_a_helpdesk_nobody_configured_is_exit_2_with_those_there_are(here, command):
    answer = here.run(command, "dsk")

    assert answer.exit_code == 2
    assert "there are: desk" in answer.stderr


def test_a_broken_policy_is_told_and_the_rest_is_still_looked_at(here):
    (here.folder / "rules").mkdir()
    text = (here.folder / "baton.yml").read_text("utf-8")
    (here.folder / "baton.yml").write_text(f"policies: rules\n{text}", "utf-8")

    found = levels(here.run("doctor", "--json"))

    assert set(found["policy"]) == {"broken"}
    assert len(found) == 6


def test_a_sandbox_that_is_not_running_is_told(here):
    text = (here.folder / "baton.yml").read_text("utf-8")
    (here.folder / "baton.yml").write_text(text.replace(here.zendesk.url, "sandbox"), "utf-8")

    doctor, setup = here.run("doctor", "desk"), here.run("setup", "desk")

    assert "its sandbox is not running" in doctor.stdout
    assert (setup.exit_code, "its sandbox is not running" in setup.stderr) == (1, True)


def test_secrets_that_are_short_or_shared_are_told_by_the_sources_name(here):
    text = (here.folder / "baton.yml").read_text("utf-8")
    second = f"  other-bot: {{vendor: canonical, secrets: [{SOURCE_SECRET}], helpdesk: desk}}\nhelpdesks:"
    (here.folder / "baton.yml").write_text(text.replace("helpdesks:", second), "utf-8")

    answer = here.run("doctor")

    assert "shop-bot and other-bot have the same secret" in answer.stdout


def test_a_source_that_cannot_wait_for_an_accept_is_told_where_the_policy_wants_it(here):
    answer = here.run("doctor")

    assert "shop-bot: it has no base_url, so nobody can tell it later to put a customer through" in answer.stdout
