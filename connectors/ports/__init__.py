"""What every adapter can do, so that nobody upstairs knows which system it talks to. `registry.py` names them all."""

from connectors.ports.helpdesk import (
    Capabilities,
    FieldMap,
    Helpdesk,
    HelpdeskAccount,
    HelpdeskInbound,
    StoredToken,
    TokenStore,
)
from connectors.ports.keeper import Change, Finding, HelpdeskKeeper, Installed, Wanted
from connectors.ports.notifier import (
    Card,
    Notifier,
    NotifierAccount,
    NotifierCapabilities,
    NotifierInbound,
    Posted,
    Press,
    Pressed,
    Standing,
)
from connectors.ports.vendor import (
    Notice,
    NoticeKind,
    VendorAccount,
    VendorAdapter,
    VendorAnswer,
    VendorCapabilities,
    VendorClient,
)
from connectors.ports.webhook import Verified, Webhook

__all__ = [
    "Capabilities",
    "Card",
    "Change",
    "FieldMap",
    "Finding",
    "Helpdesk",
    "HelpdeskAccount",
    "HelpdeskInbound",
    "HelpdeskKeeper",
    "Installed",
    "Notice",
    "NoticeKind",
    "Notifier",
    "NotifierAccount",
    "NotifierCapabilities",
    "NotifierInbound",
    "Posted",
    "Press",
    "Pressed",
    "Standing",
    "StoredToken",
    "TokenStore",
    "VendorAccount",
    "VendorAdapter",
    "VendorAnswer",
    "VendorCapabilities",
    "VendorClient",
    "Verified",
    "Wanted",
    "Webhook",
]
