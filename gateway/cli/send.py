"""baton send: post recorded webhooks to a gateway, signed anew."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

import click
import requests

from gateway.cli.common import running_gateway, settings
from gateway.cli.http_file import read_http, said_now, signed


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", help="Which source of baton.yml it comes from. Default: the one in the request line.")
@click.option("--to", "address", help="The gateway. Default: the one `baton up` runs here.")
@click.option("--times", default=1, show_default=True, help="Send each call this often, as the same webhook.")
@click.option("--as-is", is_flag=True, help="Keep conversation ids; otherwise every run is a new conversation.")
def send(file: Path, source: str | None, address: str | None, times: int, as_is: bool) -> None:
    """
    Send every call of FILE (.http) with a fresh id and signature, moved in time so that it ends now.

    Prints each answer. Exit 1 if one is not 2xx.
    """
    config = settings()
    address = address or running_gateway(config.var)
    if address is None:
        raise click.UsageError("no gateway is running here (`baton up`); or name one with --to")
    failed = False
    try:
        calls = list(said_now(read_http(file.read_text("utf-8")), "" if as_is else secrets.token_hex(4)))
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error
    for named, envelope in calls:
        name = source or named
        if name not in config.sources:
            raise click.UsageError(f"no source {name!r} in the configuration; there are: {', '.join(config.sources)}")
        raw = json.dumps(envelope, ensure_ascii=False).encode()
        headers = signed(config.sources[name].account.secrets[0], f"msg_{secrets.token_hex(12)}", raw)
        for _ in range(times):
            try:
                answer = requests.post(f"{address}/v1/in/{name}", data=raw, headers=headers, timeout=30)
            except requests.ConnectionError as error:
                raise click.UsageError(f"nobody answers at {address}: is `baton up` still running?") from error
            failed = failed or not answer.ok
            click.echo(f"{answer.status_code} {answer.text.strip()}")
    sys.exit(1 if failed else 0)


def register(cli: click.Group) -> None:
    cli.add_command(send)
