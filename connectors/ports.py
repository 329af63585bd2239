"""
What every adapter can do, so that nobody upstairs knows which system it talks to.

A vendor's folder offers one `VendorAdapter` (pure: verify, parse, answer) and, where the vendor has an interface, a
`VendorClient` (network). A helpdesk's folder offers a `Helpdesk` client
(network) and a `HelpdeskInbound` (pure: verify and parse its webhooks). `registry.py` names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from packets.draft import StatusChange, TicketDraft, TicketRef, TicketState, TicketUpdate
from packets.event import Event, Turn


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    One call in, exactly as it came. Header names are lower case; `body` is the raw bytes.

    url: the address as the caller wrote it, query included; some vendors sign it.
    """

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """
    dedupe_key: the same for every re-delivery of this call, different for every other call of the source.
    key_number: which of the configured secrets matched, counted from 0 (for "is the old one still used?").
    """

    dedupe_key: str
    key_number: int = 0


@dataclass(frozen=True, slots=True)
class VendorAccount:
    """
    One configured vendor account (a source of baton.yml). Secrets are plain here and must never be printed.

    options: what this vendor lets ops choose; the adapter's `options` names and explains them.
    base_url, credentials: where and how its interface is called back. None: it is not called back.
    """

    name: str
    vendor: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: timedelta = timedelta(seconds=10)  # one whole call back, first byte to last


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """What a vendor's call is answered with."""

    body: bytes = b"{}"
    content_type: str = "application/json"
    status: int = 200


class NoticeKind(StrEnum):
    """What a vendor can be told about a conversation of its bot."""

    WAITING = "waiting"  # people are asked to take it: the bot keeps the customer; `text` is for them
    HANDED_OFF = "handed_off"  # people take it: the bot steps aside; `text` is for the customer
    HUMAN_JOINED = "human_joined"  # a person has claimed or answered it
    CONTROL_RETURNED = "control_returned"  # people are done: the bot may speak again; `text` is what they did


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One thing to tell a vendor.

    key: the same whenever this notice is told again. refs: what the vendor's events said one needs to call it back
    (Event.refs, the newest of each name). facts: ids and names of ours that a vendor may show (handoff_id, route, tier,
    transfer, respond_by, ticket number; with `announcement`, the line to say to whoever takes it). in_answer: the
    answer to the vendor's own call, which it waited for, said it already. agent: who has it. connects: with HANDED_OFF,
    whether the customer is to be put through now; False: somebody calls or writes later, and no queue waits for them.
    """

    key: str
    kind: NoticeKind
    vendor_conversation_id: str
    text: str | None = field(default=None, repr=False)
    agent: str | None = None
    refs: Mapping[str, str] = field(default_factory=dict, repr=False)
    facts: Mapping[str, str] = field(default_factory=dict)
    in_answer: bool = False
    connects: bool = True


@dataclass(frozen=True, slots=True)
class VendorCapabilities:
    """
    What a vendor's interface allows; asked instead of its name.

    decides: the answer to a webhook can carry the decision. tells: what `VendorClient.tell` can say.
    repeatable: telling the same twice does no harm, so that an unknown outcome may simply be repeated; the others are
    told at most once. connects_later: HANDED_OFF puts the customer through, or lets people in, whenever it is told, if
    the source has a base_url and these options; None: only an answer can, or nothing. pulls: `VendorClient.turns` can
    fetch the transcript. encodings: the Content-Encodings its
    adapter can undo by itself. path_options: those of its options that name files; relative ones are relative to
    baton.yml.
    """

    decides: bool = False
    tells: frozenset[NoticeKind] = frozenset()
    repeatable: frozenset[NoticeKind] = frozenset()
    connects_later: frozenset[str] | None = None
    pulls: bool = False
    encodings: frozenset[str] = frozenset({"identity"})
    path_options: frozenset[str] = frozenset()


class VendorAdapter(Protocol):
    """
    One chatbot vendor's webhooks. Pure: no clock, no network.

    options: name → what it means, of everything ops may choose in `options` of a source.
    """

    name: str
    options: Mapping[str, str]
    capabilities: VendorCapabilities

    def check(self, account: VendorAccount) -> None:
        """Raises ValueError, saying what a secret or an option must look like; called once, at the start."""

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        """Check the raw bytes against every secret. Raises SignatureRejected, and says no more."""

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        """
        The events of one verified call; empty = known and nothing needed from it.
        Raises MalformedWebhook, UnsupportedEvent; nothing else, whatever the body.
        """

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        """
        What this vendor's protocol wants to hear. `told` is the canonical answer (docs/vendors.md): event_id,
        conversation_id, duplicate, decision. Called with committed answers only.
        """

    def stored(self, webhook: Webhook) -> bytes:
        """The body to keep: as it came, without the secrets some vendors repeat in it."""

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        """The same call as this vendor would sign it at `received_at`: what `baton send` and tests post."""


class VendorClient(Protocol):
    """
    Calls one vendor account back. Raises Throttled, Unavailable, Unsure, Refused, Unauthorized (see errors.py);
    every call has a deadline.
    """

    name: str

    def tell(self, notice: Notice) -> None:
        """Tell one thing. Only kinds in `capabilities.tells` are asked for."""

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        """The whole transcript, oldest first, with the message ids the webhooks use. Only if `capabilities.pulls`."""


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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing `baton doctor` looked at. level: ok, warning, broken. remedy: what to do, in words. No secrets."""

    level: str
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing `baton setup` did, or with dry_run would do. action: create, update, keep."""

    action: str
    kind: str  # field, tag, webhook, trigger, group
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a helpdesk account needs to have for us.

    status_url: where its webhooks are to go, None: leave webhooks alone. webhook_token: what a helpdesk that cannot
    sign sends. webhook_secrets: what the gateway accepts a signature of; examined against what the helpdesk signs with.
    by_trigger: for accounts without event subscriptions, install a trigger that only says which ticket to read.
    tiers, routes: names that appear as choices and tags.
    """

    status_url: str | None = None
    webhook_token: str | None = field(default=None, repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    by_trigger: bool = False
    tiers: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """
    changes: in the order made. fields, groups: what was learned for the field map (neutral name → the helpdesk's id).
    webhook_secret: what its webhooks prove themselves with: what it signs with, or the token it was told to send.
    own_users: ids of the user we are there, for `own_user_ids`. by_hand: what no interface can do, said as a person
    would do it.
    """

    changes: tuple[Change, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    webhook_secret: str | None = field(default=None, repr=False)
    own_users: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


class HelpdeskKeeper(Protocol):
    """Sets up one helpdesk account and says what is wrong with it. Raises what Helpdesk raises."""

    name: str

    def examine(self, wanted: Wanted) -> Sequence[Finding]:
        """Look at everything we depend on; every problem at once. Writes nothing, never raises a ConnectorError."""

    def install(self, wanted: Wanted, *, dry_run: bool) -> Installed:
        """Create what is missing; a second call changes nothing. Never removes, never renames what people made."""


class Standing(StrEnum):
    """How a handoff stands, as its card says."""

    OPEN = "open"  # nobody has it: the card has buttons
    TAKEN = "taken"
    DONE = "done"  # nobody is needed any more


class Press(StrEnum):
    """What people can say by a card."""

    CLAIM = "claim"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Card:
    """
    One message about a handoff in a chat. Names, ids and the policy's own words; nothing a customer has written.

    id: ours, carried by the buttons. headline: what has happened. why: the rule's. asked: names of those it is for.
    task: a High Priority task, not a question. links: addresses of our own for chats without signed buttons.
    by: who has it, once it is taken.
    """

    id: str
    handoff_id: str
    headline: str
    route: str
    tier: str
    due_at: datetime
    why: str = ""
    do_next: str = ""
    asked: tuple[str, ...] = ()
    task: bool = False
    ticket_url: str | None = None
    links: Mapping[Press, str] = field(default_factory=dict, repr=False)
    standing: Standing = Standing.OPEN
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a card stands in the chat: what is needed to change it later. channel "": `Pressed.reply_to` of it."""

    channel: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """
    One button pressed. card_id: whose. user_id, user_name: the chat's own. reply_to: where the one who pressed can be
    answered for a while, if the chat offers that.
    """

    press: Press
    card_id: str
    user_id: str
    user_name: str
    reply_to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotifierAccount:
    """
    One configured chat. Secrets are plain here and must never be printed: repr hides them.

    webhook_url: a secret address that takes cards; or base_url and token: the chat's interface. channel: where cards
    go that name none. secrets: what its calls to us are signed with. link_secret: what our own links are signed with.
    """

    name: str
    kind: str
    webhook_url: str | None = field(default=None, repr=False)
    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    channel: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    link_secret: str | None = field(default=None, repr=False)
    public_url: str | None = None  # where people's browsers reach us
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class NotifierCapabilities:
    """
    What a configured chat can do; asked instead of its name.

    addresses: a card can go to a channel or person it names; without, all go to one place. updates: a card that was
    sent can be changed. links: its cards need links of ours for what people press.
    """

    addresses: bool = False
    updates: bool = False
    links: bool = False


class Notifier(Protocol):
    """One chat account. Raises Throttled, Unavailable, Unsure, Refused, Unauthorized; every call has a deadline."""

    name: str
    capabilities: NotifierCapabilities

    def post(self, card: Card, *, to: str = "") -> Posted | None:
        """Send one card. to: channel or person, "" = the configured one. None: the chat does not say where it is."""

    def update(self, card: Card, posted: Posted) -> None:
        """Make a card that was sent say how things stand now. Only if `capabilities.updates`."""

    def reply(self, reply_to: str, text: str) -> None:
        """Tell the one who pressed a button, and nobody else. Refused if that is no longer possible."""


class NotifierInbound(Protocol):
    """What a chat tells us. Pure."""

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> None:
        """Raises SignatureRejected."""

    def parse(self, webhook: Webhook) -> Pressed | None:
        """The button pressed; None: theirs, and nothing we need. Raises MalformedWebhook."""
