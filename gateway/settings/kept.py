"""Files beside the configuration: field maps, and what `baton setup` leaves behind to be read again."""

from __future__ import annotations

from pathlib import Path

from marshmallow import fields
from ruamel.yaml import YAML

from connectors.ports import FieldMap
from gateway.settings.shape import Strict


class _FieldMapFile(Strict):
    fields_ = fields.Dict(keys=fields.Str(), values=fields.Raw(), data_key="fields", load_default=dict)
    groups = fields.Dict(keys=fields.Str(), values=fields.Raw(), load_default=dict)
    defaults = fields.Dict(keys=fields.Str(), values=fields.Raw(), load_default=dict)
    own_user_ids = fields.List(fields.Raw(), load_default=list)


def load_field_map(path: Path) -> FieldMap:
    """One helpdesk's field map file. Raises OSError, ValidationError, MarkedYAMLError."""
    return read_field_file(path)[0]


def read_field_file(path: Path) -> tuple[FieldMap, frozenset[str]]:
    """The field map, and the ids of our own user that `baton setup` has learned. Raises as load_field_map."""
    data = _FieldMapFile().load(YAML(typ="safe").load(path.read_text("utf-8")) or {})
    found = FieldMap(*({k: str(v) for k, v in data[part].items()} for part in ("fields_", "groups", "defaults")))
    return found, frozenset(str(one) for one in data["own_user_ids"])


def learned_fields(folder: Path, helpdesk: str) -> Path:
    """The field map of a helpdesk for which the configuration names none."""
    return folder / "fields" / f"{helpdesk}.yml"


def kept_secret_path(var: Path, helpdesk: str) -> Path:
    """Where the webhook secret of a helpdesk is kept, readable by its owner alone."""
    return var / "secrets" / f"{helpdesk}.webhook"


def kept_secret(var: Path, helpdesk: str) -> str | None:
    try:
        return kept_secret_path(var, helpdesk).read_text("utf-8").strip() or None
    except (OSError, ValueError):
        return None
