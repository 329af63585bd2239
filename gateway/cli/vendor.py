"""baton vendor list | try | lint"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAdapter, Webhook
from connectors.recorded import read_recorded
from connectors.registry import UnknownName
from connectors.registry import vendor as adapter_of
from connectors.vendors.mapped.access import absent_headers
from connectors.vendors.mapped.inbound import mapping_of
from connectors.vendors.mapped.mapping import MappingErrors
from connectors.vendors.mapped.translate import Finding, translate
from gateway.cli.common import config_path, policy_folder
from gateway.settings import load_settings
from gateway.vendors.lint import Lint, lint
from gateway.vendors.table import TOLD, markdown_table, vendor_rows, waits_text
from packets.codec import to_json
from packets.event import Event
from policies.load import load_policy

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
AS_JSON = click.option("--json", "as_json", is_flag=True)


@click.group()
def vendor() -> None:
    """The chatbots we can listen to."""


@vendor.command("list")
@AS_JSON
@click.option("--markdown", is_flag=True, help="As the table of docs/vendors.md.")
def list_command(as_json: bool, markdown: bool) -> None:
    """Every vendor there is an adapter for, what it can be told, and its options."""
    rows = vendor_rows()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
    elif markdown:
        click.echo(markdown_table(rows))
    else:
        for row in rows:
            waits = waits_text(row.waits).replace("`", "")
            decides = "yes" if row.decides else "no"
            click.echo(f"{row.name:<14} decides: {decides:<4} tells: {_told(row.tells)}; warm handoffs wait: {waits}")
            for name, meaning in row.options.items():
                click.echo(f"    {name}: {meaning}")


def _told(kinds: Any) -> str:
    return ", ".join(TOLD[kind] for kind in kinds) or "nothing"


@vendor.command("try")
@click.argument("mapping", type=FILE)
@click.argument("sample", type=FILE)
@AS_JSON
def try_command(mapping: Path, sample: Path, as_json: bool) -> None:
    """
    Read SAMPLE (.http, or one JSON body) as MAPPING says: the events, what was found where, what is missing.
    Exit 1 if the mapping is wrong, a call is not understood or a value cannot be used.
    """
    account = VendorAccount("sample", "mapped", ("unused",), {"mapping": str(mapping.resolve())})
    try:
        webhooks = _webhooks(sample)
        mapping_of(account)
    except MappingErrors as errors:
        click.echo(json.dumps({"problems": list(errors.problems)}) if as_json else "\n".join(errors.problems))
        sys.exit(1)
    read = [_read(adapter_of("mapped"), webhook, account) for webhook in webhooks]
    tried = [_tried(webhook, account, *outcome) for webhook, outcome in zip(webhooks, read, strict=True)]
    linted = _linted(event for _, _, events in read for event in events)
    if as_json:
        advice = {conversation: asdict(one) for conversation, one in linted.items()}
        click.echo(json.dumps({"calls": tried, "conversations": advice}, ensure_ascii=False))
    else:
        for number, call in enumerate(tried, start=1):
            _print_tried(f"{sample.name}, call {number} of {len(tried)}", call)
        _print_lint(linted, "mapped")
    sys.exit(0 if all(_is_fine(call) for call in tried) else 1)


def _is_fine(call: dict[str, Any]) -> bool:
    return call["outcome"] in ("events", "ignored") and not call["wrong"]


def _tried(
    webhook: Webhook, account: VendorAccount, outcome: str, detail: str, events: tuple[Event, ...]
) -> dict[str, Any]:
    """One call as the mapping reads it."""
    mapping = mapping_of(account)
    try:
        findings = translate(mapping, json_body(webhook.body), webhook.headers).findings
    except MalformedWebhook:  # told by `detail`
        findings = ()
    absent = absent_headers(mapping.access, webhook.headers) if webhook.headers else []
    given = {f.place for f in findings if f.where}  # by one item of a list: the others may leave it out
    return {
        "outcome": outcome,
        "detail": detail,
        "events": [json.loads(to_json(event)) for event in events],
        "found": _places(f for f in findings if f.where and not f.wrong),
        "missing": _places(f for f in findings if not f.where and f.place not in given),
        "wrong": _places(f for f in findings if f.wrong),
        "absent_headers": absent,
    }


def _places(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each place once: of the rows of a list one stands for all."""
    kept = {
        f.place: {"place": f.place, "where": f.where or f.written, "line": f.line, "wrong": f.wrong} for f in findings
    }
    return list(kept.values())


def _print_tried(title: str, call: dict[str, Any]) -> None:
    click.echo(f"{title}: {call['detail'] or call['outcome']}")
    for word, part in (("found", "found"), ("nothing", "missing"), ("wrong", "wrong")):
        for row in call[part]:
            why = f": {row['wrong']}" if row["wrong"] else ""
            click.echo(f"  {word:<8} {row['place']:<32} {row['where']}{why}  (line {row['line']})")
    for name in call["absent_headers"]:
        click.echo(f"  absent   header {name}, which the signature needs")
    for event in call["events"]:
        click.echo(f"  event    {event['kind']} {event['event_id']}, conversation {_conversation(event)}")
        for turn in event.get("turns", []):
            click.echo(f"             {turn['role']}: {turn.get('text', '')}")
        for warning in event.get("warnings", []):
            click.echo(f"             warning {warning}")


def _conversation(event: dict[str, Any]) -> str:
    return str(event["conversation"]["vendor_conversation_id"])


@vendor.command("lint")
@click.argument("file", type=FILE)
@click.option("--vendor", "name", help="Whose calls these are. Default: by baton.yml, else canonical.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of that vendor's source.")
@AS_JSON
def lint_command(file: Path, name: str | None, options: tuple[str, ...], as_json: bool) -> None:
    """
    What the calls of FILE (.http of any vendor, or one JSON body) lack for a good packet. No signature is looked at.
    Exit 1 if a packet would be poor, or nothing can be read of a call.
    """
    account = _account(file, name, dict(_pair(option) for option in options))
    try:
        adapter = adapter_of(account.vendor)
    except UnknownName as error:
        raise click.UsageError(str(error)) from error
    webhooks = _webhooks(file)
    if account.vendor == "canonical":  # whose event id may stand in a header that a body alone does not have
        webhooks = [
            replace(w, headers={"webhook-id": f"call-{n}", **w.headers}) for n, w in enumerate(webhooks, start=1)
        ]
    read = [_read(adapter, webhook, account) for webhook in webhooks]
    unread = [f"call {number}: {detail}" for number, (_, detail, _) in enumerate(read, start=1) if detail]
    found = _linted(event for _, _, events in read for event in events)
    if as_json:
        click.echo(json.dumps({"conversations": {c: asdict(one) for c, one in found.items()}, "unread": unread}))
    else:
        for line in unread:
            click.echo(line)
        _print_lint(found, account.vendor)
    sys.exit(0 if found and not unread and all(one.is_good for one in found.values()) else 1)


def _linted(events: Iterable[Event]) -> dict[str, Lint]:
    """Each conversation by the vendor's id, judged by the policy in force here."""
    by_conversation: dict[str, list[Event]] = {}
    for event in events:
        by_conversation.setdefault(event.conversation.vendor_conversation_id, []).append(event)
    policy, now = load_policy(policy_folder()), datetime.now(UTC)
    return {conversation: lint(told, policy, now) for conversation, told in by_conversation.items()}


def _print_lint(found: dict[str, Lint], name: str) -> None:
    for conversation, one in found.items():
        rules = ", ".join(one.rules) or "no rule"
        click.echo(
            f"{conversation}: score {one.score:.2f} ({one.events} events, {one.turns} turns; handed over by {rules})"
        )
        for lack in one.lacks:
            click.echo(f"  the packet lacks {lack}")
        for advice in one.advice:
            click.echo(f"  {'needed' if advice.needed else 'useful'}   {advice.field}: {advice.why}")
        for warning in one.warnings:
            click.echo(f"  warning  {warning}")
    if any(one.advice for one in found.values()):
        click.echo(_how_to_add(name))


def _how_to_add(name: str) -> str:
    if name == "canonical":
        return "Put them into `data` of the event: docs/vendors.md has every key and its type."
    if name == "mapped":
        return "Map them under `data` of the mapping, if the vendor sends them: baton vendor try shows what it finds."
    return f"Not every vendor can send all of it: connectors/vendors/{name}/README.md says what {name} cannot tell."


def _read(adapter: VendorAdapter, webhook: Webhook, account: VendorAccount) -> tuple[str, str, tuple[Event, ...]]:
    """(outcome, what is wrong if something is, events)"""
    try:
        events = adapter.parse(webhook, account)
    except UnsupportedEvent as error:
        return "unsupported", str(error), ()
    except MalformedWebhook as error:
        problems = "; ".join(f"{pointer}: {text}" for pointer, text in error.problems)
        told = f"{error.detail} ({problems})" if problems else error.detail
        return "malformed", told, ()
    return ("events" if events else "ignored"), "", events


def _webhooks(file: Path) -> list[Webhook]:
    """The calls of an .http file, or the one whose body the file is."""
    data, now = file.read_bytes(), datetime.now(UTC)
    if file.suffix != ".http":
        return [Webhook({}, data, now)]
    try:
        return [call.webhook(now) for call in read_recorded(data)]
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error


def _account(file: Path, name: str | None, options: dict[str, str]) -> VendorAccount:
    """The source a recorded call names, if baton.yml has it and nothing else is asked for; else one made for this."""
    if name is None and not options and file.suffix == ".http" and config_path().exists():
        sources = load_settings(config_path()).sources
        asked = read_recorded(file.read_bytes())[0].source
        if asked in sources:
            return sources[asked].account
    return VendorAccount("sample", name or "canonical", ("unused",), options)


def _pair(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals:
        raise click.UsageError(f"--option {option}: expected NAME=VALUE")
    return name, value


def register(cli: click.Group) -> None:
    cli.add_command(vendor)
