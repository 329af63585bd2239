"""
Calling Intercom back: assignment, a message to the customer, a note to teammates, closing, the whole conversation.

source: intercom/Intercom-OpenAPI@88896257 descriptions/2.16/api.intercom.io.yaml (manageConversation,
replyConversation, retrieveConversation), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from connectors.reading import mapping
from connectors.vendors.intercom.wire import parts_of, turn_of_first, turn_of_part
from connectors.vendors.told import joined_note
from packets.event import Turn

API_VERSION = "2.14"  # of the calls; independent of the version the webhooks come in


class IntercomClient:
    """base_url: https://api.intercom.io, api.eu… or api.au…. credentials: access_token. options: admin_id, team_id."""

    name = "intercom"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: https://api.intercom.io, or that of your region")
        if not account.credentials.get("access_token"):
            raise ValueError(
                "needs the credential access_token: of an Intercom app with the right to write conversations"
            )
        if not account.options.get("admin_id"):
            raise ValueError("needs the option admin_id: the Intercom teammate in whose name we assign and write")
        self._admin = account.options["admin_id"]
        self._team = account.options.get("team_id")
        self._closes = account.options.get("when_done", "close") == "close"
        headers = {
            "Authorization": f"Bearer {account.credentials['access_token']}",
            "Intercom-Version": API_VERSION,
        }
        self._session = HardenedSession(account.name, account.base_url, deadline=account.timeout, headers=headers)

    def tell(self, notice: Notice) -> None:
        """
        Handed off: assigned to the team, which stops Fin, then the customer hears the message; for a callback only the
        message. Joined: a note for teammates. Returned: closed or unassigned, so that the next message is Fin's.
        """
        path = f"/conversations/{quote(notice.vendor_conversation_id, safe='')}"
        match notice.kind:
            case NoticeKind.HANDED_OFF:
                if self._team and notice.connects:
                    self._manage(path, "assignment", type="team", assignee_id=self._team)
                if notice.text:
                    self._say(path, "comment", notice.text)
            case NoticeKind.HUMAN_JOINED:
                self._say(path, "note", joined_note(notice))
            case NoticeKind.CONTROL_RETURNED if self._closes:
                self._manage(path, "close", type="admin")
            case NoticeKind.CONTROL_RETURNED:
                self._manage(path, "assignment", type="admin", assignee_id="0")

    def _manage(self, path: str, what: str, **more: str) -> None:
        """Assigning or closing a second time does no harm."""
        body = {"message_type": what, "admin_id": self._admin, **more}
        self._session.call("POST", f"{path}/parts", json=body, expect=(200,), safe=True)

    def _say(self, path: str, what: str, words: str) -> None:
        body = {"message_type": what, "type": "admin", "admin_id": self._admin, "body": words}
        self._session.call("POST", f"{path}/reply", json=body, expect=(200,))

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        """Intercom gives at most 500 parts, and only by this call."""
        path = f"/conversations/{quote(vendor_conversation_id, safe='')}"
        item = mapping(self._session.call("GET", path, params={"display_as": "plaintext"}, expect=(200,)).json)
        found = [turn_of_first(item, self._admin), *(turn_of_part(part, self._admin) for part in parts_of(item))]
        return tuple(turn for turn in found if turn is not None)
