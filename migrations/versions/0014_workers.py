"""Let workers say what they have, and runs what they are estimated to take and on what machine they worked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queues", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("room_bytes", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cores", sa.BigInteger(), nullable=False),
        sa.Column("processes", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("devices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('cpu', 'cuda')", name=op.f("ck_workers_kind")),
        sa.CheckConstraint(
            "room_bytes > 0 AND memory_bytes > 0 AND cores > 0 AND processes > 0", name=op.f("ck_workers_has_something")
        ),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )
    # Without defaults, so that no row is written while the table is locked.
    op.add_column("runs", sa.Column("estimate", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("runs", sa.Column("machine", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "machine")
    op.drop_column("runs", "estimate")
    op.drop_table("workers")
