"""
Speaking through Twilio without being asked: a message to the customer, or new instructions for a running call.

source: https://www.twilio.com/docs/messaging/api/message-resource and /docs/voice/api/call-resource (update), read
2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from connectors.vendors.twilio import twiml
from packets.event import Turn

_SID = re.compile(r"[A-Z]{2}[0-9A-Za-z]{32}")


class TwilioClient:
    """base_url: https://api.twilio.com. credentials: account_sid with auth_token, or with api_key and api_secret."""

    name = "twilio"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: https://api.twilio.com")
        told = account.credentials
        self._account_sid = told.get("account_sid", "")
        user, password = told.get("api_key") or self._account_sid, told.get("api_secret") or told.get("auth_token")
        if not _SID.fullmatch(self._account_sid) or not password:
            raise ValueError("credentials: account_sid (AC…) with auth_token, or with api_key and api_secret")
        self._options = account.options
        self._session = HardenedSession(account.name, account.base_url, deadline=account.timeout, auth=(user, password))

    def tell(self, notice: Notice) -> None:
        """
        Handed off: who writes gets the message, who calls is put through, or for a callback is given back to the bot
        after the message. While people are asked, a caller is on hold already, or with the bot, and stays there. What
        the answer to Twilio's own call has said is not said again. A call that is over is Refused, and that is fine.
        """
        if notice.in_answer:
            return
        refs = notice.refs
        if "customer" in refs and "number" in refs:
            if notice.text:
                form = {"From": refs["number"], "To": refs["customer"], "Body": notice.text}
                self._post("Messages.json", form)
            return
        if notice.kind is NoticeKind.WAITING:
            return  # new instructions would take the call from the bot
        call_sid = refs.get("call_sid", "")
        if not _SID.fullmatch(call_sid):
            raise Refused(self.name, "the conversation has no CallSid and no numbers: nothing can be said in it")
        if not notice.connects:
            if "bot_url" in self._options:
                self._instruct(call_sid, twiml.going_on(notice.text, self._options))
            return  # without it the call would end
        if "destination" not in self._options:
            raise Refused(self.name, "no option destination: the call stays with the bot, a person calls back")
        self._instruct(call_sid, twiml.to_people(notice.text, self._options, None))

    def _instruct(self, call_sid: str, document: bytes) -> None:
        self._post(f"Calls/{call_sid}.json", {"Twiml": document.decode()})

    def _post(self, resource: str, form: Mapping[str, str]) -> None:
        self._session.call("POST", f"/2010-04-01/Accounts/{self._account_sid}/{resource}", data=form)

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "Twilio keeps no transcript of a bot's conversation; there is nothing to fetch")
