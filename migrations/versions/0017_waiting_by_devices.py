"""Let a claim pass over runs that ask for more devices than its worker has, without reading them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NAME = "ix_runs_waiting_by_devices"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # Building waits for transactions that began before, such as a long download, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        # One that was broken off while it was built is left behind, and of no use.
        op.drop_index(NAME, "runs", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME,
            "runs",
            ["queue", "project_id", sa.text("COALESCE(devices, 1)"), "priority", "run_after", "id"],
            postgresql_where=sa.text("state = 'queued'"),
            postgresql_concurrently=True,
        )
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "runs", if_exists=True, postgresql_concurrently=True)
