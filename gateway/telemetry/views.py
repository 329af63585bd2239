"""GET /healthz, /readyz, /metrics, /schemas/<name>"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import false, func, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound

from gateway.db.heartbeat import last_beat, source_heard_at
from gateway.db.tables import clocks, deliveries
from gateway.sla.store import OPEN
from gateway.wiring import Env, Transaction
from packets.schemas.export import PUBLISHED

blueprint = Blueprint("telemetry", __name__)
RELAY_SILENT_AFTER = timedelta(seconds=30)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process is up; nothing else is asked."""
    return jsonify({"status": "up"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """503 while webhooks cannot be taken (database). Redis, relay, a bad policy on disk are told and cost nothing."""
    env: Env = current_app.extensions["baton"]
    report: dict[str, object] = {"policy": env.policy.current.revision, "redis": "ok" if env.bell.ping() else "away"}
    if env.policy.problems:
        report["policy_refused"] = [str(problem) for problem in env.policy.problems]
    try:
        with env.reading() as tx:
            beat = last_beat(tx.connection, "relay")
            silent_sources = [name for name in env.settings.sources if _is_silent(env, tx, name)]
        report["database"] = "ok"
        silent = beat is None or env.now() - beat[0] > RELAY_SILENT_AFTER
        report["relay"] = "silent" if silent else "ok"
        if silent_sources:
            report["sources_silent"] = silent_sources
    except SQLAlchemyError:
        return jsonify(report | {"database": "away", "status": "not ready"}), 503
    return jsonify(report | {"status": "ready"}), 200


def _is_silent(env: Env, tx: Transaction, source: str) -> bool:
    heartbeat = env.settings.sources[source].heartbeat
    heard_at = source_heard_at(tx.connection, source) if heartbeat else None
    return heartbeat is not None and heard_at is not None and env.now() - heard_at > heartbeat


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text, counted in the database at scrape: right for any number of processes."""
    env: Env = current_app.extensions["baton"]
    registry = CollectorRegistry()
    registry.register(_Figures(env))
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


class _Figures:
    def __init__(self, env: Env) -> None:
        self._env = env

    def collect(self) -> list[GaugeMetricFamily]:
        now = self._env.now()
        by_state = GaugeMetricFamily("baton_deliveries", "Deliveries by state", labels=["helpdesk", "state"])
        running = GaugeMetricFamily("baton_clocks_running", "SLA clocks running", labels=["tier", "overdue"])
        problems = GaugeMetricFamily(
            "baton_problems", "What only a person can put right, not yet mended", labels=["helpdesk", "kind"]
        )
        barred = GaugeMetricFamily(
            "baton_helpdesk_barred", "1 while a helpdesk may not be asked", labels=["helpdesk", "why"]
        )
        oldest = GaugeMetricFamily("baton_oldest_due_work_seconds", "Age of the oldest due work nobody has taken")
        with self._env.reading() as tx:
            grouped = select(deliveries.c.helpdesk, deliveries.c.state, func.count()).group_by(
                deliveries.c.helpdesk, deliveries.c.state
            )
            for helpdesk, state, count in tx.connection.execute(grouped):
                by_state.add_metric([helpdesk, state], count)
            overdue = func.coalesce(clocks.c.due_at < now, false()).label("overdue")
            open_clocks = (
                select(clocks.c.tier, overdue, func.count()).where(clocks.c.state.in_(OPEN)).group_by("tier", "overdue")
            )
            for tier, late, count in tx.connection.execute(open_clocks):
                running.add_metric([tier, "yes" if late else "no"], count)
            due = tx.work.oldest_due(now)
            for helpdesk, kind, count in tx.problems.count_open():
                problems.add_metric([helpdesk, kind], count)
            for name in self._env.settings.helpdesks:
                account = tx.traffic.get(name)
                paused = bool(account and account.paused_until and account.paused_until > now)
                barred.add_metric([name, "retry_after"], float(paused))
                barred.add_metric([name, "breaker"], float(bool(account and account.open_until)))
        oldest.add_metric([], (now - due).total_seconds() if due else 0.0)
        return [by_state, running, oldest, problems, barred]


@blueprint.get("/schemas/<name>")
def schema(name: str) -> Response:
    """The JSON Schemas other programs are written against."""
    path = PUBLISHED / name
    if path.parent != PUBLISHED or not path.is_file():
        raise NotFound(f"Published: {', '.join(sorted(p.name for p in PUBLISHED.glob('*.json')))}")
    return Response(path.read_bytes(), content_type="application/schema+json")
