"""
The `baton` command. Each command is thin: it reads options, calls a room, prints. Exit codes: 0 fine, 1 the answer
is no, 2 could not run.
"""

from __future__ import annotations

import sys

import click
from sqlalchemy.exc import OperationalError

from gateway.cli import (
    accounts,
    customers,
    database,
    demo,
    handoffs,
    policy,
    policy_detect,
    policy_lab,
    send,
    serving,
    sla,
    torture,
    vendor,
)
from gateway.settings import SettingsError
from policies.problems import PolicyErrors


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="baton")
def cli() -> None:
    """Hands a chatbot's conversation over to people: one complete ticket, with an SLA clock, exactly once."""


for module in (
    serving,
    database,
    policy,
    policy_detect,
    policy_lab,
    handoffs,
    sla,
    customers,
    send,
    demo,
    accounts,
    torture,
    vendor,
):
    module.register(cli)


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
