"""Find the demonstrations of an upload, with an index that is built while people go on writing."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = "ix_completions_prompt_set_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # One that was broken off while it was built is left behind, and of no use.
        op.drop_index(NAME, "completions", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME,
            "completions",
            ["prompt_set_id"],
            postgresql_where=sa.text("prompt_set_id IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "completions", if_exists=True, postgresql_concurrently=True)
