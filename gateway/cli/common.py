"""What several commands need: the configuration, an Env, the address of what is running."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from gateway.settings import STARTER_POLICY, Settings, load_settings
from gateway.supervise.redis_server import redis_url
from gateway.telemetry.logs import configure_logs
from gateway.wiring import Env


def config_path() -> Path:
    return Path(os.environ.get("BATON_CONFIG", "baton.yml"))


def settings() -> Settings:
    """Raises SettingsError."""
    return load_settings(config_path())


def policy_folder() -> Path:
    """The folder the configuration names; without a configuration the starter policy."""
    path = config_path()
    return load_settings(path).policies if path.exists() else STARTER_POLICY


class PolicyFolder(click.Path):
    """An existing policy folder; the word `starter` means the one we ship, wherever it is installed."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, exists=True, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        ours = value == STARTER_POLICY.name and not Path(value).exists()
        return super().convert(str(STARTER_POLICY) if ours else value, param, ctx)


def environment(level: str = "INFO") -> Env:
    """An Env over the configuration, logging JSON lines. Raises SettingsError, PolicyErrors."""
    configure_logs(os.environ.get("BATON_LOG_LEVEL", level))
    found = settings()
    return Env(found, redis_url=redis_url(found))


def running_gateway(var: Path) -> str | None:
    """The address of the gateway that `baton up` runs here, if it left one."""
    try:
        found: str = json.loads((var / "run" / "addresses.json").read_text("utf-8"))["gateway"]
    except (OSError, ValueError, KeyError):
        return None
    return found
