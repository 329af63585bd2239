"""
`baton.yml` and the environment → Settings. Every problem of the file is reported at once, with its line.

`env:NAME` as a value reads the environment, so that no secret needs to stand in a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.settings import accounts
from gateway.settings.page import Page
from gateway.settings.shape import Baton, told_by
from gateway.settings.values import STARTER_POLICY, Settings, SettingsError


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """
    Read one configuration file. Relative paths in it are relative to the file.

    raises: SettingsError, with all problems.
    """
    page = Page(path, os.environ if environ is None else environ, _tree(path))
    plain = page.resolved(page.tree)
    try:
        data: dict[str, Any] = Baton().load(plain)
    except ValidationError as error:
        for place, text in told_by(error.messages_dict):
            page.problem(place, text)
        raise SettingsError(page.problems) from None
    settings = _settings(page, data)
    if page.problems:
        raise SettingsError(page.problems)
    return settings


def _tree(path: Path) -> Any:
    try:
        return YAML(typ="rt").load(path.read_text("utf-8")) or {}
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}. Name it with BATON_CONFIG."]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}:1: not UTF-8 text (byte {error.start})"]) from error
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        told = error.problem if isinstance(error, MarkedYAMLError) else "a character no YAML file may hold"
        raise SettingsError([f"{path}:{mark.line + 1 if mark else 1}: not YAML: {told}"]) from error


def _settings(page: Page, data: dict[str, Any]) -> Settings:
    var = page.beside(data.get("var", "var"))
    database = _database(page, data.get("database"), var)
    helpdesks = {name: accounts.helpdesk(page, name, entry, var) for name, entry in data["helpdesks"].items()}
    sources = {name: accounts.source(page, name, entry, helpdesks) for name, entry in data["sources"].items()}
    return Settings(
        policies=page.beside(data["policies"]) if "policies" in data else STARTER_POLICY,
        database=database,
        redis=data.get("redis") or None,
        var=var,
        sources=sources,
        helpdesks=helpdesks,
        public_url=data["public_url"].rstrip("/") if data.get("public_url") else None,
        api_tokens=tuple(t for t in map(str.strip, page.environ.get("BATON_API_TOKENS", "").split(",")) if t),
        folder=page.path.parent.resolve(),
        notifiers={
            name: accounts.notifier(page, name, entry, data.get("public_url"))
            for name, entry in data.get("notifiers", {}).items()
        },
    )


def _database(page: Page, url: str | None, var: Path) -> str:
    """The address as SQLAlchemy wants it; psycopg is what we bring for PostgreSQL."""
    if not url:
        return f"sqlite:///{var / 'baton.sqlite3'}"
    try:
        parts = make_url(url)
    except ArgumentError:
        page.problem(("database",), "no database address; write sqlite:///… or postgresql+psycopg://…")
        return url
    if parts.drivername in ("postgresql", "postgres"):
        parts = parts.set(drivername="postgresql+psycopg")
    if parts.get_backend_name() == "postgresql" and find_spec("psycopg") is None:
        page.problem(("database",), "PostgreSQL needs psycopg: pip install 'baton[postgres]'")
    elif parts.get_backend_name() not in ("postgresql", "sqlite"):
        page.problem(("database",), f"{parts.get_backend_name()} is not supported; SQLite and PostgreSQL are")
    return parts.render_as_string(hide_password=False)
