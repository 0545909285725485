"""Let a demonstration name the upload it came in by."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("completions", sa.Column("prompt_set_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_completions_prompt_set_id_prompt_sets", "completions", "prompt_sets", ["prompt_set_id"], ["id"]
    )
    op.create_index("ix_completions_prompt_set_id", "completions", ["prompt_set_id"])


def downgrade() -> None:
    op.drop_index("ix_completions_prompt_set_id", "completions")
    op.drop_column("completions", "prompt_set_id")
