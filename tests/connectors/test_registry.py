"""The names of what we can talk to."""

import pytest

from connectors import registry
from connectors.ports import FieldMap, HelpdeskAccount


@pytest.mark.parametrize("kind", sorted(registry.HELPDESKS))
def test_every_helpdesk_has_a_client_and_an_inbound_of_its_name(kind):
    credentials = {"api_key": "x", "email": "a@b.de", "api_token": "x", "user": "x", "password": "x"}

    fields = FieldMap(fields={"packet_id": "900001" if kind == "zendesk" else "cf_packet_id"})

    client = registry.make_helpdesk(HelpdeskAccount("desk", kind, "https://desk.example", credentials, fields))

    assert (client.name, registry.inbound_of(kind).name) == (kind, kind)


@pytest.mark.parametrize("name", sorted(registry.VENDORS))
def test_every_vendor_is_registered_under_its_own_name(name):
    assert registry.vendor(name).name == name


def test_an_unknown_helpdesk_is_told_with_what_was_probably_meant():
    with pytest.raises(
        registry.UnknownName, match=r"unknown helpdesk 'zendeks'; did you mean 'zendesk'\? There are: fr"
    ):
        registry.inbound_of("zendeks")


def test_an_unknown_kind_of_account_is_told_too():
    with pytest.raises(registry.UnknownName, match="unknown helpdesk 'jira'"):
        registry.make_helpdesk(HelpdeskAccount("desk", "jira", "https://desk.example"))


def test_an_unknown_vendor_is_told_with_all_there_are():
    with pytest.raises(registry.UnknownName, match=r"unknown vendor 'acme'. There are: .*canonical"):
        registry.vendor("acme")
