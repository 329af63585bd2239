"""
Calling Zendesk messaging back: control of the conversation, a message to the customer, the list of messages.

source: zendesk/sunshine-conversations-python@1bfa05bf docs (SwitchboardActionsApi, MessagesApi, PassControlBody), read
2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from connectors.reading import at, key, mapping, rows, text
from connectors.vendors.sunshine.wire import OUR_MARK, turn_of
from packets.event import Turn

PAGES = 50  # of 100 messages each: more is no conversation, it is a loop


class SunshineClient:
    """base_url: https://<subdomain>.zendesk.com/sc. credentials: key_id and key_secret of a Conversations API key."""

    name = "sunshine"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: https://<subdomain>.zendesk.com/sc")
        try:
            login = account.credentials["key_id"], account.credentials["key_secret"]
        except KeyError as missing:
            raise ValueError(f"needs the credential {missing.args[0]}: part of a Conversations API key") from None
        self._agents = account.options.get("agents", "zd-agentWorkspace")
        self._bot = account.options.get("bot")
        self._session = HardenedSession(account.name, account.base_url, deadline=account.timeout, auth=login)

    def tell(self, notice: Notice) -> None:
        """
        Handed off: the agents' integration gets control, then the customer hears the message. In this order: passing
        control twice does no harm, and a message whose outcome is unknown is not said again. For a callback, and while
        people are still asked, only the message: control stays where it is.
        """
        path = self._path(notice.vendor_conversation_id, notice.refs)
        mark = {OUR_MARK: notice.facts.get("handoff_id", notice.key)}
        if notice.kind is NoticeKind.CONTROL_RETURNED:
            self._give_back(path, mark)
            return
        if notice.kind is NoticeKind.HANDED_OFF and notice.connects:
            agents = {"switchboardIntegration": self._agents, "reason": "handoff", "metadata": mark}
            self._act(f"{path}/passControl", agents)
        if notice.text:
            message = {
                "author": {"type": "business"},
                "content": {"type": "text", "text": notice.text},
                "metadata": mark,
            }
            self._session.call("POST", f"{path}/messages", json=message, expect=(200, 201))

    def _give_back(self, path: str, mark: Mapping[str, str]) -> None:
        if self._bot:
            back = {"switchboardIntegration": self._bot, "reason": "solved", "metadata": mark}
            self._act(f"{path}/passControl", back)
        else:
            self._act(f"{path}/releaseControl", {"reason": "solved", "metadata": mark})

    def _act(self, path: str, body: Mapping[str, object]) -> None:
        self._session.call("POST", path, json=body, expect=(200,), safe=True)

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        """Pages come newest first, each in order of time."""
        path = self._path(vendor_conversation_id, refs) + "/messages"
        found: list[Turn] = []
        before: str | None = None
        for _ in range(PAGES):
            params = {"page[before]": before} if before else None
            answer = mapping(self._session.call("GET", path, params=params, expect=(200,)).json)
            page = [turn for row in rows(answer.get("messages")) if (turn := turn_of(row))]
            found = [*page, *found]
            earlier = text(at(answer, "meta", "beforeCursor"))
            if at(answer, "meta", "hasMore") is not True or earlier is None or earlier == before:
                return tuple(found)
            before = earlier
        raise Refused(self.name, f"the conversation has more than {PAGES} pages of messages; it is not fetched")

    def _path(self, conversation_id: str, refs: Mapping[str, str]) -> str:
        app_id = key(refs.get("app_id"))
        if app_id is None:
            raise Refused(self.name, "no event has named the app of this conversation: it cannot be addressed")
        return f"/v2/apps/{quote(app_id, safe='')}/conversations/{quote(conversation_id, safe='')}"
