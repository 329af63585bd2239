"""Whether a source's vendor can wait for somebody's accept before it puts a customer through, and if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.ports import VendorAccount
from connectors.registry import vendor
from policies.model import PolicySet


def cannot_wait(account: VendorAccount) -> str | None:
    """Why a warm handoff of this source is connected at once, in words that tell what to change. None: it can wait."""
    needed = vendor(account.vendor).capabilities.connects_later
    if needed is None:
        return f"{account.vendor} cannot be told later to put a customer through"
    if account.base_url is None:
        return "it has no base_url, so nobody can tell it later to put a customer through"
    missing = sorted(needed - account.options.keys())
    return f"it has no option {' and '.join(missing)}, which {account.vendor} needs for that" if missing else None


def waits_in_vain(policy: PolicySet, accounts: Iterable[VendorAccount]) -> Iterator[str]:
    """Each source that cannot wait though routes of the policy want it, as a sentence."""
    routes = sorted(name for name, route in policy.routes.items() if route.warm)
    for account in accounts if routes else ():
        why = cannot_wait(account)
        if why:
            yield f"{account.name}: {why}; warm handoffs to {', '.join(routes)} are connected at once (cold)"
