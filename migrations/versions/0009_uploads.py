"""Let a demonstration name the upload it came in by."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# In one step: a key on a column that is empty from its start is not checked row by row while nobody may write.
NAME_THE_UPLOAD = """
    ALTER TABLE completions ADD COLUMN prompt_set_id BIGINT
      CONSTRAINT fk_completions_prompt_set_id_prompt_sets REFERENCES prompt_sets (id)
"""


def upgrade() -> None:
    op.execute(NAME_THE_UPLOAD)


def downgrade() -> None:
    op.drop_column("completions", "prompt_set_id")
