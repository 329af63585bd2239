"""What setup has learned is kept where the gateway reads it, and what people wrote stays."""

import stat

import pytest

from connectors.ports import Installed
from gateway.accounts.learned import CannotKeep, check_name, fields_file, keep_fields, keep_secret
from gateway.settings import STARTER_FIELDS, load_settings, read_field_file

CONFIG = """\
sources:
  bot: {vendor: canonical, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], helpdesk: desk}
helpdesks:
  desk: {kind: zendesk, base_url: "https://acme.zendesk.com", email: a@b.de, api_token: t0ken}
"""
LEARNED = Installed(
    fields={"packet_id": "26155630658963", "tier": "26155630658964"},
    groups={"default": "36000000108"},
    own_users=("26155588000001",),
    webhook_secret="c2lnbmluZyBzZWNyZXQ=",
)


@pytest.fixture
def read(tmp_path):
    def load(text=CONFIG):
        (tmp_path / "baton.yml").write_text(text, "utf-8")
        return load_settings(tmp_path / "baton.yml", {})

    return load


def test_without_a_field_map_of_its_own_a_helpdesk_gets_one_beside_the_configuration(read, tmp_path):
    settings = read()
    path = fields_file(settings, settings.helpdesks["desk"])

    keep_fields(path, "desk", LEARNED)

    desk = read().helpdesks["desk"]
    assert path == tmp_path / "fields" / "desk.yml"
    assert desk.account.field_map.fields == LEARNED.fields
    assert desk.account.field_map.groups == LEARNED.groups
    assert desk.own_user_ids == {"26155588000001"}


def test_the_shipped_field_map_is_never_written_to(read, tmp_path):
    text = CONFIG.replace("zendesk, base", f"zendesk, fields: {STARTER_FIELDS / 'zendesk.yml'}, base")
    settings = read(text)

    assert fields_file(settings, settings.helpdesks["desk"]) == tmp_path / "fields" / "desk.yml"


def test_what_people_wrote_into_a_field_map_stays(tmp_path):
    path = tmp_path / "ours.yml"
    path.write_text(
        "# ours, ask Dana before you change it\nfields:\n  reason: 7  # the long one\n  tier: 1\ngroups: {vip: 42}\n",
        "utf-8",
    )

    keep_fields(path, "desk", LEARNED)

    text, (field_map, own_users) = path.read_text("utf-8"), read_field_file(path)
    assert "# ours, ask Dana" in text
    assert "# the long one" in text
    assert field_map.fields == {"reason": "7", **LEARNED.fields}
    assert field_map.groups == {"vip": "42", "default": "36000000108"}
    assert own_users == {"26155588000001"}


def test_nothing_new_is_nothing_written(tmp_path):
    path = tmp_path / "ours.yml"
    first = keep_fields(path, "desk", LEARNED)
    before = path.read_bytes()

    second = keep_fields(path, "desk", LEARNED)

    assert (first, second) == (True, False)
    assert path.read_bytes() == before


def test_the_secret_is_kept_for_its_owner_alone_and_the_gateway_takes_it(read):
    settings = read()

    path = keep_secret(settings, "desk", LEARNED.webhook_secret)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read().helpdesks["desk"].webhook_secrets == (LEARNED.webhook_secret,)
    assert keep_secret(read(), "desk", LEARNED.webhook_secret) is None  # known by now


def test_a_secret_that_stands_in_the_configuration_is_not_kept_twice(read):
    settings = read(CONFIG.replace("api_token: t0ken", f'api_token: t0ken, webhook_secret: "{LEARNED.webhook_secret}"'))

    assert keep_secret(settings, "desk", LEARNED.webhook_secret) is None
    assert not (settings.var / "secrets").exists()


@pytest.mark.parametrize("name", ["../desk", "a/b", ".desk", "", "de sk"])
def test_a_name_that_could_lead_elsewhere_is_refused(name):
    with pytest.raises(CannotKeep, match="letters, digits"):
        check_name(name)
