"""Warm handoffs that wait for somebody's accept, how the wait ended, and what is announced to whoever comes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS: dict[str, Any] = {
    "announcement": sa.Text(),
    "accept_by": sa.DateTime(timezone=True),
    "wait_ended": sa.String(length=100),
    "wait_ended_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("handoffs", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("handoffs", name)
