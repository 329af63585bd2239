"""
Child processes that belong together: started in order, restarted when they die, ended by their pids.
Each child dies with this process, also when it is killed outright.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
SLOWEST_RESTART = 10.0
STEADY_AFTER = 30.0  # seconds a child must have run for its next death to count as the first


class DidNotStart(Exception):
    """A child was not ready in time, or ended at once. str() names it and its log."""


@dataclass(slots=True)
class Child:
    """
    One process to keep alive.

    ready: asked after every start, until it says True. Its output goes to `log_file`.
    """

    name: str
    command: Sequence[str]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None


class Supervisor:
    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = threading.Event()

    def start(self, child: Child, timeout: float = 20.0) -> Child:
        """Start one child and wait until it is ready. Raises DidNotStart."""
        self.children.append(child)
        self._spawn(child)
        deadline = time.monotonic() + timeout
        while not child.ready():
            assert child.process is not None  # noqa: S101 - just spawned
            if child.process.poll() is not None:
                raise DidNotStart(f"{child.name} ended with {child.process.returncode}; see {child.log_file}")
            if time.monotonic() > deadline:
                raise DidNotStart(f"{child.name} was not ready within {timeout:g} s; see {child.log_file}")
            self.stopping.wait(0.05)
        return child

    def watch(self) -> None:
        """Restart what dies, until `stopping` is set."""
        while not self.stopping.wait(0.2):
            for child in self.children:
                if child.process is None or child.process.poll() is None:
                    continue
                now = time.monotonic()
                if child.restart_at is None:
                    log.warning("process_died", extra={"child": child.name, "exit_code": child.process.returncode})
                    child.failures = 0 if now - child.started_at > STEADY_AFTER else child.failures + 1
                    child.restart_at = now + min(SLOWEST_RESTART, 0.1 * 2**child.failures)
                elif now >= child.restart_at:
                    self._spawn(child)

    def stop(self, patience: float = 10.0) -> None:
        """End all children, last started first: SIGTERM, then SIGKILL to whoever is still there."""
        self.stopping.set()
        running = [c.process for c in reversed(self.children) if c.process and c.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + patience
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, child: Child) -> None:
        child.log_file.parent.mkdir(parents=True, exist_ok=True)
        with child.log_file.open("ab") as out:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **child.environment},
                preexec_fn=_in_child,
            )
        child.started_at, child.restart_at = time.monotonic(), None


def die_with_parent() -> None:
    """From now on the kernel kills this process when its parent dies (Linux; elsewhere nothing happens)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _in_child() -> None:
    # A Ctrl-C in the terminal reaches the whole group; only the supervisor acts on it, and then ends us in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
