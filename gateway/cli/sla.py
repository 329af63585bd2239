"""baton sla explain | preview | apply"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.common import PolicyFolder, environment
from gateway.sla.applying import Applied, apply_policy
from gateway.sla.explaining import clocks_json, clocks_text
from gateway.sla.previewing import MovedClock, Preview
from gateway.sla.previewing import preview as preview_of
from policies.load import load_policy
from policies.sla.preview import Attainment
from policies.sla.tiers import ON_POLICY_EDIT


@click.group()
def sla() -> None:
    """The clocks: why one shows what it shows, what other tiers would do."""


@sla.command("explain")
@click.argument("handoff_id")
@click.option("--json", "as_json", is_flag=True)
def explain(handoff_id: str, as_json: bool) -> None:
    """
    Every clock of a handoff: policy and calendar, each stretch that ran, paused or was closed, with its cause and
    seconds, their sum, target and due time; what was recorded; and what asked for its tier.
    """
    env = environment("WARNING")
    with env.reading() as tx:
        if tx.handoffs.get(handoff_id) is None:
            raise click.ClickException(f"no handoff {handoff_id}")
        if as_json:
            click.echo(json.dumps(clocks_json(tx, handoff_id, env.now()), indent=2))
        else:
            click.echo(clocks_text(tx, handoff_id, env.now()))


@sla.command("preview")
@click.argument("folder", type=PolicyFolder())
@click.option(
    "--mode",
    type=click.Choice(list(ON_POLICY_EDIT)),
    default="open_recompute",
    show_default=True,
    help="What the clocks that run would do.",
)
@click.option("--json", "as_json", is_flag=True)
def preview(folder: Path, mode: str, as_json: bool) -> None:
    """
    What the tiers and calendars of FOLDER would do to the clocks that run now, and what last month's attainment would
    have been with them. Changes nothing.
    """
    policy = load_policy(folder)
    env = environment("WARNING")
    with env.reading() as tx:
        found = preview_of(tx, policy, mode=mode, now=env.now())
    click.echo(json.dumps(_as_json(found), indent=2) if as_json else _text(found, mode))


@sla.command("apply")
@click.argument("folder", type=PolicyFolder())
@click.option(
    "--mode", type=click.Choice(list(ON_POLICY_EDIT)), required=True, help="What the clocks that run shall do."
)
@click.option("--dry-run", is_flag=True, help="Only say what it would do, as `preview` does.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def apply(ctx: click.Context, folder: Path, mode: str, dry_run: bool, as_json: bool) -> None:
    """
    Put the tiers and calendars of FOLDER, which must be the policy in force, to the clocks that run now. Each change is
    recorded on its clock; clocks that have stopped stay as they are. A second time it finds nothing to do.
    """
    if dry_run:
        ctx.invoke(preview, folder=folder, mode=mode, as_json=as_json)
        return
    policy = load_policy(folder)
    env = environment("WARNING")
    in_force = env.policy.current.revision
    if policy.revision != in_force:
        raise click.ClickException(
            f"{folder} is revision {policy.revision}, in force is {in_force} ({env.settings.policies}): put the folder "
            "in force first, or look at what it would do with --dry-run"
        )
    found = apply_policy(env, policy, mode)
    click.echo(json.dumps(_applied_json(found), indent=2) if as_json else _applied_text(found, mode))


def _applied_text(found: Applied, mode: str) -> str:
    lines = [f"{found.looked_at} clocks looked at, {found.without} of tiers or metrics that the folder does not have"]
    lines.append(f"open clocks that moved ({mode}): {len(found.moved)}")
    lines += [f"  {_moved(one)}" for one in found.moved]
    return "\n".join([*lines, f"recorded on {found.edited} clocks"])


def _applied_json(found: Applied) -> dict[str, Any]:
    moved = [_moved_json(one) for one in found.moved]
    return {"looked_at": found.looked_at, "without": found.without, "edited": found.edited, "moved": moved}


def _text(found: Preview, mode: str) -> str:
    lines = [f"{found.looked_at} clocks looked at, {found.without} of tiers or metrics that the folder does not have"]
    lines.append(f"open clocks that would move ({mode}): {len(found.moved)}")
    lines += [f"  {_moved(one)}" for one in found.moved]
    lines.append("attainment of the last 30 days, and with these tiers:")
    lines += [f"  {c.tier} {c.metric}: {_share(c.before)} → {_share(c.after)}" for c in found.compared]
    return "\n".join(lines)


def _moved(one: MovedClock) -> str:
    moved = one.moved
    change = ", missed at once" if moved.becomes_missed else ", no longer missed" if moved.no_longer_missed else ""
    return (
        f"{one.handoff_id} {one.metric} ({one.tier}): due {_time(moved.due_before)} → {_time(moved.due_after)}{change}"
    )


def _share(found: Attainment) -> str:
    share = "–" if found.share is None else f"{found.share:.1%}"
    return f"{share} (n={found.n}, {found.beside} beside)"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at else "never"


def _as_json(found: Preview) -> dict[str, Any]:
    def attained(one: Attainment) -> dict[str, Any]:
        return {"met": one.met, "missed": one.missed, "beside": one.beside, "share": one.share}

    return {
        "looked_at": found.looked_at,
        "without": found.without,
        "moved": [_moved_json(one) for one in found.moved],
        "attainment": [
            {"tier": c.tier, "metric": c.metric, "before": attained(c.before), "after": attained(c.after)}
            for c in found.compared
        ],
    }


def _moved_json(one: MovedClock) -> dict[str, Any]:
    told = {name: v.isoformat() if isinstance(v, datetime) else v for name, v in asdict(one.moved).items()}
    return {"handoff_id": one.handoff_id, "metric": one.metric, "tier": one.tier} | told


def register(cli: click.Group) -> None:
    cli.add_command(sla)
