"""baton policy copy | check | test | conditions | prompt"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path

import click

from gateway.cli.common import PolicyFolder, config_path, policy_folder
from gateway.settings import STARTER_POLICY, load_settings
from gateway.vendors.waits import waits_in_vain
from policies.analyse.finding import Finding, Severity
from policies.analyse.run import examine
from policies.casebook import run_casebook
from policies.junit import junit
from policies.load import load_policy
from policies.prompt import prompt_of
from policies.registry import CONDITIONS

FOLDER = click.argument("folder", required=False, type=PolicyFolder())


@click.group()
def policy() -> None:
    """The rules by which the bot steps aside."""


@policy.command("copy")
@click.argument("folder", type=click.Path(path_type=Path))
def copy_command(folder: Path) -> None:
    """Copy the starter policy to FOLDER, to be made your own. Exit 2 if something is there already."""
    if folder.exists():
        raise click.UsageError(f"{folder} is there already; name a new folder")
    shutil.copytree(STARTER_POLICY, folder)
    click.echo(f"{folder}: the starter policy, yours to change. Name it in baton.yml: policies: {folder}")


@policy.command()
@FOLDER
@click.option("--json", "as_json", is_flag=True)
@click.option("--strict", is_flag=True, help="Exit 1 for warnings, too.")
def check(folder: Path | None, as_json: bool, strict: bool) -> None:
    """
    Read every file of FOLDER and name every problem, with file and line; then what its rules amount to: which cannot
    fire, never decide or get into each other's way, with an example. Without FOLDER also what the sources of baton.yml
    cannot do of it. Exit 1 if there is an error.
    """
    configured, folder = folder is None, folder or policy_folder()
    findings = examine(folder)
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if configured and not errors:
        findings += _beyond_the_sources(folder)
    if as_json:
        click.echo(json.dumps([f.as_data() for f in findings]))
    else:
        for found in findings:
            click.echo(str(found))
        if not errors:
            warnings = f"{len(findings)} warning{'s' * (len(findings) > 1)}" if findings else "no problems"
            click.echo(f"{folder}: {len(load_policy(folder).rules)} rules, {warnings}.")
    sys.exit(1 if errors or (strict and findings) else 0)


def _beyond_the_sources(folder: Path) -> list[Finding]:
    """What routes want and a configured source cannot do."""
    path = config_path()
    accounts = [s.account for _, s in sorted(load_settings(path).sources.items())] if path.exists() else []
    told = waits_in_vain(load_policy(folder), accounts)
    hint = "set what is missing, or take `warm` out of those routes; `baton vendor list` says who can wait"
    return [Finding("cannot-wait", Severity.WARNING, str(path), 0, text, hint) for text in told]


@policy.command()
@FOLDER
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML here, too."
)
def test(folder: Path | None, as_json: bool, junit_file: Path | None) -> None:
    """Run every *.test.yml of FOLDER. Exit 1 if a case fails."""
    report = run_casebook(folder or policy_folder())
    if junit_file:
        _write(junit_file, junit(report))
    if as_json:
        click.echo(json.dumps([
            {"file": r.file, "line": r.line, "name": r.name, "passed": r.passed, "differences": list(r.differences)}
            for r in report.results
        ]))  # fmt: skip
    else:
        click.echo(str(report))
    sys.exit(0 if report.ok else 1)


@policy.command()
def conditions() -> None:
    """Every condition a rule may use."""
    for found in CONDITIONS.values():
        click.echo(f"{found.name}\n{textwrap.indent(found.doc, '    ')}\n")


@policy.command("prompt")
@FOLDER
@click.option("--source", help="The account whose capability map counts; without it, the map all others share.")
@click.option("--json", "as_json", is_flag=True)
def prompt_command(folder: Path | None, source: str | None, as_json: bool) -> None:
    """
    Lines for the system prompt of the vendor's bot, made from the rules of FOLDER: what it must not answer, wording
    that is no decision, what to say when people take over.
    """
    found = prompt_of(load_policy(folder or policy_folder()), source)
    click.echo(json.dumps(found.as_data(), ensure_ascii=False) if as_json else str(found))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written: {error.strerror or type(error).__name__}") from error


def register(cli: click.Group) -> None:
    cli.add_command(policy)
