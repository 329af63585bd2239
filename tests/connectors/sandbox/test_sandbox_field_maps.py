"""The starter field maps name what the sandboxes have, so that a fresh checkout works against them."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connectors.sandbox import accounts

FOLDER = Path(__file__).parents[3] / "policies" / "starter" / "fields"
EXPECTED = {
    "zendesk": (accounts.ZENDESK_FIELD_IDS, accounts.ZENDESK_GROUP_IDS),
    "freshdesk": (accounts.FRESHDESK_FIELD_NAMES, accounts.FRESHDESK_GROUP_IDS),
    "servicenow": (accounts.SERVICENOW_COLUMNS, accounts.SERVICENOW_GROUP_IDS),
}


@pytest.mark.parametrize("kind", accounts.KINDS)
def test_a_starter_field_map_names_the_sandboxs_fields_and_groups(kind):
    field_map = YAML(typ="safe").load((FOLDER / f"{kind}.yml").read_text(encoding="utf-8"))
    fields, groups = EXPECTED[kind]

    assert field_map["fields"] == fields
    assert field_map["groups"] == {**groups, "default": groups["general"]}


def test_the_servicenow_map_names_the_guest_as_caller():
    field_map = YAML(typ="safe").load((FOLDER / "servicenow.yml").read_text(encoding="utf-8"))

    assert field_map["defaults"] == {"caller_id": accounts.SERVICENOW_GUEST_ID}
