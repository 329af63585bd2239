"""
Speaking into a running Vapi call, through the call's own control address.

source: VapiAI/docs@eabfa530 fern/calls/call-features.mdx, read 2026-11-21. The address comes with the call's events and
is a capability: whoever has it controls the call. Only addresses below the configured base_url are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from connectors.vendors.vapi.destination import destination_of
from packets.event import Turn


class VapiClient:
    """base_url: the host of the control addresses, https://<region>.vapi.ai for most accounts."""

    name = "vapi"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: the host of the calls' control addresses")
        self._host = urlsplit(account.base_url).netloc
        self._options = account.options
        self._session = HardenedSession(account.name, account.base_url, deadline=account.timeout, json_answers=False)

    def tell(self, notice: Notice) -> None:
        """
        Handed off: the caller hears the message and is put through, or, without a destination, the assistant falls
        silent. While people are asked, and for a callback, they only hear the message. Control returned: it may speak
        again. A call that is over is Refused, and that is fine.
        """
        if notice.in_answer and (_only_words(notice) or ("asked" in notice.refs and "destination" in self._options)):
            return  # the answer to Vapi's own question has said it, or put the caller through
        path = self._path(notice.refs.get("control_url"))
        for order in self._orders(notice):
            self._session.call("POST", path, json=order, expect=range(200, 300))

    def _orders(self, notice: Notice) -> list[dict[str, object]]:
        if notice.kind is NoticeKind.CONTROL_RETURNED:
            return [{"type": "control", "control": "unmute-assistant"}]
        if _only_words(notice):
            return [{"type": "say", "content": notice.text}] if notice.text else []
        announcement = notice.facts.get("announcement") if notice.facts.get("transfer") == "warm" else None
        if where := destination_of(self._options, announcement):
            return [{"type": "transfer", "destination": where, **({"content": notice.text} if notice.text else {})}]
        silence: dict[str, object] = {"type": "control", "control": "mute-assistant"}
        return [{"type": "say", "content": notice.text}, silence] if notice.text else [silence]

    def _path(self, control_url: str | None) -> str:
        try:
            parts = urlsplit(control_url or "")
        except ValueError:  # not an address at all
            parts = urlsplit("")
        if not parts.netloc or parts.netloc != self._host:
            raise Refused(self.name, "the call has no control address below base_url: nothing can be said into it")
        return parts.path

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "Vapi's reports carry the whole transcript; there is nothing to fetch")


def _only_words(notice: Notice) -> bool:
    return notice.kind is NoticeKind.WAITING or (notice.kind is NoticeKind.HANDED_OFF and not notice.connects)
