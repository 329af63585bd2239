"""Ladders that are climbed, their rungs, messages in chats, and who took a handoff there."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ID, NAME, KEY = sa.String(length=40), sa.String(length=100), sa.String(length=255)


def upgrade() -> None:
    op.add_column("handoffs", sa.Column("accepted_by", NAME, nullable=True))
    op.add_column("handoffs", sa.Column("accepted_at", TIME, nullable=True))
    op.create_table(
        "ladder_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("handoff_id", ID, nullable=False),
        sa.Column("ladder", NAME, nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("begun_status", NAME, nullable=False),
        sa.Column("policy_revision", NAME, nullable=False),
        sa.Column("accepted_by", NAME, nullable=True),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_runs")),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_ladder_runs_handoff_id")),
        sa.UniqueConstraint("handoff_id", "ladder", "begun_at", name=op.f("uq_ladder_runs_handoff_id_ladder_begun_at")),
    )
    op.create_table(
        "ladder_rungs",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("did", NAME, nullable=False),
        sa.Column("who", NAME, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reached", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_rungs")),
        sa.ForeignKeyConstraint(["run_id"], ["ladder_runs.id"], name=op.f("fk_ladder_rungs_run_id")),
        sa.UniqueConstraint(
            "run_id", "turn", "step", "did", "who", name=op.f("uq_ladder_rungs_run_id_turn_step_did_who")
        ),
    )
    op.create_table(
        "chat_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("handoff_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("key", KEY, nullable=False),
        sa.Column("notifier", NAME, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("purpose", NAME, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("state", NAME, nullable=False),
        sa.Column("shows", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=True),
        sa.Column("message_ref", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_messages")),
        sa.ForeignKeyConstraint(["handoff_id"], ["handoffs.id"], name=op.f("fk_chat_messages_handoff_id")),
        sa.ForeignKeyConstraint(["run_id"], ["ladder_runs.id"], name=op.f("fk_chat_messages_run_id")),
        sa.UniqueConstraint("key", name=op.f("uq_chat_messages_key")),
    )
    op.create_index(op.f("ix_chat_messages_handoff_id"), "chat_messages", ["handoff_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_chat_messages_handoff_id"), "chat_messages")
    for table in ("chat_messages", "ladder_rungs", "ladder_runs"):
        op.drop_table(table)
    for name in ("accepted_at", "accepted_by"):
        op.drop_column("handoffs", name)
