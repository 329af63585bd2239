"""baton send: post recorded webhooks to a gateway, signed anew as their vendor would."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import requests

from connectors.ports import Webhook
from connectors.recorded import Recorded, read_recorded
from connectors.registry import vendor
from gateway.cli.common import running_gateway, settings
from gateway.cli.http_file import read_http, said_now
from gateway.cli.renew import renewed
from gateway.settings import Settings

CANONICAL = "canonical"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", help="Which source of baton.yml it comes from. Default: the one in the request line.")
@click.option("--to", "address", help="The gateway. Default: the one `baton up` runs here.")
@click.option("--times", default=1, show_default=True, help="Send each call this often, as the same webhook.")
@click.option("--as-is", is_flag=True, help="Keep ids and times; otherwise every run is a new conversation.")
def send(file: Path, source: str | None, address: str | None, times: int, as_is: bool) -> None:
    """
    Send every call of FILE (.http) with fresh ids and a fresh signature of the source's vendor.

    Canonical calls are also moved in time so that the conversation ends now. Prints each answer. Exit 1 if one is not
    2xx.
    """
    config = settings()
    address = address or running_gateway(config.var)
    if address is None:
        raise click.UsageError("no gateway is running here (`baton up`); or name one with --to")
    try:
        calls = list(_calls(read_recorded(file.read_bytes()), source, config, address, as_is=as_is))
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error
    failed = False
    for target, webhook in calls:
        for _ in range(times):
            try:
                answer = requests.post(address + target, data=webhook.body, headers=dict(webhook.headers), timeout=30)
            except requests.ConnectionError as error:
                raise click.UsageError(f"nobody answers at {address}: is `baton up` still running?") from error
            failed = failed or not answer.ok
            click.echo(f"{answer.status_code} {answer.text.strip()}")
    sys.exit(1 if failed else 0)


def _calls(
    recorded: list[Recorded], source: str | None, config: Settings, address: str, *, as_is: bool
) -> Iterator[tuple[str, Webhook]]:
    """(path and query, the call as its vendor would sign it now). Raises ValueError."""
    names = [source or call.source for call in recorded]
    for name in names:
        if name not in config.sources:
            raise click.UsageError(f"no source {name!r} in the configuration; there are: {', '.join(config.sources)}")
    run, now = "" if as_is else secrets.token_hex(4), datetime.now(UTC)
    if all(config.sources[name].vendor == CANONICAL for name in names):
        recorded = _moved_to_now(recorded, run)
    for call, name in zip(recorded, names, strict=True):
        account = config.sources[name].account
        adapter = vendor(account.vendor)
        query = call.target.partition("?")[2]
        target = f"/v1/in/{name}" + (f"?{query}" if query else "")
        base_url = config.public_url or address
        webhook = Recorded(target, call.headers, call.body).webhook(now, base_url)
        if run and account.vendor != CANONICAL:
            webhook = renewed(webhook, adapter, account, run)
        signed = adapter.sign(webhook, account)
        yield signed.url.removeprefix(base_url), signed  # some vendors sign by a parameter of the address


def _moved_to_now(recorded: list[Recorded], run: str) -> list[Recorded]:
    """Canonical calls, whose times and ids we know by name; each becomes a webhook of its own."""
    moved = said_now(read_http(recorded), run)
    headers = {"content-type": "application/json"}
    return [
        Recorded(call.target, headers, json.dumps(envelope, ensure_ascii=False).encode())
        for call, (_, envelope) in zip(recorded, moved, strict=True)
    ]


def register(cli: click.Group) -> None:
    cli.add_command(send)
