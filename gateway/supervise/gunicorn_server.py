"""
gunicorn around our application: gthread workers; no control socket; the environment's configuration in each.

SIGHUP replaces the processes by new ones that read configuration and policy anew, if both can be read.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from gateway.app import create_app
from gateway.supervise.processes import die_with_parent

log = logging.getLogger(__name__)

MayReload = Callable[[], None]


class _Arbiter(Arbiter):  # type: ignore[misc]
    def __init__(self, app: _Server) -> None:
        self._may_reload = app.may_reload
        super().__init__(app)

    def handle_hup(self) -> None:
        """New processes that cannot start would take the old ones with them: look first, and stay as we are."""
        try:
            self._may_reload()
        except Exception as error:
            log.error("reload_refused", extra={"error": type(error).__name__})
            return
        super().handle_hup()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: Mapping[str, Any], make_app: Callable[[], Flask], may_reload: MayReload) -> None:
        self._options = options
        self._make_app = make_app
        self.may_reload = may_reload
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._make_app()

    def run(self) -> None:
        try:
            _Arbiter(self).run()
        except RuntimeError as error:  # as gunicorn says it
            sys.exit(f"Error: {error}")


def run_gunicorn(
    address: str,
    *,
    processes: int,
    threads: int,
    make_app: Callable[[], Flask] = create_app,
    may_reload: MayReload = lambda: None,
) -> None:
    """
    Serve until told to stop. `make_app` is called in every worker process; `may_reload` at SIGHUP, and raises if new
    processes could not start.
    """
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
    known = {k: v for k, v in options.items() if k != "no_control_socket" or _knows_control_socket()}
    _Server(known, make_app, may_reload).run()


def _knows_control_socket() -> bool:
    from gunicorn.config import KNOWN_SETTINGS

    return any(setting.name == "no_control_socket" for setting in KNOWN_SETTINGS)
