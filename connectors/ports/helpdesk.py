"""What a helpdesk's folder offers: a client (network), and its webhooks, verified and parsed (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from connectors.ports.webhook import Verified, Webhook
from packets.draft import StatusChange, TicketDraft, TicketRef, TicketState, TicketUpdate


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    What a helpdesk can do; asked instead of its name.

    idempotent_for: how long the same key with the same bytes is safe to send again; None = never.
    lookup_after: after an unknown outcome, how long before "not found" may be believed.
    note_limit: characters of one private note.
    reopens_closed: whether TicketUpdate.reopen also opens a closed ticket, not only a solved one.
    requests_per_minute, at_once: what one account usually bears; baton.yml may say otherwise.
    """

    idempotent_for: timedelta | None = None
    lookup_after: timedelta = timedelta(seconds=120)
    note_limit: int = 60_000
    reopens_closed: bool = False
    requests_per_minute: int = 100
    at_once: int = 3


class Helpdesk(Protocol):
    """
    One helpdesk account. Every method raises only Throttled, Unavailable, Unsure, Refused, Unauthorized
    (see errors.py); every call has a deadline; nothing sleeps for longer than a few seconds inside.
    """

    name: str
    capabilities: Capabilities

    def prepare(self, draft: TicketDraft, *, key: str) -> bytes:
        """
        The body of the create request, to be stored before it is first sent and sent unchanged ever after.
        May read from the helpdesk (who is the caller?), writes nothing. Holds `key` where find_tickets sees it.
        """

    def open_ticket(self, body: bytes, *, key: str) -> TicketRef:
        """
        Send one prepared create request, once. Unsure = it may have been done: find_tickets before sending again,
        except within `capabilities.idempotent_for` of the first send, where the same key and bytes are safe.
        """

    def find_tickets(self, draft: TicketDraft, *, key: str, since: datetime) -> tuple[TicketRef, ...]:
        """The tickets that carry `key`, oldest first, read from where writes are seen at once. Each row is checked."""

    def complete_ticket(self, ref: TicketRef, draft: TicketDraft, *, key: str) -> None:
        """
        Put on the ticket what the create call could not carry (private note, attachment). Reads what is there and adds
        only what is missing, so a second call changes nothing.
        """

    def update_ticket(self, ref: TicketRef, update: TicketUpdate) -> None:
        """
        Set priority, tags (added), fields, group; reopen; add the note unless one with its key is there. A second
        call changes nothing more. Unsure = only the note may have been added: calling again is safe.
        """

    def read_ticket(self, ticket_id: str) -> TicketState:
        """The ticket as it is now. Refused if there is none."""

    def changed_since(self, since: datetime, *, late: bool = True) -> tuple[TicketState, ...]:
        """
        Tickets of ours (that carry our key) changed at or after `since`, oldest change first; at most some hundreds a
        call. What only a second look tells (first reply, when solved, rating) may be None here: read_ticket.

        late: begin a little before, where a helpdesk shows changes late. False: go on from what was told already.
        """


class HelpdeskInbound(Protocol):
    """One helpdesk's webhooks. Pure."""

    name: str

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> Verified:
        """Raises SignatureRejected."""

    def parse(self, webhook: Webhook, own_user_ids: frozenset[str] = frozenset()) -> tuple[StatusChange, ...]:
        """What it tells; empty = nothing we need. `own_user_ids`: our service users. Raises MalformedWebhook."""


@dataclass(frozen=True, slots=True)
class FieldMap:
    """
    Where our neutral fields go in one helpdesk account (policies/starter/fields/<helpdesk>.yml).

    fields: neutral name → the helpdesk's field (Zendesk id, Freshdesk cf_ name, ServiceNow column).
    groups: route or destination → the helpdesk's group id. defaults: e.g. ServiceNow's guest caller.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    def group_of(self, draft: TicketDraft) -> str | None:
        """The group for the draft's route, else for where the route leads, else the one for all the rest."""
        names = (draft.group or "", *draft.else_groups, "default")
        return next((group for name in names if (group := self.groups.get(name))), None)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """One OAuth pair as it is kept. ends_at: seconds since 1970. refresh: None where the system gave none."""

    access: str = field(repr=False)
    ends_at: float
    refresh: str | None = field(default=None, repr=False)


class TokenStore(Protocol):
    """
    Where the processes of one installation keep the access tokens they share, so that not each of them fetches one,
    and no two renew the same pair at once. `name` is oauth.token_name(account). Raises only Unavailable.
    """

    def load(self, name: str) -> StoredToken | None:
        """The newest pair that was saved."""

    def lease(self, name: str, seconds: float) -> str | None:
        """The right to renew for so long; None: somebody else has it."""

    def save(self, name: str, token: StoredToken, lease: str) -> bool:
        """Keep a new pair and give the lease back. False: the lease was over and somebody else took it."""

    def give_back(self, name: str, lease: str) -> None:
        """Renewing has failed: let the next one try."""


@dataclass(frozen=True, slots=True)
class HelpdeskAccount:
    """Connection data of one configured helpdesk. Secrets are plain here and must never be printed: repr hides them."""

    name: str  # our name of the account ("desk")
    kind: str  # zendesk, freshdesk, servicenow
    base_url: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    field_map: FieldMap = field(default_factory=FieldMap)
    lookup_after: timedelta | None = None  # overrides the capability (sandboxes are quicker)
    timeout: timedelta = timedelta(seconds=30)  # one whole call, first byte to last
    tokens: TokenStore | None = field(default=None, repr=False, compare=False)  # None: in memory, for this client alone
