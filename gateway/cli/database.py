"""baton db …"""

from __future__ import annotations

import click

from gateway.cli.common import settings
from gateway.db.migrate import upgrade


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to the newest schema. Safe to repeat, also from several machines."""
    upgrade(settings().database)
    click.echo("The database is up to date.")


def register(cli: click.Group) -> None:
    cli.add_command(db)
