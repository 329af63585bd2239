"""
May somebody talk to this helpdesk account now, and what does the account look like after they did. Pure.

One `Account` is shared by every worker (a row, store.py). Four things hold a visit back: the helpdesk asked us to wait
(`Retry-After`, for the whole account), the breaker is open, too many talk to it already, the rate is used up. A visit
that is held back has not happened: no attempt is counted, the work waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)  # the breaker opens at 70 % failures of at least ten calls within it …
FEWEST_CALLS, FAILURE_SHARE = 10, 0.7
PROBE_AFTER = timedelta(seconds=30)  # … and from then on one probe at a time finds out whether it is over
DENIED_WAIT = timedelta(seconds=60)  # 401 or 403: opens at once; somebody must mend the credential
BURST_SECONDS = 10  # how much of the rate may be used in one go after a quiet time
FULL_WAIT = timedelta(seconds=0.5)  # a place is given back without telling those who wait, mostly in a moment
STUCK_AFTER = timedelta(seconds=5)  # a healthy helpdesk answers a step sooner than this; if all places are stuck,
STUCK_WAIT = timedelta(seconds=5)  # looking more often only costs those workers that are left


@dataclass(frozen=True, slots=True)
class Limits:
    """What baton.yml or the kind of helpdesk allows."""

    requests_per_minute: float
    at_once: int

    @property
    def per_second(self) -> float:
        return self.requests_per_minute / 60

    @property
    def burst(self) -> float:
        return max(1.0, self.per_second * BURST_SECONDS)


@dataclass(frozen=True, slots=True)
class Account:
    """How one helpdesk account stands. open_until: the breaker is open, and probed from then on; None: closed."""

    tokens: float
    tokens_at: datetime
    paused_until: datetime | None = None
    window_began_at: datetime | None = None
    calls: int = 0
    failures: int = 0
    open_until: datetime | None = None
    probe_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Visits that are going on: how many, and for how many of them nothing has happened for STUCK_AFTER."""

    count: int = 0
    stuck: int = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """wait_until None: go. probing: this visit decides whether the breaker closes."""

    account: Account
    wait_until: datetime | None = None
    probing: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What one visit saw. calls: requests sent. answered, failed: steps that the helpdesk answered (a refusal is an
    answer) or that it could not do. retry_after: seconds, if it asked the whole account to wait. denied: 401 or 403.
    """

    calls: int = 0
    answered: int = 0
    failed: int = 0
    retry_after: float | None = None
    denied: bool = False
    probing: bool = False


def fresh(limits: Limits, now: datetime) -> Account:
    return Account(limits.burst, now)


def admit(account: Account, limits: Limits, held: Held, now: datetime, lease: timedelta) -> Admission:
    """Take one place and one request from the account, or say until when to wait."""
    account = _refilled(account, limits, now)
    until = barred_until(account, now)
    if until is not None:
        return Admission(account, wait_until=until)
    probing = account.open_until is not None
    if held.count >= (1 if probing else limits.at_once):
        return Admission(account, wait_until=now + (STUCK_WAIT if held.stuck >= held.count else FULL_WAIT))
    if account.tokens < 1:
        return Admission(account, wait_until=now + timedelta(seconds=(1 - account.tokens) / limits.per_second))
    account = replace(account, tokens=account.tokens - 1, probe_until=now + lease if probing else None)
    return Admission(account, probing=probing)


def barred_until(account: Account, now: datetime) -> datetime | None:
    """Until when nobody may talk to it at all; None: that is not what holds anybody back."""
    bars = (account.paused_until, account.open_until, account.probe_until if account.open_until else None)
    return max((bar for bar in bars if bar is not None and bar > now), default=None)


def may_go_on(account: Account, now: datetime, *, probing: bool) -> bool:
    """Whether a visit that is going on may take its next step: others may have met a 429 or a breakdown meanwhile."""
    if account.paused_until is not None and account.paused_until > now:
        return False
    return probing or account.open_until is None


def after(account: Account, limits: Limits, seen: Seen, now: datetime) -> Account:
    """The account once a visit has ended."""
    account = _refilled(account, limits, now)
    account = replace(account, tokens=min(account.tokens - (seen.calls - 1), limits.burst))  # one was paid on entry
    if seen.retry_after is not None:
        until = now + timedelta(seconds=seen.retry_after)
        account = replace(account, paused_until=max(until, account.paused_until or until))
    account = _counted(account, seen, now)
    if seen.denied:
        return _opened(account, now + DENIED_WAIT)
    if seen.probing and not (seen.answered or seen.failed or seen.retry_after is not None):
        return replace(account, probe_until=None)  # it had nothing to ask: the next one probes
    if seen.probing:
        works = bool(seen.answered) and not seen.failed and seen.retry_after is None
        return _closed(account) if works else _opened(account, now + PROBE_AFTER)
    enough = account.open_until is None and account.calls >= FEWEST_CALLS
    if enough and account.failures >= FAILURE_SHARE * account.calls:
        return _opened(account, now + PROBE_AFTER)
    return account


def worth_ringing(account: Account, limits: Limits, held: Held, now: datetime) -> int:
    """For how many rows it makes sense to ring now; a bell for a row that must wait keeps a worker from others."""
    if barred_until(account, now) is not None:
        return 0
    if account.open_until is not None:
        return 1
    free = limits.at_once - held.count
    if free <= 0:
        return 0 if held.stuck >= held.count else 1
    tokens = _refilled(account, limits, now).tokens
    return max(0, min(int(tokens), free * 6))  # a place is taken several times between two looks


def fair_share(at_once: int, workers: int, helpdesks: int) -> int:
    """
    How many workers one helpdesk may hold, so that while it hangs one is left for each of the others.

    workers: delivery workers alive, 0 = unknown.
    """
    return at_once if workers == 0 else max(1, min(at_once, workers - (helpdesks - 1)))


def _refilled(account: Account, limits: Limits, now: datetime) -> Account:
    passed = max(0.0, (now - account.tokens_at).total_seconds())  # clocks of two machines may differ a little
    tokens = min(limits.burst, account.tokens + passed * limits.per_second)
    return replace(account, tokens=tokens, tokens_at=max(now, account.tokens_at))


def _counted(account: Account, seen: Seen, now: datetime) -> Account:
    began = account.window_began_at
    if began is None or now - began >= WINDOW:
        account = replace(account, window_began_at=now, calls=0, failures=0)
    calls = account.calls + seen.answered + seen.failed
    return replace(account, calls=calls, failures=account.failures + seen.failed)


def _opened(account: Account, until: datetime) -> Account:
    later = max(until, account.open_until or until)
    return replace(account, open_until=later, probe_until=None, window_began_at=None, calls=0, failures=0)


def _closed(account: Account) -> Account:
    return replace(account, open_until=None, probe_until=None, window_began_at=None, calls=0, failures=0)
