"""
Calling Chatwoot back: the conversation's status, a message, a note, the list of messages.

source: chatwoot/chatwoot app/controllers/api/v1/accounts/conversations_controller.rb (toggle_status),
conversations/messages_controller.rb, app/finders/message_finder.rb, concerns/access_token_auth_helper.rb, read
2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from connectors.reading import key, mapping, rows
from connectors.vendors.chatwoot.wire import turn_of
from connectors.vendors.told import joined_note
from packets.event import Turn

PAGE = 20  # what Chatwoot gives at once
PAGES = 100


class ChatwootClient:
    """
    base_url: the Chatwoot server. credentials: bot_token, the access token of an agent bot; user_token, of a person,
    for the transcript: agent bots may not read messages.
    """

    name = "chatwoot"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: the address of the Chatwoot server")
        if not account.credentials.get("bot_token"):
            raise ValueError("needs the credential bot_token: the access token of an agent bot")
        self._account = account
        self._conversations = f"/api/v1/accounts/{account.options.get('account_id', '')}/conversations"
        self._session = self._with(account.credentials["bot_token"])

    def _with(self, token: str) -> HardenedSession:
        headers = {"api_access_token": token}
        base_url = self._account.base_url or ""
        return HardenedSession(
            self._account.name, base_url, deadline=self._account.timeout, headers=headers, json_answers=False
        )

    def tell(self, notice: Notice) -> None:
        """
        Handed off: opened for people, then the customer hears the message; for a callback, and while people are still
        asked, only the message: an open conversation stands in everybody's queue. Joined: a private note. Returned:
        pending, so that the bot gets the next message.
        """
        path = f"{self._conversations}/{quote(notice.vendor_conversation_id, safe='')}"
        match notice.kind:
            case NoticeKind.WAITING | NoticeKind.HANDED_OFF:
                if notice.kind is NoticeKind.HANDED_OFF and notice.connects:
                    self._set_status(path, "open")
                if notice.text:
                    self._say(path, notice.text, private=False)
            case NoticeKind.HUMAN_JOINED:
                self._say(path, joined_note(notice), private=True)
            case NoticeKind.CONTROL_RETURNED:
                self._set_status(path, "pending")

    def _set_status(self, path: str, status: str) -> None:
        """With a status named it is no toggle: a second time does no harm."""
        self._session.call("POST", f"{path}/toggle_status", json={"status": status}, expect=(200,), safe=True)

    def _say(self, path: str, words: str, *, private: bool) -> None:
        body = {"content": words, "message_type": "outgoing", "private": private}
        self._session.call("POST", f"{path}/messages", json=body, expect=(200,))

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        """Twenty messages at a time, the newest first, each page in order."""
        token = self._account.credentials.get("user_token")
        if not token:
            raise Refused(self.name, "the transcript needs the credential user_token: agent bots may not read messages")
        session = self._with(token)
        path = f"{self._conversations}/{quote(vendor_conversation_id, safe='')}/messages"
        found: list[Turn] = []
        before: str | None = None
        for _ in range(PAGES):
            params = {"before": before} if before else None
            answer = session.call("GET", path, params=params, expect=(200,), json_answer=True)
            page = rows(mapping(answer.json).get("payload"))
            found = [*(turn for row in page if (turn := turn_of(row))), *found]
            oldest = key(page[0].get("id")) if page else None
            if oldest is None or oldest == before or len(page) < PAGE:
                return tuple(found)
            before = oldest
        raise Refused(self.name, f"the conversation has more than {PAGE * PAGES} messages; it is not fetched")
