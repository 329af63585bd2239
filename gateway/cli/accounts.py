"""baton setup, baton doctor: a helpdesk account made ready, and what is wrong with the whole, in words."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterable
from dataclasses import replace

import click

from connectors.errors import ConnectorError
from connectors.ports import HelpdeskKeeper, Installed, Wanted
from connectors.registry import UnknownName, make_keeper
from gateway.accounts.doctor import Section, examine
from gateway.accounts.learned import CannotKeep, check_name, fields_file, keep_fields, keep_secret
from gateway.accounts.wanted import running_sandboxes, wanted_of
from gateway.cli.common import settings as load
from gateway.settings import HelpdeskSettings, Settings
from policies.load import load_policy

SIGNS = {"ok": "ok     ", "warning": "warning", "broken": "BROKEN "}
VERBS = {"create": ("created", "would create"), "update": ("changed", "would change"), "keep": ("there", "there")}


@click.command()
@click.argument("helpdesk")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--url", help="Where the helpdesk reaches the gateway; default: public_url of baton.yml.")
@click.option(
    "--by-trigger", is_flag=True, help="Zendesk: a trigger calls the webhook, instead of event subscriptions."
)
@click.option("--show-secret", is_flag=True, help="Print the webhook's secret, to put it into an environment.")
@click.option("--json", "as_object", is_flag=True)
def setup(helpdesk: str, dry_run: bool, url: str | None, by_trigger: bool, show_secret: bool, as_object: bool) -> None:
    """
    Create what HELPDESK (a name of baton.yml) needs for us: custom fields, webhook, trigger. Safe to repeat.

    Ids that were learned go into the field map file; the webhook's secret into a file only its owner can read.
    """
    found = load()
    configured = _configured(found, helpdesk)
    try:
        check_name(helpdesk)
        wanted = _with_token(wanted_of(found, configured, load_policy(found.policies), url, by_trigger))
        installed = _keeper(found, configured).install(wanted, dry_run=dry_run)
        proof = installed.webhook_secret or (wanted.webhook_token if wanted.status_url else None)
        kept = [] if dry_run else _keep(found, configured, installed, proof)
    except (ConnectorError, CannotKeep) as error:
        click.echo(
            f"{helpdesk} is not set up: {error}\nOnce mended, run it again: it goes on where it stopped.", err=True
        )
        sys.exit(1)
    secret = proof if show_secret and not dry_run else None
    if as_object:
        click.echo(json.dumps(_as_json(installed, kept, dry_run, secret), indent=2))
        return
    _say(installed, kept, dry_run, wanted)
    if secret:
        click.echo(f"webhook secret: {secret}")


def _configured(settings: Settings, name: str) -> HelpdeskSettings:
    if name not in settings.helpdesks:
        raise click.UsageError(f"no helpdesk {name!r} in baton.yml; there are: {', '.join(sorted(settings.helpdesks))}")
    return settings.helpdesks[name]


def _keeper(settings: Settings, helpdesk: HelpdeskSettings) -> HelpdeskKeeper:
    account = helpdesk.account
    if helpdesk.is_sandbox:
        address = running_sandboxes(settings).get(account.name)
        if address is None:
            raise CannotKeep("its sandbox is not running; `baton up` starts it")
        account = replace(account, base_url=address)
    try:
        return make_keeper(account)
    except UnknownName as error:
        raise CannotKeep(f"a {account.kind} account is set up by hand (see its README): {error}") from error


def _with_token(wanted: Wanted) -> Wanted:
    """A helpdesk that cannot sign sends a token: made up here, unless there is one already."""
    if wanted.status_url is None or wanted.webhook_token is not None:
        return wanted
    return replace(wanted, webhook_token=secrets.token_urlsafe(32))


def _keep(settings: Settings, helpdesk: HelpdeskSettings, installed: Installed, proof: str | None) -> list[str]:
    """The files that were written. The secret first: it is what webhooks prove themselves with from now on."""
    name, written = helpdesk.account.name, []
    if proof and (kept := keep_secret(settings, name, proof)):
        written.append(str(kept))
    path = fields_file(settings, helpdesk)
    if keep_fields(path, name, installed):
        written.append(str(path))
    return written


def _say(installed: Installed, kept: Iterable[str], dry_run: bool, wanted: Wanted) -> None:
    for change in installed.changes:
        detail = f"   ({change.detail})" if change.detail else ""
        click.echo(f"{VERBS[change.action][dry_run]:<13} {change.kind:<8} {change.name}{detail}")
    for path in kept:
        click.echo(f"written       {path}")
    for text in installed.by_hand:
        click.echo(f"by hand       {text}")
    changed = any(change.action != "keep" for change in installed.changes)
    if dry_run:
        click.echo("Nothing was changed (--dry-run)." if changed else "Everything is there; nothing to do.")
    elif kept:
        click.echo("Restart gateways and workers, so that they read it. Then: baton doctor")
    elif not changed:
        click.echo("Everything was there; nothing was changed.")


def _as_json(installed: Installed, kept: list[str], dry_run: bool, secret: str | None) -> dict[str, object]:
    changes = [{"action": c.action, "kind": c.kind, "name": c.name, "detail": c.detail} for c in installed.changes]
    told: dict[str, object] = {
        "dry_run": dry_run,
        "changes": changes,
        "fields": dict(installed.fields),
        "groups": dict(installed.groups),
        "own_user_ids": list(installed.own_users),
        "written": kept,
        "by_hand": list(installed.by_hand),
    }
    return told | ({"webhook_secret": secret} if secret else {})


@click.command()
@click.argument("helpdesks", nargs=-1)
@click.option("--url", help="Where helpdesks reach the gateway; default: public_url of baton.yml.")
@click.option("--json", "as_object", is_flag=True)
def doctor(helpdesks: tuple[str, ...], url: str | None, as_object: bool) -> None:
    """
    Say in words what is wrong, and how to mend it: database, Redis, policy, sources, every helpdesk and chat, and whom
    ladders name that nobody can tell; or only HELPDESKS. Changes and posts nothing, and never prints a secret.
    """
    found = load()
    for name in helpdesks:
        _configured(found, name)
    sections = []
    for section in examine(found, helpdesks, url):
        sections.append(section)
        if not as_object:
            _show(section)
    broken = sum(finding.level == "broken" for section in sections for finding in section.findings)
    if as_object:
        click.echo(json.dumps(_report(sections), indent=2))
    else:
        click.echo(f"\n{broken} thing(s) to mend." if broken else "\nNothing is broken.")
    sys.exit(1 if broken else 0)


def _show(section: Section) -> None:
    click.echo(section.name)
    for finding in section.findings:
        click.echo(f"  {SIGNS[finding.level]}  {finding.what}")
        if finding.remedy:
            click.echo(f"           → {finding.remedy}")


def _report(sections: Iterable[Section]) -> dict[str, object]:
    shown = [
        {"name": s.name, "findings": [{"level": f.level, "what": f.what, "remedy": f.remedy} for f in s.findings]}
        for s in sections
    ]
    return {"ok": not any(section.is_broken for section in sections), "sections": shown}


def register(cli: click.Group) -> None:
    cli.add_command(setup)
    cli.add_command(doctor)
