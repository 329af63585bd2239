"""`python -m connectors.sandbox --kind zendesk --port 0`: one helpdesk or chat, until it is told to stop."""

from __future__ import annotations

import argparse
import sys

from connectors.sandbox.accounts import KINDS
from connectors.sandbox.chat.server import KINDS as CHAT_KINDS
from connectors.sandbox.chat.server import serve_chat
from connectors.sandbox.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Prints the address on one line when ready. Returns 0, or 2 if the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description="A local helpdesk, for trying.")
    parser.add_argument("--kind", choices=(*KINDS, *CHAT_KINDS), required=True, help="which helpdesk or chat it is")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 = any free one (default)")
    parser.add_argument("--bare", action="store_true", help="an account of which nothing but the credential exists")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.kind in CHAT_KINDS:
            serve_chat(chosen.kind, chosen.host, chosen.port, _print_address)
            return 0
        serve(chosen.kind, chosen.host, chosen.port, bare=chosen.bare, ready=_print_address)
    except OSError as error:
        sys.stderr.write(f"sandbox {chosen.kind}: cannot listen on {chosen.host}:{chosen.port}: {error.strerror}\n")
        return 2
    return 0


def _print_address(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
