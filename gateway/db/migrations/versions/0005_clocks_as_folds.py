"""
SLA clocks become folds of recorded facts. Clocks that run keep their due times: each gets terms of so many seconds by
day and night, and what stopped the others becomes a fact.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID, NAME, KEY, TIME = sa.String(length=40), sa.String(length=100), sa.String(length=255), sa.DateTime(timezone=True)
ALWAYS = {
    "calendars": [
        {
            "name": "always", "zone": "UTC", "weekly": [[[0, 1440]]] * 7, "holidays": {}, "dates": {},
            "scope": "calendar_day",
        }
    ],
    "how": "union",
}  # fmt: skip
STATES = {"met": "met", "missed": "missed", "cancelled": "cancelled", None: "running"}

old_clocks = sa.table(
    "clocks", sa.column("id", ID), sa.column("handoff_id", ID), sa.column("metric", NAME), sa.column("tier", NAME),
    sa.column("started_at", TIME), sa.column("target_seconds", sa.BigInteger), sa.column("due_at", TIME),
    sa.column("stopped_at", TIME), sa.column("outcome", NAME),
)  # fmt: skip
old_facts = sa.table(
    "clock_facts", sa.column("id", ID), sa.column("clock_id", ID), sa.column("kind", NAME),
    sa.column("threshold", NAME), sa.column("due_at", TIME), sa.column("noticed_at", TIME),
)  # fmt: skip
handoffs = sa.table(
    "handoffs", sa.column("id", ID), sa.column("tier", NAME), sa.column("policy_revision", NAME),
    sa.column("promised_at", TIME), sa.column("closed_at", TIME), sa.column("helpdesk", NAME),
)  # fmt: skip
work = sa.table(
    "work", sa.column("id", ID), sa.column("kind", NAME), sa.column("subject_id", ID), sa.column("slot", NAME),
    sa.column("queue", NAME), sa.column("lane", NAME), sa.column("due_at", TIME), sa.column("done_at", TIME),
    sa.column("fence", sa.Integer), sa.column("tries", sa.Integer),
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    was = list(connection.execute(sa.select(old_clocks)))
    told = list(connection.execute(sa.select(old_facts)))
    promised = list(connection.execute(sa.select(handoffs)))
    op.drop_table("clock_facts")
    op.drop_table("clocks")
    new = _tables()
    for row in promised:
        _insert(new["sla_facts"], _fact(row.id, "promised", "handoff_promised", "baton", row.promised_at))
        if row.closed_at is not None:
            _insert(new["sla_facts"], _fact(row.id, "closed", "solved", row.helpdesk, row.closed_at))
        _insert(new["tier_wishes"], {
            "id": f"{row.id[:30]}-0005", "handoff_id": row.id, "tier": row.tier, "by": "default",
            "what": "from before clocks were folds", "policy_revision": row.policy_revision, "at": row.promised_at,
        })  # fmt: skip
    for clock in was:
        _keep(connection, new, clock)
    for fact in told:
        effect, name = ("breached", "") if fact.kind == "breached" else ("warned", fact.threshold)
        _insert(new["sla_effects"], {
            "id": fact.id, "clock_id": fact.clock_id, "effect": effect, "cycle": 1, "version": 1, "name": name,
            "at": fact.due_at, "noticed_at": fact.noticed_at, "cause": "elapsed" if effect == "breached" else "",
        })  # fmt: skip
    connection.execute(sa.delete(work).where(work.c.kind.in_(["sla_warn", "sla_breach"])))


def _keep(connection: sa.Connection, new: dict[str, sa.Table], clock: sa.Row) -> None:  # type: ignore[type-arg]
    key = f"0005:{clock.tier}:{clock.target_seconds}"
    terms = new["sla_terms"]
    there = sa.select(terms.c.key).where(terms.c.key == key, terms.c.metric == clock.metric)
    if connection.execute(there).first() is None:
        _insert(terms, {"key": key, "metric": clock.metric, "terms": _terms(clock)})
    _insert(new["clocks"], {
        "id": clock.id, "handoff_id": clock.handoff_id, "metric": clock.metric, "terms_key": key, "tier": clock.tier,
        "state": STATES[clock.outcome], "cycle": 1, "started_at": clock.started_at,
        "target_seconds": clock.target_seconds, "due_at": clock.due_at, "next_at": clock.due_at,
        "stopped_at": clock.stopped_at,
    })  # fmt: skip
    if clock.metric == "first_human_response" and clock.outcome in ("met", "missed"):
        fact = _fact(clock.handoff_id, "answered", "human_message", "baton", clock.stopped_at)
        _insert(new["sla_facts"], fact)
    if clock.outcome is None:
        connection.execute(
            sa.insert(work).values(
                id=f"{clock.id[:30]}-0005", kind="sla_timer", subject_id=clock.id, slot="", queue="clock", lane="",
                due_at=clock.started_at, fence=0, tries=0,
            )
        )  # fmt: skip


def _terms(clock: sa.Row) -> str:  # type: ignore[type-arg]
    target = {
        "metric": clock.metric, "ladder": None, "on_max_pause": "resume", "notes_count": False,
        "counts_from": "promise", "ladder_on_policy_change": True, "within": {"seconds": clock.target_seconds},
        "warn": [], "pause_on": [], "max_pause": None,
    }  # fmt: skip
    terms = {
        "tier": clock.tier, "policy": "", "on_priority_change": "carry", "on_queue_change": "per_interval",
        "pause_integrity": True, "zone_source": "calendar", "target": target, "hours": ALWAYS,
        "reopen": {"mode": "continue", "window": {"business_days": 5}},
    }  # fmt: skip
    return json.dumps(terms, sort_keys=True, separators=(",", ":"))


def _fact(handoff_id: str, name: str, kind: str, source: str, at: object) -> dict[str, object]:
    return {
        "id": f"{handoff_id[:28]}-{name}", "handoff_id": handoff_id, "source": source, "external_id": name,
        "kind": kind, "occurred_at": at, "received_at": at, "seq": 0, "said": "{}",
    }  # fmt: skip


def _insert(table: sa.Table, values: dict[str, object]) -> None:
    op.get_bind().execute(sa.insert(table).values(values))


def _tables() -> dict[str, sa.Table]:
    made = [
        op.create_table(
            "clocks",
            sa.Column("id", ID, nullable=False),
            sa.Column("handoff_id", ID, nullable=False),
            sa.Column("metric", NAME, nullable=False),
            sa.Column("terms_key", KEY, nullable=False),
            sa.Column("tier", NAME, nullable=False),
            sa.Column("state", NAME, nullable=False),
            sa.Column("cycle", sa.Integer(), nullable=False),
            sa.Column("started_at", TIME, nullable=True),
            sa.Column("target_seconds", sa.BigInteger(), nullable=True),
            sa.Column("due_at", TIME, nullable=True),
            sa.Column("next_at", TIME, nullable=True),
            sa.Column("stopped_at", TIME, nullable=True),
            sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_clocks_handoff_id")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
            sa.UniqueConstraint("handoff_id", "metric", name=op.f("uq_clocks_handoff_id_metric")),
        ),
        op.create_table(
            "sla_facts",
            sa.Column("id", ID, nullable=False),
            sa.Column("handoff_id", ID, nullable=False),
            sa.Column("source", NAME, nullable=False),
            sa.Column("external_id", KEY, nullable=False),
            sa.Column("kind", NAME, nullable=False),
            sa.Column("occurred_at", TIME, nullable=True),
            sa.Column("received_at", TIME, nullable=False),
            sa.Column("seq", sa.Integer(), nullable=False),
            sa.Column("metric", NAME, nullable=True),
            sa.Column("said", sa.Text(), nullable=False),
            sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_sla_facts_handoff_id")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_facts")),
            sa.UniqueConstraint(
                "handoff_id", "source", "external_id", name=op.f("uq_sla_facts_handoff_id_source_external_id")
            ),
        ),
        op.create_table(
            "sla_terms",
            sa.Column("key", KEY, nullable=False),
            sa.Column("metric", NAME, nullable=False),
            sa.Column("terms", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("key", "metric", name=op.f("pk_sla_terms")),
        ),
        op.create_table(
            "sla_effects",
            sa.Column("id", ID, nullable=False),
            sa.Column("clock_id", ID, nullable=False),
            sa.Column("effect", NAME, nullable=False),
            sa.Column("cycle", sa.Integer(), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("name", KEY, nullable=False),
            sa.Column("at", TIME, nullable=False),
            sa.Column("noticed_at", TIME, nullable=False),
            sa.Column("cause", NAME, nullable=False),
            sa.Column("ladder", NAME, nullable=True),
            sa.ForeignKeyConstraint(["clock_id"], ["clocks.id"], name=op.f("fk_sla_effects_clock_id")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_effects")),
            sa.UniqueConstraint(
                "clock_id", "effect", "cycle", "version", "name",
                name=op.f("uq_sla_effects_clock_id_effect_cycle_version_name"),
            ),
        ),
        op.create_table(
            "tier_wishes",
            sa.Column("id", ID, nullable=False),
            sa.Column("handoff_id", ID, nullable=False),
            sa.Column("tier", NAME, nullable=True),
            sa.Column("by", NAME, nullable=False),
            sa.Column("what", KEY, nullable=False),
            sa.Column("policy_revision", NAME, nullable=False),
            sa.Column("at", TIME, nullable=False),
            sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_tier_wishes_handoff_id")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_wishes")),
            sa.UniqueConstraint(
                "handoff_id", "by", "what", "tier", "at", name=op.f("uq_tier_wishes_handoff_id_by_what_tier_at")
            ),
        ),
    ]  # fmt: skip
    op.create_index(op.f("ix_clocks_state_tier"), "clocks", ["state", "tier"], unique=False)
    return {table.name: table for table in made}


def downgrade() -> None:
    for name in ("tier_wishes", "sla_effects", "sla_terms", "sla_facts", "clocks"):
        op.drop_table(name)
    op.create_table(
        "clocks",
        sa.Column("id", ID, nullable=False),
        sa.Column("handoff_id", ID, nullable=False),
        sa.Column("metric", NAME, nullable=False),
        sa.Column("tier", NAME, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("target_seconds", sa.BigInteger(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("stopped_at", TIME, nullable=True),
        sa.Column("outcome", NAME, nullable=True),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_clocks_handoff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
        sa.UniqueConstraint("handoff_id", "metric", name=op.f("uq_clocks_handoff_id_metric")),
    )
    op.create_table(
        "clock_facts",
        sa.Column("id", ID, nullable=False),
        sa.Column("clock_id", ID, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("threshold", NAME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("noticed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["clocks.id"], name=op.f("fk_clock_facts_clock_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_facts")),
        sa.UniqueConstraint("clock_id", "kind", "threshold", name=op.f("uq_clock_facts_clock_id_kind_threshold")),
    )
