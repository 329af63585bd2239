"""What one configured helpdesk must have for this installation: its webhook's address, its routes, its tiers."""

from __future__ import annotations

import json

from connectors.ports import Wanted
from gateway.settings import HelpdeskSettings, Settings
from policies.model import PolicySet


def wanted_of(
    settings: Settings, helpdesk: HelpdeskSettings, policy: PolicySet | None, url: str | None, by_trigger: bool = False
) -> Wanted:
    """url: where the helpdesk reaches the gateway; None leaves webhooks alone. policy None: it cannot be read."""
    base = (url or settings.public_url or "").rstrip("/")
    # `baton up` has told its sandboxes itself where to send.
    status_url = None if not base or helpdesk.is_sandbox else f"{base}/v1/status/{helpdesk.account.name}"
    secrets = helpdesk.webhook_secrets
    return Wanted(
        status_url=status_url,
        webhook_token=secrets[0] if secrets else None,
        webhook_secrets=secrets,
        by_trigger=by_trigger,
        tiers=tuple(sorted(policy.tiers)) if policy else (),
        routes=tuple(sorted(policy.routes)) if policy else (),
    )


def running_sandboxes(settings: Settings) -> dict[str, str]:
    """Sandboxes that a `baton up` of this folder has started: helpdesk → address."""
    try:
        found = json.loads((settings.var / "run" / "addresses.json").read_text("utf-8"))["sandboxes"]
    except (OSError, ValueError, KeyError):
        return {}
    return {str(name): str(address) for name, address in found.items()}
