"""
The `baton` command. Each command is thin: it reads options, calls a room, prints. Exit codes: 0 fine, 1 the answer
is no, 2 could not run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from importlib import import_module

import click
from sqlalchemy.exc import OperationalError

from gateway.settings import SettingsError
from policies.problems import PolicyErrors

# Which commands stand in which module of this package.
MODULES: Mapping[str, tuple[str, ...]] = {
    "serving": ("up", "serve", "work", "relay"),
    "database": ("db",),
    "policy": ("policy",),
    "policy_detect": ("policy",),
    "policy_lab": ("policy",),
    "handoffs": ("handoffs",),
    "callbacks": ("callbacks",),
    "sla": ("sla",),
    "customers": ("customers",),
    "send": ("send",),
    "demo": ("demo",),
    "accounts": ("setup", "doctor"),
    "torture": ("torture",),
    "vendor": ("vendor",),
}


class Commands(click.Group):
    """
    Reads only the modules of the command that is asked for: `baton work` starts often, and most of the others bring
    libraries along that it does not need.
    """

    _read: set[str]
    _known: MutableMapping[str, click.Command]

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """All of them, by name; reads every module."""
        self._load(None)
        return self._known

    @commands.setter
    def commands(self, known: MutableMapping[str, click.Command]) -> None:
        self._read, self._known = set(), known

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        self._known[name or cmd.name or ""] = cmd

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._load(cmd_name)
        return self._known.get(cmd_name)

    def _load(self, name: str | None) -> None:
        for module, names in MODULES.items():
            if module not in self._read and (name is None or name in names):
                self._read.add(module)
                import_module(f"gateway.cli.{module}").register(self)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="baton")
def cli() -> None:
    """Hands a chatbot's conversation over to people: one complete ticket, with an SLA clock, exactly once."""


def main() -> None:
    """The console script: configuration problems become a message and exit 2, not a traceback."""
    try:
        cli()
    except (SettingsError, PolicyErrors, FileNotFoundError) as error:
        click.echo(f"baton could not run:\n{error}", err=True)
        sys.exit(2)
    except OperationalError as error:
        click.echo(
            f"baton could not run: the database is not there or not ready ({type(error.orig).__name__}).\n"
            "Check `database:` in baton.yml; `baton db upgrade` brings an old or empty one up to date.",
            err=True,
        )
        sys.exit(2)
