"""
Everything a process of the gateway holds: settings, database, policy, bell, helpdesk clients. Made once per process
and handed to whoever needs it; nothing here is global.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from connectors.ports import Helpdesk, VendorAdapter, VendorClient
from connectors.registry import make_helpdesk, make_vendor_client, vendor
from gateway.clock import Clock, utc_now
from gateway.conversations.store import ConversationStore
from gateway.db.engine import Database
from gateway.db.oauth_tokens import DatabaseTokens
from gateway.db.rows import WaitingRows
from gateway.db.tables import policy_revisions
from gateway.db.work import Work, WorkStore, insert_or
from gateway.delivery.store import DeliveryStore
from gateway.handoffs.store import Handoff, HandoffStore
from gateway.intake.store import IntakeStore
from gateway.intake.together import Together
from gateway.jobs.bell import Bell, bell_redis
from gateway.jobs.queues import JOBS, helpdesk_lease
from gateway.settings import Settings
from gateway.sla.store import ClockStore
from gateway.status.store import StatusStore
from policies.load import load_policy, policy_from_files
from policies.model import PolicySet
from policies.problems import PolicyErrors

log = logging.getLogger(__name__)


class Transaction:
    """One database transaction, with the rooms' stores over it. `later` writes work and remembers to ring for it."""

    def __init__(self, connection: Connection, called_back: Container[str] = ()) -> None:
        """called_back: the sources whose vendor is told what becomes of a handoff."""
        self.connection = connection
        self._called_back = called_back
        self.rows = WaitingRows(connection)
        self.intake = IntakeStore(connection, self.rows)
        self.conversations = ConversationStore(connection, self.rows)
        self.handoffs = HandoffStore(connection)
        self.deliveries = DeliveryStore(connection)
        self.clocks = ClockStore(connection)
        self.status = StatusStore(connection)
        self.work = WorkStore(connection)
        self.to_ring: list[tuple[str, Work]] = []

    def later(self, item: Work) -> None:
        """Write a to-do into this transaction; the bell rings for it after the commit, if it is due by then."""
        self.to_ring.append((self.work.later(item, JOBS[item.kind].queue), item))

    def tell_vendor(self, handoff: Handoff, now: datetime) -> None:
        """Where the handoff stands has changed, or is about to within this transaction: the vendor is to hear of it."""
        if handoff.source in self._called_back:
            self.later(Work("tell_vendor", handoff.id, now))

    def bells(self) -> list[tuple[str, Work]]:
        """Hand over what is to ring for so far: whoever takes it rings after the commit."""
        taken, self.to_ring = self.to_ring, []
        return taken


class PolicyHolder:
    """The policy in force, and old ones by revision. A bad folder on reload leaves the last good one working."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self._lock = threading.Lock()
        self._stored: set[str] = set()
        self.problems: tuple[str, ...] = ()
        self._current = load_policy(folder)  # at start there is no last good one: PolicyErrors stops the process
        self.at_revision = lru_cache(maxsize=8)(self._at_revision)

    @property
    def current(self) -> PolicySet:
        return self._current

    def reload(self) -> bool:
        """Read the folder again. False: it is broken, `problems` says how, and the old policy stays."""
        with self._lock:
            try:
                self._current = load_policy(self._folder)
            except PolicyErrors as error:
                self.problems = tuple(str(p) for p in error.problems)
                log.error("policy_refused", extra={"problems": len(self.problems), "policy": self._current.revision})
                return False
            self.problems = ()
            return True

    def remember(self, connection: Connection, now_policy: PolicySet, clock: Clock) -> None:
        """Store the text of a revision the first time this process decides with it."""
        if now_policy.revision in self._stored:
            return
        connection.execute(
            insert_or(connection, policy_revisions)
            .values(revision=now_policy.revision, first_used_at=clock(), files=json.dumps(dict(now_policy.files)))
            .on_conflict_do_nothing()
        )

    def remembered(self, revision: str) -> None:
        """The transaction that stored it has committed."""
        self._stored.add(revision)

    def _at_revision(self, revision: str) -> PolicySet:
        if revision == self._current.revision:
            return self._current
        with self._database.reading() as connection:
            files: Mapping[str, str] = json.loads(
                connection.execute(
                    select(policy_revisions.c.files).where(policy_revisions.c.revision == revision)
                ).scalar_one()
            )
        return policy_from_files(files)


class Env:
    """What one process works with."""

    def __init__(self, settings: Settings, *, redis_url: str, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.redis_url = redis_url
        self.now = clock
        self.database = Database(settings.database)
        self.policy = PolicyHolder(settings.policies, self.database)
        self.bell = Bell(bell_redis(redis_url))
        self.helpdesk_lease = helpdesk_lease(h.account.timeout for h in settings.helpdesks.values())
        self.together: Together[Any, Any] = Together()  # intake's calls
        self._helpdesks: dict[str, Helpdesk] = {}
        self._vendor_clients: dict[str, VendorClient | None] = {}
        self._called_back = frozenset(s.name for s in settings.sources.values() if s.account.base_url)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A writing transaction. Bells for its work ring after the commit, best effort."""
        with self.database.begin() as connection:
            tx = Transaction(connection, self._called_back)
            yield tx
            tx.rows.flush()
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

    def vendor_client(self, source: str) -> VendorClient | None:
        """Who calls this source's vendor back; None if nobody does, or the source is no longer configured."""
        if source not in self._vendor_clients:
            configured = self.settings.sources.get(source)
            self._vendor_clients[source] = make_vendor_client(configured.account) if configured else None
        return self._vendor_clients[source]

    def helpdesk(self, name: str) -> Helpdesk:
        """The client of one configured helpdesk. Raises KeyError if it is no longer configured."""
        if name not in self._helpdesks:
            account = self.settings.helpdesks[name].account
            self._helpdesks[name] = make_helpdesk(replace(account, tokens=DatabaseTokens(self.database)))
        return self._helpdesks[name]

    def close(self) -> None:
        self.database.close()
