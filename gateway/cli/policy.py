"""baton policy check | test | explain | conditions | detect"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import click

from gateway.cli.common import config_path, environment
from gateway.settings import STARTER_POLICY, load_settings
from packets.conversation import fold_all
from policies.analyse.finding import Severity
from policies.analyse.run import examine
from policies.casebook import run_casebook
from policies.decide import decide
from policies.detect import detect
from policies.explain import explain
from policies.load import load_policy
from policies.registry import CONDITIONS

FOLDER = click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))


@click.group()
def policy() -> None:
    """The rules by which the bot steps aside."""


@policy.command()
@FOLDER
@click.option("--json", "as_json", is_flag=True)
@click.option("--strict", is_flag=True, help="Exit 1 for warnings, too.")
def check(folder: Path | None, as_json: bool, strict: bool) -> None:
    """
    Read every file of FOLDER and name every problem, with file and line; then what its rules amount to: which cannot
    fire, never decide or get into each other's way, with an example. Exit 1 if there is an error.
    """
    folder = folder or _folder()
    findings = examine(folder)
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if as_json:
        click.echo(json.dumps([f.as_data() for f in findings]))
    else:
        for found in findings:
            click.echo(str(found))
        if not errors:
            warnings = f"{len(findings)} warning{'s' * (len(findings) > 1)}" if findings else "no problems"
            click.echo(f"{folder}: {len(load_policy(folder).rules)} rules, {warnings}.")
    sys.exit(1 if errors or (strict and findings) else 0)


@policy.command()
@FOLDER
@click.option("--json", "as_json", is_flag=True)
def test(folder: Path | None, as_json: bool) -> None:
    """Run every *.test.yml of FOLDER. Exit 1 if a case fails."""
    report = run_casebook(folder or _folder())
    if as_json:
        click.echo(json.dumps([
            {"file": r.file, "line": r.line, "name": r.name, "passed": r.passed, "differences": list(r.differences)}
            for r in report.results
        ]))  # fmt: skip
    else:
        click.echo(str(report))
    sys.exit(0 if report.ok else 1)


@policy.command("explain")
@click.argument("conversation_id")
def explain_command(conversation_id: str) -> None:
    """Why CONVERSATION_ID went as it did: every decision by which something fired, and the newest one."""
    env = environment("WARNING")
    with env.reading() as tx:
        row = tx.conversations.get(conversation_id)
        if row is None:
            raise click.ClickException(f"no conversation {conversation_id}")
        events = tx.intake.events_of(conversation_id)
        decisions = tx.intake.decisions_of(conversation_id)
    for number, (at, _action, because, revision, stored) in enumerate(decisions, start=1):
        if not because and number < len(decisions):
            continue
        if stored is None:  # a quiet one: judged again, with the policy of its time
            state = fold_all(row.state.source, row.state.vendor_conversation_id, events[:number])
            stored = decide(state, env.policy.at_revision(revision), now=at)
        click.echo(f"event {number}\n{explain(stored)}\n")


@policy.command()
def conditions() -> None:
    """Every condition a rule may use."""
    for found in CONDITIONS.values():
        click.echo(f"{found.name}\n{textwrap.indent(found.doc, '    ')}\n")


@policy.command("detect")
@FOLDER
def detect_command(folder: Path | None) -> None:
    """
    What the phrase packs of FOLDER hear. JSON lines in, {"text", "lang"?}; one JSON line out for each:
    {"evidence": [{"label", "rule", "span", "text", "score"}], "unscanned"}. `span` counts characters of the text.
    """
    packs = load_policy(folder or _folder()).packs
    for number, line in enumerate(sys.stdin, start=1):
        if line.strip():
            text, language = _asked(line, number)
            click.echo(json.dumps(detect(text, language, packs), ensure_ascii=False))


def _asked(line: str, number: int) -> tuple[str, str | None]:
    try:
        asked = json.loads(line)
    except ValueError as error:
        raise click.UsageError(f"line {number} is not JSON: {error}") from error
    text = asked.get("text") if isinstance(asked, dict) else None
    language = asked.get("lang") if isinstance(asked, dict) else None
    if not isinstance(text, str) or not isinstance(language, str | None):
        raise click.UsageError(f'line {number}: expected {{"text": "...", "lang": "en"}}, lang may be left out')
    return text, language


def _folder() -> Path:
    path = config_path()
    return load_settings(path).policies if path.exists() else STARTER_POLICY


def register(cli: click.Group) -> None:
    cli.add_command(policy)
