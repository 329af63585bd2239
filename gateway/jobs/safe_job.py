"""
An RQ job that runs only what we listed. RQ reads the function's name, its callbacks and even HTTP hooks from Redis;
whoever can write there must not be able to run anything else in our workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rq.job import Job
from rq.utils import import_attribute

from gateway.jobs.queues import ALLOWED_FUNCTIONS


class RefusedJob(Exception):
    """Redis asked for a function that is not one of ours."""


class SafeJob(Job):
    @property
    def func(self) -> Callable[..., Any]:
        if self.func_name not in ALLOWED_FUNCTIONS:
            raise RefusedJob(f"refused to run {self.func_name!r}: not in gateway.jobs.queues.JOBS")
        return import_attribute(self.func_name)

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def _handle_failure(self, exc_string: str, *args: Any, **kwargs: Any) -> None:
        """RQ keeps the traceback in Redis, and an error's message may quote what a customer wrote."""
        super()._handle_failure("see the worker's log", *args, **kwargs)

    def send_webhooks(self, *_args: Any, **_kwargs: Any) -> None:
        return None
