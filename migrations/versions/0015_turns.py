"""Let a claim see at a glance whose turn it is, and a run say how many devices it wants."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")
BEFORE, AFTER, SERVED = "ix_runs_queued", "ix_runs_waiting", "ix_runs_project_id_claimed_at"


def upgrade() -> None:
    # Without defaults, so that no row is written while the table is locked. They are committed before the indexes are
    # built, so an upgrade that was broken off there finds them when it starts again.
    op.add_column("runs", sa.Column("devices", sa.SmallInteger(), nullable=True), if_not_exists=True)
    op.add_column("runs", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True), if_not_exists=True)
    with op.get_context().autocommit_block():
        # Building waits for transactions that began before, such as a long download, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        # Ones that were broken off while they were built are left behind, and of no use.
        for name in (AFTER, SERVED):
            op.drop_index(name, "runs", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            AFTER,
            "runs",
            ["queue", "project_id", "priority", "run_after", "id"],
            postgresql_where=QUEUED,
            postgresql_concurrently=True,
        )
        op.create_index(
            SERVED,
            "runs",
            ["project_id", "claimed_at"],
            postgresql_where=sa.text("claimed_at IS NOT NULL"),
            postgresql_concurrently=True,
        )
        op.drop_index(BEFORE, "runs", if_exists=True, postgresql_concurrently=True)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(BEFORE, "runs", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            BEFORE,
            "runs",
            ["queue", "priority", "run_after", "id"],
            postgresql_where=QUEUED,
            postgresql_concurrently=True,
        )
        for name in (SERVED, AFTER):
            op.drop_index(name, "runs", if_exists=True, postgresql_concurrently=True)
    op.drop_column("runs", "claimed_at")
    op.drop_column("runs", "devices")
