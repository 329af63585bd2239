"""Lanes of work, one shared budget a helpdesk account, problems for people, and what people did on a ticket."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
HANDOFF_COLUMNS = (
    ("follows", sa.String(length=40)),
    ("ticket_status", sa.String(length=100)),
    ("ticket_status_at", TIME),
    ("assignee", sa.String(length=255)),
    ("assigned_at", TIME),
    ("rating", sa.String(length=100)),
    ("rated_at", TIME),
    ("our_priorities", sa.Text()),
    ("priority_by_person_at", TIME),
    ("ticket_seen_at", TIME),
    ("telling_up_to", sa.Integer()),
)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("helpdesk", sa.String(length=100), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("tokens_at", TIME, nullable=False),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("window_began_at", TIME, nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", TIME, nullable=True),
        sa.Column("probe_until", TIME, nullable=True),
        sa.Column("polled_up_to", TIME, nullable=True),
        sa.PrimaryKeyConstraint("helpdesk", name=op.f("pk_accounts")),
    )
    op.create_table(
        "problems",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("helpdesk", sa.String(length=100), nullable=False),
        sa.Column("handoff_id", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", sa.String(length=255), nullable=False),
        sa.Column("ticket_url", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("marked_at", TIME, nullable=True),
        sa.Column("mended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        sa.UniqueConstraint("kind", "helpdesk", "ticket_id", name=op.f("uq_problems_kind_helpdesk_ticket_id")),
    )
    for name, kind in HANDOFF_COLUMNS:
        op.add_column("handoffs", sa.Column(name, kind, nullable=True))
    _required("handoffs", "told_up_to", sa.Integer(), "0")
    # The packet held everything up to the event that caused the handoff.
    op.execute(
        "UPDATE handoffs SET told_up_to ="
        " COALESCE((SELECT position FROM events WHERE events.id = handoffs.event_id), 0)"
    )
    _required("deliveries", "reopens", sa.Boolean(), sa.false())
    _required("work", "lane", sa.String(length=100), "")
    op.execute(
        "UPDATE work SET lane = COALESCE((SELECT helpdesk FROM deliveries WHERE deliveries.id = work.subject_id), '')"
        " WHERE kind = 'deliver' AND done_at IS NULL"
    )
    op.execute(
        "UPDATE work SET lane = COALESCE((SELECT helpdesk FROM handoffs WHERE handoffs.id = work.subject_id), '')"
        " WHERE kind IN ('assign_sla', 'read_ticket') AND done_at IS NULL"
    )
    is_open, is_held = sa.text("done_at IS NULL"), sa.text("claimed_until IS NOT NULL")
    op.create_index("ix_work_lane", "work", ["lane", "due_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("ix_work_held", "work", ["lane", "claimed_until"], sqlite_where=is_held, postgresql_where=is_held)


def downgrade() -> None:
    op.drop_index("ix_work_held", "work")
    op.drop_index("ix_work_lane", "work")
    for table, names in (
        ("work", ["lane"]),
        ("deliveries", ["reopens"]),
        ("handoffs", [*(name for name, _ in HANDOFF_COLUMNS), "told_up_to"]),
    ):
        for name in names:
            op.drop_column(table, name)
    op.drop_table("problems")
    op.drop_table("accounts")


def _required(table: str, name: str, kind: Any, default: Any) -> None:
    """A column every row has; the default only fills the rows that are there already."""
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
    if op.get_bind().dialect.name != "sqlite":  # SQLite can drop a default only by copying the whole table
        op.alter_column(table, name, server_default=None)
