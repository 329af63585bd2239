"""
The policy in force in one process: read at start, read again when a file of its folder has changed.

A folder that is broken then leaves the last good policy working and says so, until it is mended. Every process looks
for itself, so all of them come to the same policy: gateways by a thread (`Watch`), workers before each job.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, select

from gateway.db.engine import Database
from gateway.db.tables import policy_revisions
from gateway.db.work import insert_or
from policies.load import load_policy, policy_from_files
from policies.model import PolicySet
from policies.problems import PolicyErrors, Problem

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0  # seconds between two looks at the folder

# Path, time of change and size of every file: what tells a changed folder from the one that was read.
State = tuple[tuple[str, int, int, int], ...]


class PolicyHolder:
    """The policy in force, and old ones by revision."""

    def __init__(self, folder: Path, database: Database, current: PolicySet | None = None) -> None:
        """current: the folder as it was read already."""
        self._folder = folder
        self._database = database
        self._looking = threading.Lock()
        self._stored: set[str] = set()
        self.problems: tuple[Problem, ...] = ()  # of the folder as it is now, if it is broken
        self._read = state_of(folder)
        # At start there is no last good one: PolicyErrors stops the process.
        self._current = current or load_policy(folder)
        self.at_revision = lru_cache(maxsize=8)(self._at_revision)
        after_fork = weakref.WeakMethod(self._after_fork)  # the interpreter never forgets what is registered
        os.register_at_fork(after_in_child=lambda: (method := after_fork()) and method())

    def _after_fork(self) -> None:
        self._looking = threading.Lock()  # the parent's may be held by a thread the child does not have

    @property
    def current(self) -> PolicySet:
        return self._current

    def refresh(self) -> None:
        """
        Read the folder again if it has changed. Costs a look at its files; while one thread reads, the others go on.
        Never raises: what is wrong stands in `problems` and in the log.
        """
        if not self._looking.acquire(blocking=False):
            return
        try:
            state = state_of(self._folder)
            if state != self._read:
                self._reload(state)
        finally:
            self._looking.release()

    def _reload(self, state: State) -> None:
        policy, problems = self._current, tuple[Problem, ...]()
        try:
            policy = load_policy(self._folder)
        except PolicyErrors as error:
            problems = error.problems
        except OSError as error:  # a file that went while we read
            problems = (Problem(str(self._folder), 0, f"cannot be read: {error.strerror}"),)
        if state_of(self._folder) != state:
            return  # somebody is still writing: what we read may be half of it, and the next look sees it whole
        self._read, self.problems = state, problems
        if problems:
            where = [f"{problem.file}:{problem.line}" for problem in problems]
            log.error(
                "policy_refused", extra={"problems": len(problems), "where": where, "policy": self._current.revision}
            )
            return
        changed = policy.revision != self._current.revision
        self._current = policy
        log.log(logging.INFO if changed else logging.DEBUG, "policy_loaded", extra={"policy": policy.revision})

    def remember(self, connection: Connection, policy: PolicySet, now: datetime) -> bool:
        """
        Store the text of a revision the first time this process decides with it. True: it was written, and once the
        transaction has committed `remembered` must be told.
        """
        if policy.revision in self._stored:
            return False
        connection.execute(
            insert_or(connection, policy_revisions)
            .values(revision=policy.revision, first_used_at=now, files=json.dumps(dict(policy.files)))
            .on_conflict_do_nothing()
        )
        return True

    def remembered(self, revisions: Iterable[str]) -> None:
        """The transaction that stored them has committed."""
        self._stored.update(revisions)

    def _at_revision(self, revision: str) -> PolicySet:
        """
        The policy of an earlier decision; the current one where a newer version of Baton refuses what an older one
        took: work begun under it must go on. Whoever must have that very policy looks at the revision of what comes.
        """
        if revision == self._current.revision:
            return self._current
        with self._database.reading() as connection:
            files: Mapping[str, str] = json.loads(
                connection.execute(
                    select(policy_revisions.c.files).where(policy_revisions.c.revision == revision)
                ).scalar_one()
            )
        try:
            return policy_from_files(files)
        except PolicyErrors as error:
            extra = {"was": revision, "problems": len(error.problems), "policy": self._current.revision}
            log.error("old_policy_refused", extra=extra)
            return self._current


class Watch(threading.Thread):
    """Looks at the folder every LOOK_EVERY seconds, until `stop` is set or the process ends."""

    def __init__(self, holder: PolicyHolder, every: float = LOOK_EVERY) -> None:
        super().__init__(name="policy-watch", daemon=True)
        self._holder = holder
        self._every = every
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(self._every):
            try:
                self._holder.refresh()
            except Exception:
                log.exception("policy_watch_failed")  # a bug of ours must not end the watch: it looks again


def state_of(folder: Path) -> State:
    """The folder as it is on disk. A file that goes while we look is left out, and the next look is different."""
    return tuple(sorted(_files(folder)))


def _files(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for path in folder.rglob("*.y*ml"):
        name = path.relative_to(folder).as_posix()
        if name.startswith(("fields/", ".")) or "/." in name:
            continue
        try:
            found = path.stat()
        except OSError:
            continue
        yield name, found.st_mtime_ns, found.st_size, found.st_ino
