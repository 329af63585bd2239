"""gunicorn around our application: gthread workers; no control socket; the environment's configuration in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from gateway.app import create_app
from gateway.supervise.processes import die_with_parent


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: Mapping[str, Any], make_app: Callable[[], Flask]) -> None:
        self._options = options
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._make_app()


def run_gunicorn(address: str, *, processes: int, threads: int, make_app: Callable[[], Flask] = create_app) -> None:
    """Serve until told to stop. `make_app` is called in every worker process."""
    options: dict[str, Any] = {
        "bind": address,
        "workers": processes,
        "worker_class": "gthread",
        "threads": threads,
        "timeout": 30,
        "graceful_timeout": 10,
        "keepalive": 30,
        "loglevel": "warning",
        "no_control_socket": True,  # gunicorn 27 opens one under the home directory otherwise
        "proc_name": "baton-gateway",
        "post_fork": lambda _server, _worker: die_with_parent(),
    }
    _Server({k: v for k, v in options.items() if k != "no_control_socket" or _knows_control_socket()}, make_app).run()


def _knows_control_socket() -> bool:
    from gunicorn.config import KNOWN_SETTINGS

    return any(setting.name == "no_control_socket" for setting in KNOWN_SETTINGS)
