"""Appointments, what holds a team's book while one is made, and open handoffs by route."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ID, NAME = sa.String(length=40), sa.String(length=100)


def upgrade() -> None:
    op.create_table(
        "appointments",
        sa.Column("id", ID, nullable=False),
        sa.Column("handoff_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("team", NAME, nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("zone", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("booked_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_appointments_handoff_id")),
        sa.UniqueConstraint("handoff_id", "sequence", name=op.f("uq_appointments_handoff_id_sequence")),
    )
    op.create_index(op.f("ix_appointments_team_starts_at"), "appointments", ["team", "starts_at"])
    op.create_index(op.f("ix_appointments_state_starts_at"), "appointments", ["state", "starts_at"])
    op.create_table(
        "callback_teams",
        sa.Column("team", NAME, nullable=False),
        sa.Column("booking_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("team", name=op.f("pk_callback_teams")),
    )
    op.create_index(
        "ix_handoffs_open",
        "handoffs",
        ["route"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
