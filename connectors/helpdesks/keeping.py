"""
What the keepers of several helpdesks share: which fields of ours an account needs, and sentences for `baton doctor`.
Pure; each helpdesk's keeper.py asks and writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from connectors.ports import Finding

# Our neutral fields → what the agent reads beside them.
FIELDS: Mapping[str, str] = {
    "packet_id": "Baton packet id",
    "reason": "Baton reason",
    "channel": "Baton channel",
    "tier": "Baton tier",
    "respond_by": "Baton respond by",
    "rules": "Baton rules",
    "source": "Baton source",
    "conversation_url": "Baton conversation url",
    "completeness": "Baton completeness",
    "language": "Baton language",
}
SKEW_TOLD = timedelta(seconds=60)


def failure(what: str, error: ConnectorError, *, credential: str, asleep: str = "") -> Finding:
    """
    One thing that could not be looked at, and what to do about it.

    credential: where it is mended. asleep: what an account that does not answer may need besides a network.
    """
    told = f"{what}: {error}"
    if isinstance(error, Unauthorized):
        return Finding("broken", told, f"check the credential and base_url in baton.yml; {credential}")
    if isinstance(error, Throttled):
        return Finding("warning", told, "the account is over its limit; ask again later")
    if isinstance(error, Refused):
        return Finding("broken", told, credential)
    return Finding("broken", told, f"check base_url, DNS and the way out of your network{asleep}")


def skew(date: str | None, now: datetime) -> Finding:
    """The account's clock beside ours: what changed since a time is asked by the clock."""
    try:
        apart = abs(parsedate_to_datetime(date or "") - now)
    except (TypeError, ValueError):
        return Finding("warning", "the account told no time, so the clocks were not compared")
    if apart >= SKEW_TOLD:
        told = f"this machine's clock and the account's differ by {apart.total_seconds():.0f} s"
        return Finding("warning", told, "set the clock (NTP), or changes are looked for in the wrong minutes")
    return Finding("ok", "the clocks agree")


def groups_by_route(
    routes: Iterable[str], mapped: Mapping[str, str], there: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """
    Route → group id, and what is left to do by hand. Groups are looked up and never made: one that nobody is in would
    swallow tickets. there: the account's groups, id → name.
    """
    ids = {name.strip().casefold(): group_id for group_id, name in there.items()}
    found = {name: group for name, group in mapped.items() if group in there}
    for route in routes:
        group = ids.get(route.replace("_", " ").casefold()) or ids.get(route.casefold())
        if group and route not in found:
            found[route] = group
    without = [route for route in routes if route not in found]
    if not without:
        return found, ()
    goes = "They go to the group mapped as `default`" if "default" in found else "Their tickets go to no group"
    return found, (f"Routes without a group of their name: {', '.join(without)}. {goes}; name one in the field map.",)


def group_findings(routes: Sequence[str], mapped: Mapping[str, str], there: Mapping[str, str]) -> list[Finding]:
    """What is wrong with the groups of the field map."""
    gone = [
        Finding("broken", f"route {route}: the account has no group {group}", "correct `groups` in the field map")
        for route, group in sorted(mapped.items())
        if group not in there
    ]
    without = [route for route in routes if route not in mapped]
    if without and "default" not in mapped:
        told = f"routes without a group: {', '.join(without)}"
        gone.append(Finding("warning", told, "name a group for each, or one as `default`, in the field map"))
    return gone or [Finding("ok", f"all {len(mapped)} groups of the field map are there")]
