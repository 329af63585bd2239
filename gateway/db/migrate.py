"""Bringing a database to the newest schema. Safe to run from several processes at once, and twice."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import make_url

from gateway.db.engine import Database

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x6261746F6E  # "baton": the advisory lock under which PostgreSQL is migrated


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str) -> None:
    """Run every migration that is missing. Makes the folder of a SQLite file."""
    if make_url(url).get_backend_name() == "sqlite" and (name := make_url(url).database):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
    database = Database(url)
    try:
        with database.begin() as connection:  # on SQLite this waits for other writers by itself
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config = alembic_config(url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()
