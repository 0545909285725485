"""Make prompts and the uploads they came in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prompt_sets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="staged", nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("good", sa.BigInteger(), nullable=False),
        sa.Column("bad", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('staged', 'added', 'discarded')", name=op.f("ck_prompt_sets_state")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_prompt_sets_created_by_users"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_prompt_sets_project_id_projects"),
        sa.PrimaryKeyConstraint("id", name="pk_prompt_sets"),
    )
    op.create_index("ix_prompt_sets_created_by", "prompt_sets", ["created_by"], unique=False)
    op.create_index("ix_prompt_sets_project_id", "prompt_sets", ["project_id"], unique=False)
    op.create_table(
        "prompt_set_errors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("prompt_set_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prompt_set_id"],
            ["prompt_sets.id"],
            name="fk_prompt_set_errors_prompt_set_id_prompt_sets",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_prompt_set_errors"),
    )
    op.create_index("ix_prompt_set_errors_prompt_set_id_id", "prompt_set_errors", ["prompt_set_id", "id"], unique=False)
    op.create_table(
        "prompts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("prompt_set_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("group_hash", sa.LargeBinary(), nullable=False),
        sa.Column("split", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="staged", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("split IN ('train', 'validation', 'test')", name=op.f("ck_prompts_split")),
        sa.CheckConstraint("state IN ('staged', 'active', 'retired')", name=op.f("ck_prompts_state")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_prompts_project_id_projects"),
        sa.ForeignKeyConstraint(["prompt_set_id"], ["prompt_sets.id"], name="fk_prompts_prompt_set_id_prompt_sets"),
        sa.PrimaryKeyConstraint("id", name="pk_prompts"),
    )
    op.create_index("ix_prompts_project_id_state_id", "prompts", ["project_id", "state", "id"], unique=False)
    op.create_index("ix_prompts_prompt_set_id", "prompts", ["prompt_set_id"], unique=False)
    op.create_index(
        "uq_prompts_active_content",
        "prompts",
        ["project_id", "content_hash"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    op.drop_table("prompts")
    op.drop_table("prompt_set_errors")
    op.drop_table("prompt_sets")
