"""
Everything a process of the gateway holds: settings, database, policy, bell, helpdesk clients. Made once per process
and handed to whoever needs it; nothing here is global.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors.ports import Helpdesk, Notifier, VendorAdapter, VendorClient
from connectors.registry import make_helpdesk, make_notifier, make_vendor_client, vendor
from gateway.callbacks import book as callbacks
from gateway.callbacks.store import Appointment, AppointmentStore
from gateway.clock import Clock, utc_now
from gateway.conversations.store import ConversationStore
from gateway.customers.store import CustomerStore
from gateway.db.engine import Database, is_away
from gateway.db.heartbeat import SourceBeats
from gateway.db.oauth_tokens import DatabaseTokens
from gateway.db.rows import WaitingRows
from gateway.db.work import Work, WorkStore
from gateway.delivery.problems import ProblemStore
from gateway.delivery.store import DeliveryStore
from gateway.handoffs.store import Handoff, HandoffStore
from gateway.intake.store import IntakeStore
from gateway.intake.together import Together
from gateway.jobs.bell import Bell, bell_redis
from gateway.jobs.queues import JOBS, helpdesk_lease
from gateway.notify.store import NotifyStore
from gateway.notify.tell import call_missed, follow, remind, warn
from gateway.policy import PolicyHolder
from gateway.settings import Settings
from gateway.sla.facts import FactStore
from gateway.sla.store import ClockStore
from gateway.sla.terms import TermsStore
from gateway.sla.wishes import WishStore
from gateway.status.store import StatusStore
from gateway.traffic.admit import Limits
from gateway.traffic.store import TrafficStore
from gateway.vendors.waits import cannot_wait
from policies.model import PolicySet
from policies.sla.ladder import Ladder

NO_CHATS: Mapping[str, bool] = {}
NO_LADDERS: Mapping[str, Ladder] = {}


class Transaction:
    """One database transaction, with the rooms' stores over it. `later` writes work and remembers to ring for it."""

    def __init__(
        self,
        connection: Connection,
        called_back: Container[str] = (),
        pulled_from: Container[str] = (),
        chats: Mapping[str, bool] = NO_CHATS,
        ladders: Mapping[str, Ladder] = NO_LADDERS,
        connected_later: Container[str] = (),
    ) -> None:
        """
        called_back: the sources whose vendor is told what becomes of a handoff. pulled_from: those whose vendor can be
        asked for the transcript. chats: the configured notifiers, and whether a card can be changed there once it is
        sent. ladders: of the policy in force. connected_later: the sources whose vendor can be told later to put a
        customer through.
        """
        self.connection = connection
        self._called_back = called_back
        self._pulled_from = pulled_from
        self._chats = chats
        self._ladders = ladders
        self._connected_later = connected_later
        self.rows = WaitingRows(connection)
        self.intake = IntakeStore(connection, self.rows)
        self.conversations = ConversationStore(connection, self.rows)
        self.customers = CustomerStore(connection, self.rows)
        self.handoffs = HandoffStore(connection)
        self.deliveries = DeliveryStore(connection)
        self.problems = ProblemStore(connection)
        self.clocks = ClockStore(connection)
        self.facts = FactStore(connection, self.rows)
        self.terms = TermsStore(connection)
        self.wishes = WishStore(connection)
        self.status = StatusStore(connection)
        self.notify = NotifyStore(connection)
        self.appointments = AppointmentStore(connection)
        self.work = WorkStore(connection, self.rows)
        self.traffic = TrafficStore(connection)
        self.to_ring: list[tuple[str, Work]] = []
        self.new_revisions: set[str] = set()  # of the policy, whose texts this transaction stores

    def later(self, item: Work) -> None:
        """Write a to-do into this transaction; the bell rings for it after the commit, if it is due by then."""
        self.to_ring.append((self.work.later(item, JOBS[item.kind].queue), item))

    def tell_vendor(self, handoff: Handoff, now: datetime) -> None:
        """Where the handoff stands has changed, or is about to within this transaction: the vendor is to hear of it."""
        if handoff.source in self._called_back:
            self.later(Work("tell_vendor", handoff.id, now))

    def connects_later(self, source: str) -> bool:
        """Whether its vendor can be told after its own call was answered that a customer is to be put through."""
        return source in self._connected_later

    def pull_transcript(self, handoff: Handoff, now: datetime) -> None:
        """What is known of its conversation is not all: the vendor is asked for the rest, if it can be asked."""
        if handoff.source in self._pulled_from:
            self.later(Work("pull_transcript", handoff.id, now))

    def climb(self, handoff_id: str, ladder: str, begun_at: datetime) -> None:
        """Begin a ladder at `begun_at`: who is told when nobody comes. One that runs already goes on as it is."""
        if self.notify.begin(handoff_id, ladder, begun_at):
            self.later(Work("climb", handoff_id, begun_at, slot=ladder))

    def warn_chats(self, handoff_id: str, channels: Iterable[str], threshold: str, now: datetime) -> None:
        """Tell channels that a target is about to be missed; each threshold once."""
        warn(self, self._chats, handoff_id, channels, threshold, now)

    def warn_of_ladder(self, handoff_id: str, ladder: str, threshold: str, now: datetime) -> None:
        """The same to the channels that the ladder names in `warn`, by the policy in force."""
        if ladder in self._ladders:
            self.warn_chats(handoff_id, self._ladders[ladder].warn, threshold, now)

    def tell_chats(self, handoff_id: str, now: datetime) -> None:
        """Where the handoff stands has changed within this transaction: cards and ladders are to follow."""
        follow(self, self._chats, handoff_id, now)

    def call_missed(self, handoff_id: str, now: datetime) -> None:
        """A call with the customer was missed: ladders may have steps for that."""
        call_missed(self, handoff_id, now)

    def remind_chats(self, handoff_id: str, appointment_id: str, channels: Iterable[str], now: datetime) -> None:
        """Tell channels that a call with the customer is near; each of them once for one version of it."""
        remind(self, self._chats, handoff_id, appointment_id, channels, now)

    def callback_kept(self, handoff: Handoff, at: datetime, now: datetime, *, by_call: bool = False) -> None:
        """A person has reached the customer: an appointment that was due is kept."""
        callbacks.kept(self, handoff, at, now, by_call=by_call)

    def callback_missed(self, handoff: Handoff, now: datetime) -> None:
        """A window in which somebody was to call is over: whoever did not is found out."""
        callbacks.missed(self, handoff, now)

    def cancel_callback(self, handoff: Handoff, at: datetime, now: datetime) -> Appointment | None:
        """Nobody needs to call any more. returns: the appointment, if there was one."""
        return callbacks.cancel(self, handoff, at, now)

    def wait(self, item: Work) -> None:
        """Write or move a timer, with the transaction's other rows. The relay rings when it is due."""
        self.work.wait(item, JOBS[item.kind].queue)

    def unless_waiting(self, item: Work, now: datetime) -> None:
        """The same for what comes often and is done together: a row that is already waiting keeps its time."""
        self.work.unless_waiting(item, JOBS[item.kind].queue, now)

    def bells(self) -> list[tuple[str, Work]]:
        """Hand over what is to ring for so far: whoever takes it rings after the commit."""
        taken, self.to_ring = self.to_ring, []
        return taken


class Env:
    """
    What one process works with.

    database, bell, policy: others than the settings lead to, for whoever watches this process from outside.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        redis_url: str,
        clock: Clock = utc_now,
        database: Database | None = None,
        bell: Bell | None = None,
        policy: PolicySet | None = None,
    ) -> None:
        self.settings = settings
        self.redis_url = redis_url
        self.now = clock
        self.database = database or Database(settings.database)
        self.policy = PolicyHolder(settings.policies, self.database, policy)
        self.bell = bell or Bell(bell_redis(redis_url))
        self.helpdesk_lease = helpdesk_lease(h.account.timeout for h in settings.helpdesks.values())
        self.together: Together[Any, Any] = Together(is_away)  # intake's calls
        self._helpdesks: dict[str, Helpdesk] = {}
        self._vendor_clients: dict[str, VendorClient | None] = {}
        self._notifiers: dict[str, Notifier] = {}
        self._chats = {name: self.notifier(name).capabilities.updates for name in settings.notifiers}
        self._called_back = frozenset(s.name for s in settings.sources.values() if s.account.base_url)
        self._pulled_from = frozenset(s for s in self._called_back if self._can_pull(s))
        self._connected_later = frozenset(
            name for name in self._called_back if not cannot_wait(settings.sources[name].account)
        )
        self.sources = SourceBeats()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A writing transaction. Bells for its work ring after the commit, best effort."""
        with self.database.begin() as connection:
            tx = Transaction(
                connection, self._called_back, self._pulled_from, self._chats, self.policy.current.ladders,
                self._connected_later,
            )  # fmt: skip
            yield tx
            tx.rows.flush()
        self.policy.remembered(tx.new_revisions)
        self.ring(tx.to_ring)

    def ring(self, committed: Sequence[tuple[str, Work]]) -> None:
        """Ring for those work rows that are due. Best effort; the relay rings for the others."""
        now = self.now()
        for work_id, item in committed:
            if item.due_at <= now:
                self.bell.try_ring(work_id, item.kind)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        with self.database.reading() as connection:
            yield Transaction(connection)

    def vendor(self, name: str) -> VendorAdapter:
        return vendor(name)

    def _can_pull(self, source: str) -> bool:
        return self.vendor(self.settings.sources[source].vendor).capabilities.pulls

    def vendor_client(self, source: str) -> VendorClient | None:
        """Who calls this source's vendor back; None if nobody does, or the source is no longer configured."""
        if source not in self._vendor_clients:
            configured = self.settings.sources.get(source)
            self._vendor_clients[source] = make_vendor_client(configured.account) if configured else None
        return self._vendor_clients[source]

    def notifier(self, name: str) -> Notifier:
        """The client of one configured chat. Raises KeyError if it is no longer configured."""
        if name not in self._notifiers:
            self._notifiers[name] = make_notifier(self.settings.notifiers[name].account)
        return self._notifiers[name]

    def helpdesk(self, name: str) -> Helpdesk:
        """The client of one configured helpdesk. Raises KeyError if it is no longer configured."""
        if name not in self._helpdesks:
            account = self.settings.helpdesks[name].account
            self._helpdesks[name] = make_helpdesk(replace(account, tokens=DatabaseTokens(self.database)))
        return self._helpdesks[name]

    def limits(self, name: str) -> Limits:
        """What may be asked of one configured helpdesk, before workers share it out."""
        wanted, usual = self.settings.helpdesks[name], self.helpdesk(name).capabilities
        return Limits(wanted.requests_per_minute or usual.requests_per_minute, wanted.at_once or usual.at_once)

    def close(self) -> None:
        self.database.close()
