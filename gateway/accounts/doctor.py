"""
What is wrong with an installation, in words: the machine's own parts, every configured helpdesk and chat. Each check
stands alone, so one that fails hides no other. Nothing is written anywhere, and no secret is in any sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import requests
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from connectors.ports import Finding
from connectors.registry import KEEPERS, make_keeper
from gateway.accounts.chats import examine_chat, examine_ladders
from gateway.accounts.wanted import running_sandboxes, wanted_of
from gateway.clock import utc_now
from gateway.db.engine import Database
from gateway.db.heartbeat import last_beat
from gateway.db.migrate import alembic_config
from gateway.jobs.bell import bell_redis
from gateway.settings import HelpdeskSettings, Settings
from gateway.supervise.redis_server import redis_url
from gateway.vendors.waits import waits_in_vain
from policies.load import load_policy
from policies.model import PolicySet
from policies.problems import PolicyErrors

RELAY_SILENT_AFTER = timedelta(seconds=30)
SHORT_SECRET = 16
ANSWERS_WITHIN = 5
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Section:
    """What was looked at under one heading."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def is_broken(self) -> bool:
        return any(finding.level == "broken" for finding in self.findings)


def examine(settings: Settings, only: Sequence[str] = (), url: str | None = None) -> Iterator[Section]:
    """Section by section, as each is done. only: names of helpdesks; then nothing else is looked at."""
    policy, policy_findings = _policy(settings)
    if not only:
        yield Section("database", tuple(_database(settings)))
        yield Section("redis", (_redis(settings),))
        yield Section("policy", policy_findings)
        yield Section("sources", tuple(_sources(settings, policy)))
        yield Section("gateway", tuple(_gateway(settings, url)))
    for name in only or sorted(settings.helpdesks):
        helpdesk = settings.helpdesks[name]
        yield Section(f"helpdesk {name} ({helpdesk.account.kind})", tuple(_helpdesk(settings, helpdesk, policy, url)))
    if only:
        return
    for name, notifier in sorted(settings.notifiers.items()):
        yield Section(f"notifier {name} ({notifier.account.kind})", tuple(examine_chat(settings, notifier)))
    if policy is not None and (policy.ladders or settings.notifiers):
        yield Section("ladders", tuple(examine_ladders(settings, policy)))


def _policy(settings: Settings) -> tuple[PolicySet | None, tuple[Finding, ...]]:
    try:
        policy = load_policy(settings.policies)
    except PolicyErrors as error:
        remedy = "`baton policy check` tells all of it; the gateway does not start with it"
        return None, tuple(Finding("broken", str(problem), remedy) for problem in error.problems)
    return policy, (Finding("ok", f"{len(policy.rules)} rules, revision {policy.revision}"),)


def _database(settings: Settings) -> Iterator[Finding]:
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        yield Finding("broken", f"there is no database at {url.database}", "run `baton db upgrade`, which makes it")
        return  # looking would make an empty one
    database = Database(settings.database)
    wanted = ScriptDirectory.from_config(alembic_config(settings.database)).get_current_head()
    try:
        with database.reading() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            beat = last_beat(connection, "relay") if found == wanted else None
    except SQLAlchemyError as error:
        remedy = "is it running, does `database` in baton.yml name it, may this user log in?"
        yield Finding("broken", f"the database is not there ({type(error).__name__})", remedy)
        return
    finally:
        database.close()
    if found != wanted:
        told = "is empty" if found is None else f"is of revision {found}"
        yield Finding("broken", f"the database {told}; this version needs {wanted}", "run `baton db upgrade`")
        return
    yield Finding("ok", f"the database answers and is up to date ({wanted})")
    if beat is None or utc_now() - beat[0] > RELAY_SILENT_AFTER:
        remedy = "one process `baton relay` must run, or lost bells and timers wait for ever"
        yield Finding("warning", "no relay has shown a sign of life for 30 s", remedy)


def _redis(settings: Settings) -> Finding:
    where = "the private Redis of `baton up`" if settings.redis is None else "Redis"
    try:
        bell_redis(redis_url(settings)).ping()
    except (RedisError, OSError, ValueError) as error:
        remedy = "it runs while `baton up` does" if settings.redis is None else "is it running, is `redis` right?"
        return Finding("broken", f"{where} does not answer ({type(error).__name__})", f"{remedy} Tickets wait for it")
    return Finding("ok", f"{where} answers")


def _sources(settings: Settings, policy: PolicySet | None) -> Iterator[Finding]:
    """That a secret has its vendor's form was checked when the file was read."""
    seen: dict[str, str] = {}
    for name, source in sorted(settings.sources.items()):
        found = []
        for secret in source.account.secrets:
            if len(secret) < SHORT_SECRET:
                found.append(Finding("warning", f"{name}: a secret of {len(secret)} characters", "use a longer one"))
            if (other := seen.setdefault(secret, name)) != name:
                told = f"{name} and {other} have the same secret"
                found.append(Finding("warning", told, "give each its own, so that one can be changed alone"))
        yield from found or [Finding("ok", f"{name}: {len(source.account.secrets)} secret(s) for {source.vendor}")]
    if policy is not None:
        remedy = "set what is missing, or take `warm` out of those routes"
        accounts = [source.account for _, source in sorted(settings.sources.items())]
        yield from (Finding("warning", told, remedy) for told in waits_in_vain(policy, accounts))
    if not settings.api_tokens:
        yield Finding("warning", "BATON_API_TOKENS is empty", "set it, or the API for programs refuses everybody")


def _gateway(settings: Settings, url: str | None) -> Iterator[Finding]:
    """Whether the address the helpdesks are told answers; asked from here, which is not where they ask from."""
    address = (url or settings.public_url or "").rstrip("/")
    if not address:
        remedy = "set `public_url` in baton.yml, or name it with --url"
        yield Finding("warning", "nobody said where helpdesks reach the gateway; webhooks were not looked at", remedy)
        return
    if urlsplit(address).scheme != "https" and urlsplit(address).hostname not in LOOPBACK:
        yield Finding("warning", f"{address} is not https", "helpdesks send customers' words there; put TLS in front")
    try:
        answer = requests.get(f"{address}/healthz", timeout=ANSWERS_WITHIN, allow_redirects=False)
    except requests.RequestException as error:
        remedy = "start `baton serve`; look at proxy, DNS and firewall. Until then clocks do not stop"
        yield Finding("broken", f"{address} does not answer ({type(error).__name__})", remedy)
        return
    if answer.status_code != requests.codes.ok:
        remedy = "something else listens there, or the proxy sends it elsewhere"
        yield Finding("broken", f"{address}/healthz answered {answer.status_code}", remedy)
        return
    yield Finding("ok", f"{address} answers")


def _helpdesk(
    settings: Settings, helpdesk: HelpdeskSettings, policy: PolicySet | None, url: str | None
) -> Iterator[Finding]:
    account = helpdesk.account
    if helpdesk.is_sandbox:
        address = running_sandboxes(settings).get(account.name)
        if address is None:
            yield Finding("warning", "its sandbox is not running", "`baton up` starts it")
            return
        account = replace(account, base_url=address)
    elif not helpdesk.webhook_secrets:
        told = "no webhook secret is configured, so every webhook is refused and no clock stops"
        yield Finding("broken", told, f"run `baton setup {account.name}`, or set webhook_secret or webhook_token")
    parts = urlsplit(account.base_url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield Finding("broken", "base_url is http: the credential travels in the open", "write https://")
    if not helpdesk.own_user_ids and not helpdesk.is_sandbox:
        remedy = f"run `baton setup {account.name}`, or set own_user_ids"
        yield Finding(
            "warning", "our own user there is not known, so our own changes may be taken for people's", remedy
        )
    if account.kind not in KEEPERS:
        yield Finding("warning", f"nothing here can look into a {account.kind} account", "see its README")
        return
    yield from make_keeper(account).examine(wanted_of(settings, helpdesk, policy, url))
