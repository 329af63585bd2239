"""The Env of this worker process. RQ calls plain functions by name, so there is one place where they find it."""

from __future__ import annotations

from gateway.wiring import Env

_env: Env | None = None


def use(env: Env) -> None:
    global _env
    _env = env


def current() -> Env:
    if _env is None:
        raise RuntimeError("no environment: jobs run inside `baton work`, or after gateway.jobs.environment.use(env)")
    return _env
