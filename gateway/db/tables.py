"""
Every table. The database is the truth; Redis holds nothing that is not here.

Append-only: webhooks, events, decisions, packets, attempts, sla_facts, sla_terms, sla_effects, ladder_rungs, contacts,
remembered, lifted. Rows that move: conversations (the fold's state), handoffs, deliveries, clocks, tier_wishes,
ladder_runs, chat_messages, work, accounts, problems.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC in Python, timestamptz in PostgreSQL, sortable text in SQLite. Naive times are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value.isoformat()}: only aware times are stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


Id = String(40)
Name = String(100)
Key = String(255)
Digest = String(32)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", Name, nullable=False),
    Column("dedupe_key", Key, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("headers", Text, nullable=False),  # JSON, without credentials and signatures
    Column("body", LargeBinary, nullable=False),  # as it came: bytes, because not every body fits a text column
    Column("body_sha256", String(64), nullable=False),
    Column("key_number", Integer, nullable=False),
    Column("answer", Text, nullable=False),  # JSON: what was answered, and is answered again to a duplicate
    UniqueConstraint("source", "dedupe_key"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", Name, nullable=False),
    Column("vendor_conversation_id", Key, nullable=False),
    Column("state", Text, nullable=False),  # JSON of packets.conversation.Conversation; small however long it grows
    Column("events", Integer, nullable=False),
    Column("handoffs", Integer, nullable=False),
    Column("open_handoff_id", Id),
    Column("contact", Text),  # JSON of gateway.customers.contact.Contact: what is known of the customer from before
    Column("look_at", UtcTime),  # when the one open timer of this conversation is due; NULL: there is none
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("source", "vendor_conversation_id"),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("position", Integer, nullable=False),  # 1, 2, … within the conversation, in the order folded
    Column("webhook_id", Id, nullable=False),
    Column("source", Name, nullable=False),
    Column("event_id", Key, nullable=False),
    Column("kind", Name, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("event", Text, nullable=False),  # JSON of packets.event.Event
    UniqueConstraint("conversation_id", "position"),
    UniqueConstraint("source", "event_id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),  # the event's id: one decision an event; or its own, when a silence made it
    Column("conversation_id", Id, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("action", Name, nullable=False),
    Column("because", Text, nullable=False),  # rule ids, comma-separated, strongest first
    Column("policy_revision", Name, nullable=False),
    Column("decision", Text),  # JSON of the whole decision, redacted; kept when any rule fired
    Column("late", Boolean, nullable=False),  # judged after the answer, because judging failed in the request
    Index(None, "conversation_id"),
)

policy_revisions = Table(
    "policy_revisions",
    metadata,
    Column("revision", Name, primary_key=True),
    Column("first_used_at", UtcTime, nullable=False),
    Column("files", Text, nullable=False),  # JSON: path → text, so that an old decision can be judged again
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("number", Integer, nullable=False),  # 1 = the conversation's first handoff
    Column("event_id", Id, nullable=False),  # the events row whose decision made it
    Column("source", Name, nullable=False),
    Column("helpdesk", Name, nullable=False),
    Column("status", Name, nullable=False),  # waiting, claimed, answered, solved
    Column("mode", Name, nullable=False),
    Column("route", Name, nullable=False),
    Column("tier", Name, nullable=False),
    Column("because", Text, nullable=False),
    Column("policy_revision", Name, nullable=False),
    Column("promised_at", UtcTime, nullable=False),  # when the customer was promised a person: all clocks start here
    Column("respond_by", UtcTime, nullable=False),
    Column("sla_assigned_at", UtcTime),  # priority and tier stand on the ticket
    Column("closed_at", UtcTime),
    Column("follows", Id),  # the handoff before this one, if it was solved not long before
    # What people did at the helpdesk, each with the time of the newest change seen: older news changes nothing.
    Column("ticket_status", Name),
    Column("ticket_status_at", UtcTime),
    Column("assignee", Key),
    Column("assigned_at", UtcTime),
    Column("rating", Name),
    Column("rated_at", UtcTime),
    Column("our_priorities", Text),  # all that we ever wanted on the ticket, comma-separated: what is not of them …
    Column("priority_by_person_at", UtcTime),  # … was set by a person, and from then on we leave it alone
    Column("ticket_seen_at", UtcTime),  # the newest change the poll has looked at, by the helpdesk's clock
    # Positions in the conversation's log: what the ticket knows, and what a note on its way will tell it.
    Column("told_up_to", Integer, nullable=False),
    Column("telling_up_to", Integer),
    Column("accepted_by", Name),  # who took it in a chat; the ticket may have no owner yet
    Column("accepted_at", UtcTime),
    Column("announcement", Text),  # the packet's, redacted: one line for whoever takes it
    Column("accept_by", UtcTime),  # a warm handoff puts nobody through before somebody accepts, or until then
    Column("wait_ended", Name),  # accepted, nobody; impossible: its vendor cannot be told later, so it never waited
    Column("wait_ended_at", UtcTime),
    UniqueConstraint("conversation_id", "number"),
    Index(None, "promised_at", "id"),
    # Open handoffs by route: how busy a team is.
    Index("ix_handoffs_open", "route", sqlite_where=Column("closed_at").is_(None),
          postgresql_where=Column("closed_at").is_(None)),
)  # fmt: skip

packets = Table(
    "packets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("packet", Text, nullable=False),  # canonical JSON, redacted
    Column("content_hash", String(64), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),  # the packet's id: one packet, one ticket
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False, unique=True),
    Column("helpdesk", Name, nullable=False),
    Column("state", Name, nullable=False),  # pending, opened, done, dead
    Column("reopens", Boolean, nullable=False),  # the ticket is an earlier handoff's and is to be opened again
    # True from before a create request leaves until its outcome is known. Never send blindly while it is.
    Column("unsure", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),  # of the idempotency key; grows when an old key has run out
    Column("draft", Text, nullable=False),  # JSON of packets.draft.TicketDraft
    Column("body", LargeBinary),  # the create request, frozen before it is first sent
    Column("tries", Integer, nullable=False),
    Column("first_sent_at", UtcTime),
    Column("last_sent_at", UtcTime),
    Column("ticket_id", Key),
    Column("ticket_number", Key),
    Column("ticket_url", Text),
    Column("last_error", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("revived_at", UtcTime),  # when somebody last brought it back from the dead: it has its time anew
    Column("updated_at", UtcTime, nullable=False),
    Index(None, "helpdesk", "ticket_id"),
    Index(None, "state"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("step", Name, nullable=False),  # prepare, open, find, complete, update, read
    Column("outcome", Name, nullable=False),  # done, or the error's type
    Column("detail", Text),
    Column("took_ms", Integer, nullable=False),
    Index(None, "delivery_id"),
)

clocks = Table(
    "clocks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False),
    Column("metric", Name, nullable=False),
    Column("terms_key", Key, nullable=False),  # what it started with: the row of sla_terms with this key and metric
    # What folding its facts gave last. Never the truth: it may be folded again at any time.
    Column("tier", Name, nullable=False),
    Column("state", Name, nullable=False),  # policies.sla.clock.State of its newest cycle, or not_started
    Column("cycle", Integer, nullable=False),
    Column("started_at", UtcTime),
    Column("target_seconds", BigInteger),
    Column("due_at", UtcTime),  # NULL while paused
    Column("next_at", UtcTime),  # when its timer looks again
    Column("stopped_at", UtcTime),
    UniqueConstraint("handoff_id", "metric"),
    Index(None, "state", "tier"),
)

sla_facts = Table(
    "sla_facts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False),
    Column("source", Name, nullable=False),
    Column("external_id", Key, nullable=False),
    Column("kind", Name, nullable=False),  # policies.sla.facts.Kind
    Column("occurred_at", UtcTime),
    Column("received_at", UtcTime, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("metric", Name),  # NULL: every clock of the handoff sees it
    Column("said", Text, nullable=False),  # JSON: status, reason, terms, mode, at, whichever there are
    UniqueConstraint("handoff_id", "source", "external_id"),
)

sla_terms = Table(
    "sla_terms",
    metadata,
    Column("key", Key, primary_key=True),  # policy revision, tier, and whose zone if not the calendar's
    Column("metric", Name, primary_key=True),
    Column("terms", Text, nullable=False),  # JSON (policies.sla.stored): target, hours with holidays by date, the rest
)

sla_effects = Table(
    "sla_effects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("clock_id", Id, ForeignKey("clocks.id"), nullable=False),
    Column("effect", Name, nullable=False),  # policies.sla.effects.Effect
    Column("cycle", Integer, nullable=False),
    Column("version", Integer, nullable=False),  # of the target
    Column("name", Key, nullable=False),  # which warning, pause or stop; ""
    Column("at", UtcTime, nullable=False),  # its own time
    Column("noticed_at", UtcTime, nullable=False),
    Column("cause", Name, nullable=False),
    Column("ladder", Name),  # that began with it
    UniqueConstraint("clock_id", "effect", "cycle", "version", "name"),
)

tier_wishes = Table(
    "tier_wishes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False),
    Column("tier", Name),  # NULL: a person set a priority, and what tier that means is still to be found
    Column("by", Name, nullable=False),  # policies.sla.choose.By
    Column("what", Key, nullable=False),  # the rule, topic, attribute, route, or the priority a person set
    Column("policy_revision", Name, nullable=False),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("handoff_id", "by", "what", "tier", "at"),
)

status_changes = Table(
    "status_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("helpdesk", Name, nullable=False),
    Column("change_id", Key, nullable=False),
    Column("ticket_id", Key, nullable=False),
    Column("handoff_id", Id),  # NULL: no ticket of ours by that id (yet)
    Column("kind", Name, nullable=False),
    Column("change", Text, nullable=False),  # JSON of packets.draft.StatusChange
    Column("occurred_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    UniqueConstraint("helpdesk", "change_id"),
    Index(None, "helpdesk", "ticket_id"),
)

work = Table(
    "work",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Name, nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("slot", Name, nullable=False),  # tells several rows of one kind and subject apart; mostly ""
    Column("queue", Name, nullable=False),
    Column("lane", Name, nullable=False),  # the helpdesk it talks to; "" for none
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("claimed_until", UtcTime),  # a lease: whoever holds it works on the row until then
    Column("fence", Integer, nullable=False),  # grows with every claim; an old holder can write nothing
    Column("tries", Integer, nullable=False),
    Column("rung_at", UtcTime),
    Column("last_error", Text),
    UniqueConstraint("kind", "subject_id", "slot"),
    # What the relay looks at every tick: open rows by due time. Done rows are not in it, however many there are.
    Index("ix_work_open", "queue", "due_at", sqlite_where=Column("done_at").is_(None),
          postgresql_where=Column("done_at").is_(None)),
    Index("ix_work_lane", "lane", "due_at", sqlite_where=Column("done_at").is_(None),
          postgresql_where=Column("done_at").is_(None)),
    # What is in somebody's hands now: how many talk to one helpdesk at this moment.
    Index("ix_work_held", "lane", "claimed_until", sqlite_where=Column("claimed_until").is_not(None),
          postgresql_where=Column("claimed_until").is_not(None)),
)  # fmt: skip

contacts = Table(
    "contacts",
    metadata,
    Column("customer_key", Digest, primary_key=True),  # a hash (gateway.customers.keys); one row for each key known
    Column("at", UtcTime, primary_key=True),  # when this contact began
    Column("conversation_id", Id, primary_key=True),  # whose row says what it is about
)

remembered = Table(
    "remembered",
    metadata,
    Column("id", Id, primary_key=True),
    Column("what", Name, nullable=False),  # no_ai_contact
    Column("at", UtcTime, nullable=False),
    Column("conversation_id", Id, nullable=False),  # where it was said
    Column("source", Name, nullable=False),
    Column("rules", Text, nullable=False),  # that fired, comma-separated
    Index(None, "at", "id"),
)

remembered_keys = Table(
    "remembered_keys",
    metadata,
    Column("customer_key", Digest, primary_key=True),
    Column("remembered_id", Id, ForeignKey("remembered.id"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Index(None, "remembered_id"),
)

lifted = Table(
    "lifted",
    metadata,
    Column("remembered_id", Id, ForeignKey("remembered.id"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("by", Name, nullable=False),
    Column("reason", Text, nullable=False),
)

ladder_runs = Table(
    "ladder_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False),
    Column("ladder", Name, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("begun_status", Name, nullable=False),  # of the handoff: only who comes further than that stops it
    Column("policy_revision", Name, nullable=False),  # whose ladder it climbs, however the file changes
    Column("accepted_by", Name),
    Column("accepted_at", UtcTime),
    Column("ended_at", UtcTime),
    UniqueConstraint("handoff_id", "ladder", "begun_at"),
)

ladder_rungs = Table(
    "ladder_rungs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey("ladder_runs.id"), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("did", Name, nullable=False),  # policies.sla.ladder.Did
    Column("who", Name, nullable=False),  # who answered; "" for a step
    Column("at", UtcTime, nullable=False),
    Column("reached", Text),  # JSON of policies.sla.ladder.Reach: whom a step reached
    UniqueConstraint("run_id", "turn", "step", "did", "who"),
)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False),
    Column("run_id", Id, ForeignKey("ladder_runs.id")),  # NULL: a warning, an answer
    Column("key", Key, nullable=False, unique=True),  # the same step, place and reason is the same message: sent once
    Column("notifier", Name, nullable=False),
    Column("target", Key, nullable=False),  # channel or person; "" = the notifier's own channel
    Column("purpose", Name, nullable=False),  # gateway.notify.model.Purpose
    Column("turn", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("asked", Text, nullable=False),  # JSON: names of the people it is for
    Column("text", Text),  # of an answer to whoever pressed a button
    Column("state", Name, nullable=False),  # pending, sending, sent, perhaps, dropped, dead
    Column("shows", Key, nullable=False),  # the standing the card says now
    Column("channel", Key),  # where it stands in the chat
    Column("message_ref", Text),
    Column("tries", Integer, nullable=False),
    Column("last_error", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Index(None, "handoff_id"),
)

appointments = Table(
    "appointments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("handoff_id", Id, ForeignKey("handoffs.id"), nullable=False),
    Column("sequence", Integer, nullable=False),  # of the invitation; a later version replaces the earlier in calendars
    Column("team", Name, nullable=False),  # of rosters.yml
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("zone", Name, nullable=False),  # the customer's, or the team's where nobody has said
    Column("state", Name, nullable=False),  # booked, replaced, kept, missed, cancelled
    Column("booked_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),  # the vendor said that the customer has agreed
    Column("reminded_at", UtcTime),
    Column("settled_at", UtcTime),  # when it was kept, missed, cancelled or replaced, by its own time
    UniqueConstraint("handoff_id", "sequence"),
    Index(None, "team", "starts_at"),
    Index(None, "state", "starts_at"),
)

callback_teams = Table(
    "callback_teams",
    metadata,
    Column("team", Name, primary_key=True),  # who books a call of this team holds this row until the commit
    Column("booking_at", UtcTime, nullable=False),  # when that was last
)

accounts = Table(
    "accounts",
    metadata,
    Column("helpdesk", Name, primary_key=True),  # one row a configured helpdesk, shared by all workers
    Column("tokens", Float, nullable=False),  # requests we may send now; negative: sent ahead of the rate
    Column("tokens_at", UtcTime, nullable=False),
    Column("paused_until", UtcTime),  # the helpdesk said `Retry-After`
    Column("window_began_at", UtcTime),  # calls and failures are counted from here
    Column("calls", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("open_until", UtcTime),  # the breaker is open; from then on one probe at a time
    Column("probe_until", UtcTime),  # somebody is probing, at the longest until then
    Column("polled_up_to", UtcTime),  # changes on its tickets up to here have been looked at
)

problems = Table(
    "problems",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Name, nullable=False),  # doubled_ticket
    Column("helpdesk", Name, nullable=False),
    Column("handoff_id", Id, nullable=False),
    Column("ticket_id", Key, nullable=False),  # the one that is too many
    Column("ticket_url", Text, nullable=False),
    Column("detail", Text),
    Column("found_at", UtcTime, nullable=False),
    Column("marked_at", UtcTime),  # it says on the ticket itself what it is
    Column("mended_at", UtcTime),  # a person has dealt with it
    UniqueConstraint("kind", "helpdesk", "ticket_id"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Name, primary_key=True),  # "relay", "source:<name>", "worker:<queue>:<host>:<pid>"
    Column("at", UtcTime, nullable=False),
    Column("lag_seconds", Float, nullable=False),  # age of the oldest due row nobody took
)

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    Column("name", Name, primary_key=True),  # connectors.oauth.token_name: the account, its address, its client
    Column("access_token", Text),  # in plain text: it lives for hours, and this database holds what it opens
    Column("refresh_token", Text),
    Column("ends_at", UtcTime),
    Column("lease", String(40)),  # who is renewing, and until when nobody else does
    Column("lease_until", UtcTime),
)
