"""
What setting up an account has taught us, put where the next process finds it: ids into the field map file, the webhook
secret into a file of its own that only its owner can read.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from connectors.ports import Installed
from gateway.settings import STARTER_FIELDS, HelpdeskSettings, Settings, kept_secret_path, learned_fields

HEADER = """\
# Where Baton's fields and routes go in the helpdesk account {name!r}. Written by `baton setup {name}`; what you
# change or add stays, and lines whose field is gone from the account are renewed. Keep it with baton.yml.
"""


class CannotKeep(Exception):
    """What was learned has no place to go. The text says what to do."""


def fields_file(settings: Settings, helpdesk: HelpdeskSettings) -> Path:
    """The file to write to: the one in use, unless that is one we ship."""
    path = helpdesk.field_map_path
    if path is None or path.is_relative_to(STARTER_FIELDS):
        return learned_fields(settings.folder, helpdesk.account.name)
    return path


def check_name(name: str) -> None:
    """Raises CannotKeep for a helpdesk whose name cannot be a file's."""
    if not name or name.startswith(".") or not all(c.isalnum() or c in "-_." for c in name):
        raise CannotKeep(f"helpdesk {name!r}: setup writes files of its name; use letters, digits, - _ . only")


def keep_fields(path: Path, name: str, installed: Installed) -> bool:
    """
    Put the ids into the field map file: what the account was found to have wins, everything else in the file stays,
    comments too. False: nothing had to be written.
    """
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    before = path.read_text("utf-8") if path.exists() else None
    tree = yaml.load(before or HEADER.format(name=name) + "fields: {}\n") or {}
    changed = before is None
    for part, learned in (("fields", installed.fields), ("groups", installed.groups)):
        if tree.get(part) is None:
            tree[part] = {}
        for key, value in learned.items():
            if str(tree[part].get(key)) != value:
                tree[part][key] = int(value) if value.isdecimal() else value
                changed = True
    own = [str(one) for one in tree.get("own_user_ids") or ()]
    if missing := [one for one in installed.own_users if one not in own]:
        tree["own_user_ids"] = [*own, *missing]
        changed = True
    if changed:
        for part in ("fields", "groups"):
            if hasattr(tree[part], "fa"):
                tree[part].fa.set_block_style()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path, 0o644) as draft:
            yaml.dump(tree, draft)
    return changed


def keep_secret(settings: Settings, name: str, secret: str) -> Path | None:
    """Keep the webhook secret, unless the gateway knows it already. None: it does."""
    if secret in settings.helpdesks[name].webhook_secrets:
        return None
    path = kept_secret_path(settings.var, name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _replacing(path, 0o600) as draft:
        draft.write_text(secret + "\n", "utf-8")
    return path


@contextmanager
def _replacing(path: Path, mode: int) -> Iterator[Path]:
    """A file beside `path` that takes its place once it is whole: nobody ever reads half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # readable by us alone
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(mode)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
