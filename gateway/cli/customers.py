"""baton customers list | show | lift"""

from __future__ import annotations

import getpass
import json
from typing import Any

import click

from gateway.cli.common import environment
from gateway.customers.keys import keys_like
from gateway.customers.store import Remembered


@click.group()
def customers() -> None:
    """What is remembered of customers for good: who wants no bot any more."""


@customers.command("list")
@click.option("--who", help="Only of this customer: e-mail, phone (+49…), customer id, or <source>:<vendor's user id>.")
@click.option("--all", "all_of_them", is_flag=True, help="Also what was lifted.")
@click.option("--limit", default=20, show_default=True)
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line.")
def list_customers(who: str | None, all_of_them: bool, limit: int, as_lines: bool) -> None:
    """Newest first. Customers are known by hashes: name one with --who to find what is remembered of them."""
    env = environment("WARNING")
    with env.reading() as tx:
        found = tx.customers.page(limit, keys=None if who is None else keys_like(who), all_of_them=all_of_them)
    for one in found:
        click.echo(json.dumps(_as_json(one)) if as_lines else _line(one))


@customers.command("show")
@click.argument("remembered_id")
@click.option("--json", "as_object", is_flag=True)
def show(remembered_id: str, as_object: bool) -> None:
    """What is remembered, since when, by which rules, and who lifted it."""
    env = environment("WARNING")
    with env.reading() as tx:
        one = tx.customers.get(remembered_id)
    if one is None:
        raise click.ClickException(f"nothing remembered has the id {remembered_id}")
    if as_object:
        click.echo(json.dumps(_as_json(one), indent=2))
        return
    click.echo(_line(one))
    click.echo(f"  said in    {one.conversation_id}   (source {one.source})")
    click.echo(f"  because    {', '.join(one.rules)}")
    click.echo(f"  known by   {one.keys} identifiers")
    if one.lifted_at:
        click.echo(f"  lifted     {one.lifted_at:%Y-%m-%d %H:%MZ} by {one.lifted_by}: {one.reason}")


@customers.command("lift")
@click.argument("remembered_id")
@click.option("--reason", required=True, help="Why, for the record.")
@click.option("--by", help="Who decided it. Default: the name you are logged in with.")
def lift(remembered_id: str, reason: str, by: str | None) -> None:
    """
    It no longer holds, from the next turn on. The record stays, with who lifted it and why; if the customer says it
    again, it holds again.
    """
    if not reason.strip():
        raise click.UsageError("--reason is empty: say why")
    env = environment("WARNING")
    with env.transaction() as tx:
        if tx.customers.get(remembered_id) is None:
            raise click.ClickException(f"nothing remembered has the id {remembered_id}")
        lifted = tx.customers.lift(remembered_id, env.now(), by=(by or getpass.getuser())[:100], reason=reason.strip())
    if not lifted:
        raise click.ClickException(f"{remembered_id} was lifted before: baton customers show {remembered_id}")
    click.echo(f"lifted {remembered_id}")


def _line(one: Remembered) -> str:
    state = "lifted" if one.lifted_at else "holds"
    return f"{one.id}  {one.at:%Y-%m-%d %H:%MZ}  {state:<6}  {one.what}  {one.source}"


def _as_json(one: Remembered) -> dict[str, Any]:
    return {
        "id": one.id,
        "what": one.what,
        "at": one.at.isoformat(),
        "conversation_id": one.conversation_id,
        "source": one.source,
        "rules": list(one.rules),
        "identifiers": one.keys,
        "lifted": one.lifted_at and {"at": one.lifted_at.isoformat(), "by": one.lifted_by, "reason": one.reason},
    }


def register(cli: click.Group) -> None:
    cli.add_command(customers)
