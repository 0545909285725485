"""Make model versions and completions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), server_default="candidate", nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("base_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("dataset_snapshot_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "source", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("artifact_sha256", sa.Text(), nullable=True),
        sa.Column("artifact_bytes", sa.BigInteger(), nullable=True),
        sa.Column(
            "metrics", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('base', 'sft', 'reward', 'policy')", name=op.f("ck_model_versions_kind")),
        sa.CheckConstraint("stage IN ('candidate', 'live', 'archived')", name=op.f("ck_model_versions_stage")),
        sa.ForeignKeyConstraint(["base_id"], ["model_versions.id"], name="fk_model_versions_base_id_model_versions"),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_model_versions_created_by_users"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["model_versions.id"], name="fk_model_versions_parent_id_model_versions"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_model_versions_project_id_projects"),
        sa.PrimaryKeyConstraint("id", name="pk_model_versions"),
        sa.UniqueConstraint("project_id", "kind", "number", name="uq_model_versions_project_id_kind_number"),
    )
    op.create_index("ix_model_versions_base_id", "model_versions", ["base_id"], unique=False)
    op.create_index("ix_model_versions_created_by", "model_versions", ["created_by"], unique=False)
    op.create_index("ix_model_versions_dataset_snapshot_id", "model_versions", ["dataset_snapshot_id"], unique=False)
    op.create_index("ix_model_versions_parent_id", "model_versions", ["parent_id"], unique=False)
    op.create_index("ix_model_versions_project_id", "model_versions", ["project_id"], unique=False)
    op.create_index("ix_model_versions_run_id", "model_versions", ["run_id"], unique=False)
    op.create_index(
        "uq_model_versions_one_live_policy",
        "model_versions",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("stage = 'live' AND kind <> 'reward'"),
    )
    op.create_index(
        "uq_model_versions_one_live_reward",
        "model_versions",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("stage = 'live' AND kind = 'reward'"),
    )
    op.create_table(
        "completions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("prompt_id", sa.BigInteger(), nullable=False),
        sa.Column("model_version_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.Text(), server_default="sample", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "sampling", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("sample_index", sa.BigInteger(), nullable=True),
        sa.Column("finish_reason", sa.Text(), nullable=True),
        sa.Column("token_count", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("finish_reason IN ('stop', 'length')", name=op.f("ck_completions_finish_reason")),
        sa.CheckConstraint("role IN ('sample', 'demonstration')", name=op.f("ck_completions_role")),
        sa.CheckConstraint("(model_version_id IS NULL) <> (user_id IS NULL)", name=op.f("ck_completions_one_author")),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_versions.id"], name="fk_completions_model_version_id_model_versions"
        ),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_completions_prompt_id_prompts"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_completions_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_completions"),
    )
    op.create_index("ix_completions_model_version_id", "completions", ["model_version_id"], unique=False)
    op.create_index("ix_completions_prompt_id", "completions", ["prompt_id"], unique=False)
    op.create_index("ix_completions_user_id", "completions", ["user_id"], unique=False)
    op.create_index(
        "uq_completions_run_sample",
        "completions",
        ["run_id", "prompt_id", "model_version_id", "sample_index"],
        unique=True,
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_foreign_key(
        "fk_model_versions_dataset_snapshot_id_dataset_snapshots",
        "model_versions",
        "dataset_snapshots",
        ["dataset_snapshot_id"],
        ["id"],
    )
    op.create_foreign_key("fk_model_versions_run_id_runs", "model_versions", "runs", ["run_id"], ["id"])
    op.create_foreign_key("fk_completions_run_id_runs", "completions", "runs", ["run_id"], ["id"])


def downgrade() -> None:
    op.drop_table("completions")
    op.drop_table("model_versions")
