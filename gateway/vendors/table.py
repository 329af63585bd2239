"""What there is of vendors, made from their adapters: for `baton vendor list` and the table of docs/vendors.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.ports import NoticeKind
from connectors.registry import VENDORS, vendor

TOLD = {
    NoticeKind.WAITING: "waiting",
    NoticeKind.HANDED_OFF: "handed off",
    NoticeKind.HUMAN_JOINED: "human joined",
    NoticeKind.CONTROL_RETURNED: "control returned",
}


@dataclass(frozen=True, slots=True)
class VendorRow:
    """
    waits: what a source needs so that its warm handoffs can wait for somebody's accept (VendorCapabilities); None: they
    cannot. readme: path of its folder's README, from the top of the repository.
    """

    name: str
    decides: bool
    tells: tuple[NoticeKind, ...]
    waits: tuple[str, ...] | None
    pulls: bool
    options: Mapping[str, str]
    readme: str


def vendor_rows() -> list[VendorRow]:
    """Every registered vendor, by name."""
    return [_row(name) for name in sorted(VENDORS)]


def _row(name: str) -> VendorRow:
    adapter = vendor(name)
    can = adapter.capabilities
    tells = tuple(kind for kind in NoticeKind if kind in can.tells)
    readme = VENDORS[name].replace(".", "/") + "/README.md"
    waits = None if can.connects_later is None else ("base_url", *sorted(can.connects_later))
    return VendorRow(name, can.decides, tells, waits, can.pulls, adapter.options, readme)


def markdown_table(rows: list[VendorRow], to_top: str = "../") -> str:
    """`to_top`: how a link gets from the document to the top of the repository."""
    head = "| vendor | the answer carries the decision | is told | warm handoffs wait | transcript fetched | options |"
    lines = [head, "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        told = ", ".join(TOLD[kind] for kind in row.tells) or "nothing"
        options = ", ".join(f"`{name}`" for name in row.options) or "none"
        name, waits = f"[`{row.name}`]({to_top}{row.readme})", waits_text(row.waits)
        cells = (name, _yes(row.decides), told, waits, _yes(row.pulls), options)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def waits_text(needed: tuple[str, ...] | None) -> str:
    return "no" if needed is None else f"with {', '.join(f'`{name}`' for name in needed)}"


def _yes(told: bool) -> str:
    return "yes" if told else "no"
