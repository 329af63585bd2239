"""baton.yml: every problem at once, with line and remedy; secrets stay out of sight."""

from datetime import timedelta

import pytest

from gateway.settings import SettingsError, load_settings

GOOD = """\
sources:
  shop-bot: {vendor: canonical, secrets: [env:SHOP_SECRET], helpdesk: desk}
helpdesks:
  desk:
    kind: zendesk
    base_url: https://acme.zendesk.com/
    oauth: {client_id: env:ZD_ID, client_secret: env:ZD_SECRET}
    webhook_secret: env:ZD_WEBHOOK
    timeout: 20s
    redact: strict
"""
ENVIRONMENT = {
    "SHOP_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "ZD_ID": "id",
    "ZD_SECRET": "very-secret",
    "ZD_WEBHOOK": "hook-secret",
    "BATON_API_TOKENS": "t1, t2 ,",
}


def read(tmp_path, text, environ=ENVIRONMENT):
    path = tmp_path / "baton.yml"
    path.write_text(text, "utf-8")
    return load_settings(path, environ)


def problems(tmp_path, text, environ=ENVIRONMENT):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, environ)
    return [p.removeprefix(f"{tmp_path}/baton.yml:") for p in caught.value.problems]


def test_a_whole_file_is_read_with_its_defaults(tmp_path):
    settings = read(tmp_path, GOOD)

    desk = settings.helpdesks["desk"]
    assert settings.sources["shop-bot"].account.secrets == (ENVIRONMENT["SHOP_SECRET"],)
    assert desk.account.base_url == "https://acme.zendesk.com"
    assert desk.account.credentials["client_secret"] == "very-secret"
    assert desk.account.timeout == timedelta(seconds=20)
    assert desk.account.field_map.fields["packet_id"]
    assert (desk.webhook_secrets, desk.redact) == (("hook-secret",), "strict")
    assert settings.database == f"sqlite:///{tmp_path}/var/baton.sqlite3"
    assert settings.redis is None
    assert settings.api_tokens == ("t1", "t2")


def test_no_secret_shows_in_a_repr(tmp_path):
    shown = repr(read(tmp_path, GOOD))

    for secret in ("very-secret", "hook-secret", "whsec_", "t1"):
        assert secret not in shown


def test_every_problem_is_told_at_once_with_its_line(tmp_path):
    wrong = GOOD.replace("kind: zendesk", "kind: zendisk").replace("redact: strict", "redact: all")

    found = problems(tmp_path, wrong)

    assert [p.split(": ")[:2] for p in found] == [["5", "helpdesks.desk.kind"], ["10", "helpdesks.desk.redact"]]


def test_an_unknown_key_gets_a_suggestion(tmp_path):
    (found,) = problems(tmp_path, GOOD.replace("webhook_secret", "webhook_secrets"))

    assert found.startswith("8: helpdesks.desk.webhook_secrets: unknown key")
    assert "Did you mean 'webhook_secret'?" in found


def test_a_missing_environment_variable_is_named_and_its_line(tmp_path):
    found = problems(tmp_path, GOOD, {k: v for k, v in ENVIRONMENT.items() if k != "ZD_SECRET"})

    assert any("the environment has no ZD_SECRET" in p and p.startswith("7:") for p in found)


def test_a_source_with_an_unknown_helpdesk_and_a_bad_secret_names_both(tmp_path):
    found = problems(
        tmp_path, GOOD.replace("helpdesk: desk}", "helpdesk: dsk}"), ENVIRONMENT | {"SHOP_SECRET": "not base64!"}
    )

    assert any("no helpdesk 'dsk'" in p and "desk" in p for p in found)
    assert any("base64" in p and "not base64!" not in p for p in found)


@pytest.mark.parametrize("name", ["shop/bot", "shop bot", "s" * 101])
def test_a_name_that_fits_no_address_or_column_is_refused(tmp_path, name):
    told = problems(tmp_path, GOOD.replace("shop-bot:", f"'{name}':").replace("\n  desk:", f"\n  '{name}':"))

    assert [line.split(":")[0] for line in told if "stands in the address" in line] == ["4", "2"]


def test_a_helpdesk_without_credentials_says_which_it_needs(tmp_path):
    text = GOOD.replace("    oauth: {client_id: env:ZD_ID, client_secret: env:ZD_SECRET}\n", "")

    (found,) = problems(tmp_path, text)

    assert "client_id" in found or "oauth" in found


@pytest.mark.parametrize(
    ("text", "word"), [("a: [", "not YAML"), ("sources: {}\nsources: {}\n", "not YAML"), ("- x\n", "")]
)
def test_what_is_no_configuration_at_all_is_said_so(tmp_path, text, word):
    assert any(word in p for p in problems(tmp_path, text))


@pytest.mark.parametrize("raw", [b"sources: \xff\n", b"sources: \x07\n"])
def test_a_file_that_is_no_text_is_said_so(tmp_path, raw):
    path = tmp_path / "baton.yml"
    path.write_bytes(raw)

    with pytest.raises(SettingsError, match=r"baton\.yml:1: not (UTF-8|YAML)"):
        load_settings(path, {})


def test_a_file_that_is_not_there_says_how_to_name_one(tmp_path):
    with pytest.raises(SettingsError, match="BATON_CONFIG"):
        load_settings(tmp_path / "none.yml", {})


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("postgresql://u:p%40ss@db/baton", "postgresql+psycopg://u:p%40ss@db/baton"),
        ("postgresql+psycopg://u@db/baton", "postgresql+psycopg://u@db/baton"),
        ("sqlite:////var/lib/baton.db", "sqlite:////var/lib/baton.db"),
    ],
)
def test_a_database_address_is_taken_in_its_common_spellings(tmp_path, written, used):
    assert read(tmp_path, f"database: '{written}'\n{GOOD}").database == used


@pytest.mark.parametrize("written", ["mysql://u@db/baton", "not an address"])
def test_a_database_we_do_not_know_is_said_so(tmp_path, written):
    (found,) = problems(tmp_path, f"database: '{written}'\n{GOOD}")

    assert found.startswith("1: database:")


def test_a_sandbox_needs_no_credentials_and_takes_its_address_from_baton_up(tmp_path):
    text = "sources: {}\nhelpdesks:\n  desk: {kind: freshdesk, base_url: sandbox}\n"
    told = {"BATON_SANDBOXES": '{"desk": {"url": "http://127.0.0.1:5", "webhook_secret": "w"}}'}

    assert read(tmp_path, text).helpdesks["desk"].is_sandbox
    assert read(tmp_path, text, told).helpdesks["desk"].account.base_url == "http://127.0.0.1:5"
    assert read(tmp_path, text, told).helpdesks["desk"].webhook_secrets == ("w",)


MAPPED = """\
sources:
  own-bot: {vendor: mapped, secrets: [key-1], helpdesk: desk, options: {mapping: maps/bot.yml}}
helpdesks:
  desk: {kind: zendesk, base_url: sandbox}
"""


def test_a_file_an_option_names_is_relative_to_the_configuration(tmp_path):
    (tmp_path / "maps").mkdir()
    mapping = tmp_path / "maps" / "bot.yml"
    mapping.write_text("signature: {style: bearer}\nkind: /type\ndata: {conversation: {id: /c}}\n", "utf-8")

    account = read(tmp_path, MAPPED).sources["own-bot"].account

    assert account.options == {"mapping": str(mapping)}


def test_a_wrong_mapping_stops_the_start_with_its_own_file_and_line(tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "bot.yml").write_text("signature: {style: bearer}\nkind: type\n", "utf-8")

    (problem,) = problems(tmp_path, MAPPED)

    assert f"{tmp_path}/maps/bot.yml:2: kind: a JSON pointer begins with a slash: write /type" in problem


@pytest.mark.parametrize("name", ["a" * 41, "../desk", "a b"])
def test_a_helpdesk_has_a_name_that_fits_addresses_and_tables(tmp_path, name):
    renamed = GOOD.replace("helpdesk: desk", f"helpdesk: '{name}'").replace("\n  desk:", f"\n  '{name}':")

    told = problems(tmp_path, renamed)

    assert any("a helpdesk's name is up to 40 letters" in line for line in told)
