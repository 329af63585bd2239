"""The summary of a replay, or of two beside each other, as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

Summary = Mapping[str, Any]
_NAME = 30
_WIDTH = 110


def report(summary: Summary) -> str:
    return "\n".join(
        line.rstrip()
        for part in (_head, _labelled, _rules, _confusion, _lift)
        for line in part(summary)
    )  # fmt: skip


def _head(summary: Summary) -> Iterator[str]:
    yield (
        f"{summary['conversations']} conversations, {summary['turns']} turns, policy {summary['policy']}: "
        f"{summary['escalated']} escalated, {_n(summary['escalated_per_100'])} per 100"
    )


def _labelled(summary: Summary) -> Iterator[str]:
    told = summary["labelled"]
    if told is None:
        return
    yield (
        f"{told['conversations']} labelled, {told['should_escalate']} should reach people: "
        f"precision {_with_interval(told, 'precision')}, recall {_with_interval(told, 'recall')}, f1 {_n(told['f1'])}"
    )
    yield (
        f"needless {_n(told['needless_per_100'])} per 100 ({told['needless']}), "
        f"missed {_n(told['missed_per_100'])} per 100 ({told['missed']})"
    )
    timing = told["timing"]
    if timing["conversations"]:
        yield f"of {timing['conversations']} rightly escalated: in the window {_percent(timing['within_window'])}"
        yield from _late(timing, "turns")
        yield from _late(timing, "seconds")
    for lateness in dict.fromkeys(g["lateness"] for g in told["golden_transfer"]):
        scores = [g for g in told["golden_transfer"] if g["lateness"] == lateness]
        shown = ", ".join(f"T={g['tolerance']} {g['score']:.4f}" for g in scores)
        yield f"golden transfer, L={lateness:g}: {shown}"


def _late(timing: Summary, unit: str) -> Iterator[str]:
    late = timing[f"{unit}_late"]
    if late:
        yield (
            f"  {unit} from the first right moment: median {late['median']:+d}, p90 {late['p90']:+d}, "
            f"early {_percent(late['early'])}, late {_percent(late['late'])}"
        )


def _rules(summary: Summary) -> Iterator[str]:
    """One row a rule that fired. only: nothing else would have escalated the conversation."""
    labelled = summary["labelled"] is not None
    yield ""
    head = f"{'rule':<{_NAME}}{'does':<10}{'fired':>6}{'per 100':>9}{'decided':>9}{'first turn':>12}{'only':>6}"
    yield head + (f"{'precision':>11}{'recall':>8}{'f1':>7}" if labelled else "")
    quiet = []
    for name, rule in summary["rules"].items():
        if not rule["fired"]:
            quiet.append(name)
            continue
        row = (
            f"{name + (' (locked)' if rule['locked'] else ''):<{_NAME}}{rule['action']:<10}{rule['fired']:>6}"
            f"{_n(rule['fired_per_100']):>9}{rule['decided']:>9}{rule['first_turn']:>12}{rule['only']:>6}"
        )
        yield row + (f"{_n(rule['precision']):>11}{_n(rule['recall']):>8}{_n(rule['f1']):>7}" if labelled else "")
    if quiet:
        yield from wrap(f"never fired: {', '.join(quiet)}", _WIDTH, break_on_hyphens=False)


def _confusion(summary: Summary) -> Iterator[str]:
    told = summary["labelled"]
    if told is None:
        return
    yield ""
    yield f"{'gold trigger':<{_NAME}}decided by"
    for gold in dict.fromkeys(cell["gold"] for cell in told["confusion"]):
        cells = [c for c in told["confusion"] if c["gold"] == gold]
        yield f"{gold:<{_NAME}}" + ", ".join(f"{c['rule']} {c['conversations']}" for c in cells)


def _lift(summary: Summary) -> Iterator[str]:
    if not summary["outcomes"]:
        return
    yield ""
    yield f"{'outcome':<{_NAME}}conversations   share"
    for name, outcome in summary["outcomes"].items():
        yield f"{name:<{_NAME}}{outcome['conversations']:>13}{_percent(outcome['share']):>8}"
    yield ""
    yield f"{'rule':<{_NAME}}{'outcome where it fires':<28}{'n':>5}{'share':>8}{'lift':>7}"
    for name, rule in summary["rules"].items():
        for outcome, seen in rule["outcomes"].items():
            if seen["conversations"]:
                row = f"{name:<{_NAME}}{outcome:<28}{seen['conversations']:>5}"
                yield f"{row}{_percent(seen['share']):>8}{_n(seen['lift']):>7}"


def compared(old: Summary, new: Summary) -> str:
    """The costs of two policies beside each other, and how often each rule fires where that changed."""
    rows: list[tuple[str, Any, Any]] = [("escalated per 100", old["escalated_per_100"], new["escalated_per_100"])]
    if old["labelled"] and new["labelled"]:
        rows += [
            (key.replace("_", " "), old["labelled"][key], new["labelled"][key])
            for key in ("needless_per_100", "missed_per_100", "precision", "recall", "f1")
        ]
    for name in dict.fromkeys([*old["rules"], *new["rules"]]):
        before, after = (s["rules"].get(name, {}).get("fired_per_100") for s in (old, new))
        if before != after:
            rows.append((f"{name} fired per 100", before, after))
    head = f"{'':<40}{old['policy']:>14}{new['policy']:>14}{'change':>10}"
    shown = [f"{name:<40}{_n(a):>14}{_n(b):>14}{_change(a, b):>10}".rstrip() for name, a, b in rows]
    return "\n".join([head, *shown])


def _change(old: float | None, new: float | None) -> str:
    return "" if old is None or new is None else f"{new - old:+.2f}"


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}%"


def _with_interval(told: Summary, key: str) -> str:
    around = told[f"{key}_95"]
    return _n(told[key]) + (f" ({around[0]:.2f} to {around[1]:.2f})" if around else "")
