"""
One Zendesk account through zenpy, on our Session. Opens a ticket once (Idempotency-Key, the key as external_id), puts
on it what the create call could not carry, reads and changes it.

zenpy gives the objects, the pages and the uploads; session.py keeps it from sleeping, repeating and guessing.
"""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Ticket

from connectors.errors import ConnectorError, Refused, Unavailable
from connectors.helpdesks.text import email_address
from connectors.helpdesks.zendesk import answers, news, wire
from connectors.helpdesks.zendesk.credential import credential
from connectors.helpdesks.zendesk.session import SUBDOMAIN, Frozen, ZendeskSession
from connectors.ports import Capabilities, HelpdeskAccount
from packets.draft import DraftAttachment, TicketDraft, TicketRef, TicketState, TicketUpdate

log = logging.getLogger(__name__)

# Zendesk remembers a key for two hours ("Idempotency", developer.zendesk.com, read 2026-11-21); ten minutes to spare.
# A comment takes about 65 000 characters (staff answer, support.zendesk.com community 4719863289498, read 2026-11-21).
# The rate of the smallest plan, for the whole account. source: rate limits page, read 2026-11-21.
CAPABILITIES = Capabilities(
    idempotent_for=timedelta(hours=2) - timedelta(minutes=10), note_limit=60_000, requests_per_minute=200, at_once=4
)
MOST_ROWS = 300
MOST_AUDITS = 2_000
LONGEST_KEY = 255

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OwnUser:
    """The user our credential acts as."""

    user_id: int | None
    email: str | None


class ZendeskHelpdesk:
    """One Zendesk account; see connectors.ports.Helpdesk. May be used from several threads."""

    name = "zendesk"

    def __init__(self, account: HelpdeskAccount) -> None:
        problems = wire.check_field_map(account.field_map)
        if problems:
            raise ValueError(f"helpdesk {account.name!r}: " + "; ".join(problems))
        lookup_after = account.lookup_after or CAPABILITIES.lookup_after
        self.capabilities = replace(CAPABILITIES, lookup_after=lookup_after)
        self._account = account
        self._base_url = account.base_url.rstrip("/")
        self._auth = credential(account)
        self._own: OwnUser | None = None

    def prepare(self, draft: TicketDraft, *, key: str) -> bytes:
        """
        Asks Zendesk who we are (once), so that no customer's ticket becomes our own by the e-mail they gave, and
        whether the customer is suspended there, because Zendesk refuses the ticket of such a one.
        """
        if not key.isascii() or not key.isprintable() or not 0 < len(key) <= LONGEST_KEY:
            raise Refused(wire.SYSTEM, f"a key must be up to {LONGEST_KEY} printable ASCII characters")
        email = email_address(draft.requester.email)
        not_these = self._unusable(email) if email else ()
        body = wire.ticket_body(draft, key, self._account.field_map, self.capabilities.note_limit, not_these)
        session = self._session(one_ticket=True)
        return body if draft.follows is None else news.as_follow_up(session, body, draft.follows)

    def open_ticket(self, body: bytes, *, key: str) -> TicketRef:
        """
        Send the frozen request with `key` as Idempotency-Key: within `capabilities.idempotent_for` the same key and
        bytes give the same ticket, however often they are sent.

        raises: Throttled, Unavailable, Unsure, Refused (with the refused fields), Unauthorized.
        source: Zendesk API, "Create Ticket" and "Idempotency", read 2026-11-21.
        """
        session = self._session(harmless=False)
        session.frozen = Frozen(body, key)
        # What zenpy would write of this object never leaves: the session sends the frozen body.
        self._ask(session, lambda zenpy: zenpy.tickets.create(Ticket(external_id=key)))
        answer = session.last
        ticket = answer.json.get("ticket") if answer and isinstance(answer.json, dict) else None
        ref = answers.ticket_ref(ticket, self._base_url) if isinstance(ticket, dict) else None
        if answer is None or not isinstance(ticket, dict) or ref is None:
            raise session.unclear("POST", "created, but the answer names no ticket")
        if lost := wire.fields_not_kept(body, ticket):
            log.warning("zendesk_fields_not_kept", extra={"ticket": ref.ticket_id, "fields": lost})
        if not answer.headers.get("x-idempotency-lookup"):
            return self._oldest(ref, key)
        return ref

    def find_tickets(self, draft: TicketDraft, *, key: str, since: datetime) -> tuple[TicketRef, ...]:
        """
        The list by external_id: read from the primary store, where the search lags by minutes. Each row is checked;
        a list that shows only other tickets has ignored the filter, and then "not found" may not be believed.

        source: Zendesk API, "List Tickets" (external ids need not be unique), read 2026-11-21.
        """
        return self._find(key)

    def complete_ticket(self, ref: TicketRef, draft: TicketDraft, *, key: str) -> None:
        """
        The files that did not fit into the first comment, as a second private one. Its marker is kept in the audit's
        metadata, which is read first: an update has no idempotency, and a repeated one would comment twice.
        """
        files = wire.note(draft, self.capabilities.note_limit).files
        marker = f"files:{key}"
        if not files or answers.is_marked(self._audits(ref.ticket_id), marker):
            return
        tokens = [self._upload(file) for file in files]
        names = " and ".join(file.filename for file in files)
        comment = Comment(body=f"Attached because the note above is too long for it: {names}", public=False)
        comment.uploads = tokens
        changed = Ticket(id=_number(ref.ticket_id), comment=comment, metadata={answers.MARKER: marker})
        session = self._session(harmless=False, one_ticket=True)
        self._ask(session, lambda zenpy: zenpy.tickets.update(changed))

    def update_ticket(self, ref: TicketRef, update: TicketUpdate) -> None:
        """
        Set what differs, in one PUT under Zendesk's optimistic lock; add the missing tags in another, which leaves
        other people's tags alone. A priority that somebody else has set since is left as it is. Never touches the
        status. An unknown outcome is Unavailable: doing it again is harmless.

        source: Zendesk API, "Update Ticket" (safe_update, updated_stamp), read 2026-11-21. `safe_update` is sent as
        true or not at all: false is documented to behave like true.
        """
        ticket = self._ticket(ref.ticket_id)
        number = _number(ref.ticket_id)
        if update.note_key and answers.is_marked(self._audits(ref.ticket_id), update.note_key):
            return
        wanted = wire.changes(ticket, update, self._account.field_map)
        if "priority" in wanted and self._priority_is_theirs(ref.ticket_id):
            del wanted["priority"]
            log.info("zendesk_priority_left_alone", extra={"ticket": ref.ticket_id})
        if wanted:
            changed = Ticket(id=number, updated_stamp=ticket.get("updated_at"), safe_update=True, **wanted)
            self._ask(self._session(one_ticket=True), lambda zenpy: zenpy.tickets.update(changed))
        tags = wire.missing_tags(ticket, update.tags)
        if tags:
            self._ask(self._session(one_ticket=True), lambda zenpy: zenpy.tickets.add_tags(number, tags))
        told = news.changes(ticket, update, self._account.field_map, self.capabilities.note_limit, self._upload)
        if told:
            session = self._session(harmless=update.note is None, one_ticket=True)
            self._ask(session, lambda zenpy: zenpy.tickets.update(Ticket(id=number, **told)))

    def read_ticket(self, ticket_id: str) -> TicketState:
        """
        The ticket, and from its audits when it was solved and when a person of ours first answered in public.
        source: Zendesk API, "Show Ticket", "List Audits for a Ticket", read 2026-11-21.
        """
        ticket = self._ticket(ticket_id)
        ref = answers.ticket_ref(ticket, self._base_url)
        if ref is None or ref.ticket_id != ticket_id:
            raise Unavailable(wire.SYSTEM, "the answer names no ticket, or another one")
        audits = self._audits(ticket_id)
        state = answers.ticket_state(ticket, ref, audits)
        return replace(state, first_human_reply_at=self._first_reply(ticket, audits))

    def _unusable(self, email: str) -> tuple[str, ...]:
        """Our own address, and the customer's if they are suspended. A search that is not allowed finds nobody."""
        own = (self._own_user().email or "").lower()
        session = self._session()
        try:
            answer = session.call("GET", "/api/v2/users/search.json", params={"query": f"email:{email}"})
        except Refused as error:
            log.warning("zendesk_requester_not_looked_up", extra={"error": type(error).__name__})
            return (own,)
        return (own, email) if answers.is_suspended(answer.json, email) else (own,)

    def _priority_is_theirs(self, ticket_id: str) -> bool:
        """Whether somebody else, a person or a rule of the account, has set the priority after us."""
        return answers.priority_set_by(self._audits(ticket_id)) not in (None, self._own_user().user_id)

    def changed_since(self, since: datetime, *, late: bool = True) -> tuple[TicketState, ...]:
        """See news.changed_since: from the search, which lags."""
        return news.changed_since(self._session(), since - news.SEARCH_LAG if late else since)

    def _find(self, key: str) -> tuple[TicketRef, ...]:
        def listed(zenpy: Zenpy) -> list[dict[str, Any]]:
            # zenpy escapes nothing in a query.
            rows = zenpy.tickets(external_id=quote(key, safe=""))
            return [row.to_dict() for row in itertools.islice(rows, MOST_ROWS)]

        rows = self._ask(self._session(), listed)
        ours = [answers.ticket_ref(row, self._base_url) for row in rows if row.get("external_id") == key]
        if rows and not ours:
            raise Unavailable(wire.SYSTEM, "the ticket list ignored external_id, so nothing can be looked up")
        return tuple(sorted((ref for ref in ours if ref is not None), key=lambda ref: int(ref.ticket_id)))

    def _oldest(self, ref: TicketRef, key: str) -> TicketRef:
        """Zendesk did not say that it looked the key up, so an earlier attempt's ticket may be there as well."""
        log.warning("zendesk_idempotency_not_honoured", extra={"ticket": ref.ticket_id, "packet": key})
        try:
            found = self._find(key)
        except ConnectorError as error:
            log.warning("zendesk_lookup_failed", extra={"ticket": ref.ticket_id, "error": type(error).__name__})
            return ref
        if len(found) > 1:
            log.error("zendesk_ticket_doubled", extra={"packet": key, "tickets": [f.ticket_id for f in found]})
        return found[0] if found else ref

    def _first_reply(self, ticket: Mapping[str, Any], audits: Iterable[Mapping[str, Any]]) -> datetime | None:
        """Staff are told from end users by their role: an end user in copy may write in public too."""
        known = {ticket.get("requester_id"): False, self._own_user().user_id: False, -1: False}  # -1: Zendesk itself
        for author, said_at in answers.public_comments(audits):
            if author not in known:
                known[author] = self._is_staff(author)
            if known[author]:
                return said_at
        return None

    def _is_staff(self, user_id: int) -> bool:
        user = self._ask(self._session(), lambda zenpy: zenpy.users(id=user_id).to_dict())
        return user.get("role") in ("agent", "admin")

    def _own_user(self) -> OwnUser:
        if self._own is None:
            user = self._ask(self._session(), lambda zenpy: zenpy.users.me().to_dict())
            self._own = OwnUser(user.get("id"), user.get("email"))
        return self._own

    def _ticket(self, ticket_id: str) -> dict[str, Any]:
        number = _number(ticket_id)
        session = self._session(one_ticket=True)
        found: dict[str, Any] = self._ask(session, lambda zenpy: zenpy.tickets(id=number).to_dict())
        return found

    def _audits(self, ticket_id: str) -> list[dict[str, Any]]:
        number = _number(ticket_id)

        def listed(zenpy: Zenpy) -> list[dict[str, Any]]:
            audits = zenpy.tickets.audits(ticket=number)
            return [audit.to_dict() for audit in itertools.islice(audits, MOST_AUDITS)]

        return self._ask(self._session(one_ticket=True), listed)

    def _upload(self, file: DraftAttachment) -> str:
        """A file that no comment takes disappears after some days, so a second upload does no harm."""
        content = io.BytesIO(file.content.encode("utf-8", "replace"))
        upload = self._ask(
            self._session(),
            lambda zenpy: zenpy.attachments.upload(
                content, target_name=quote(file.filename, safe=""), content_type=file.content_type
            ),
        )
        return str(upload.token)

    def _session(self, *, harmless: bool = True, one_ticket: bool = False) -> ZendeskSession:
        """A new one for each thing asked: what is frozen into it and what it saw last belong to that alone."""
        session = ZendeskSession(wire.SYSTEM, self._base_url, deadline=self._account.timeout, auth=self._auth)
        session.harmless, session.one_record = harmless, one_ticket
        return session

    def _ask(self, session: ZendeskSession, what: Callable[[Zenpy], T]) -> T:
        """
        Do something with a zenpy client of its own (2 ms; its objects are not for several threads). What zenpy makes
        of an answer it does not expect is any kind of exception, and may quote the answer: it ends here.
        """
        zenpy = Zenpy(subdomain=SUBDOMAIN, session=session, anonymous=True, disable_cache=True)
        try:
            return what(zenpy)
        except ConnectorError:
            raise
        except Exception as error:
            cause = type(error).__name__
        status = session.last.status if session.last else "nothing"
        raise session.unclear("", f"answered {status}, not to be understood ({cause})", safe=session.harmless)


def _number(ticket_id: str) -> int:
    if not (ticket_id.isascii() and ticket_id.isdecimal() and len(ticket_id) <= 20):
        raise Refused(wire.SYSTEM, "a ticket id that is not a number")
    return int(ticket_id)
