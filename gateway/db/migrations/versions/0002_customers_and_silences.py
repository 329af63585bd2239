"""Earlier contacts of customers, what is remembered of them, and the one timer of a conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("contact", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "contacts",
        sa.Column("customer_key", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversation_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("customer_key", "at", "conversation_id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "remembered",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversation_id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered")),
    )
    op.create_index(op.f("ix_remembered_at_id"), "remembered", ["at", "id"], unique=False)
    op.create_table(
        "remembered_keys",
        sa.Column("customer_key", sa.String(length=32), nullable=False),
        sa.Column("remembered_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["remembered_id"], ["remembered.id"], name=op.f("fk_remembered_keys_remembered_id")),
        sa.PrimaryKeyConstraint("customer_key", "remembered_id", name=op.f("pk_remembered_keys")),
    )
    op.create_index(op.f("ix_remembered_keys_remembered_id"), "remembered_keys", ["remembered_id"], unique=False)
    op.create_table(
        "lifted",
        sa.Column("remembered_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["remembered_id"], ["remembered.id"], name=op.f("fk_lifted_remembered_id")),
        sa.PrimaryKeyConstraint("remembered_id", name=op.f("pk_lifted")),
    )


def downgrade() -> None:
    op.drop_table("lifted")
    op.drop_table("remembered_keys")
    op.drop_table("remembered")
    op.drop_table("contacts")
    op.drop_column("conversations", "look_at")
    op.drop_column("conversations", "contact")
