"""baton policy detect: JSON lines in, what is heard in each out; so the phrase packs are measured from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gateway.cli.common import policy_folder
from gateway.cli.policy import FOLDER
from gateway.cli.policy import policy as policy_group
from policies.detect import detect
from policies.detect.pack import Pack
from policies.load import load_policy


class BadLine(ValueError):
    """A line that cannot be answered; the message says what was expected and holds none of the customer's words."""


@click.command("detect")
@FOLDER
def detect_command(folder: Path | None) -> None:
    """
    What the phrase packs of FOLDER hear. JSON lines in, {"text", "lang"?}; one JSON line out for each, in their order:
    {"evidence": [{"label", "rule", "span", "text", "score"}], "unscanned"}. `span` counts characters of the text.
    A line that cannot be read is answered with its "error" too; the others are not lost, and the exit code is 1.
    """
    packs = load_policy(folder or policy_folder()).packs
    failed = False
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            click.echo(_as_line(_answer(line, number, packs)))
        except BadLine as error:
            failed = True
            click.echo(_as_line({"error": str(error), "evidence": [], "unscanned": True}))
            click.echo(str(error), err=True)
    sys.exit(1 if failed else 0)


def _answer(line: bytes, number: int, packs: Mapping[str, Pack]) -> dict[str, Any]:
    try:
        asked = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise BadLine(f"line {number} is not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise BadLine(f"line {number} is not JSON: {error.msg} at character {error.pos + 1}") from error
    text = asked.get("text") if isinstance(asked, dict) else None
    language = asked.get("lang") if isinstance(asked, dict) else None
    if not isinstance(text, str) or not isinstance(language, str | None):
        raise BadLine(f'line {number}: expected {{"text": "...", "lang": "en"}}, lang may be left out')
    return detect(text, language, packs)


def _as_line(answer: dict[str, Any]) -> str:
    written = json.dumps(answer, ensure_ascii=False)
    # Half an emoji ("\ud83d") is a string in JSON and none in UTF-8.
    return written if written.isprintable() else json.dumps(answer)


def register(cli: click.Group) -> None:
    """`cli` has the group `policy` already: this is one more of its commands."""
    policy_group.add_command(detect_command)
