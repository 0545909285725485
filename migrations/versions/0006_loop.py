"""Make cycles and the loop's decisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("stage", sa.Text(), server_default="reward", nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("reward_run_id", sa.BigInteger(), nullable=True),
        sa.Column("ppo_run_id", sa.BigInteger(), nullable=True),
        sa.Column("sample_run_id", sa.BigInteger(), nullable=True),
        sa.Column("reward_model_version_id", sa.BigInteger(), nullable=True),
        sa.Column("policy_model_version_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stage IN ('reward', 'ppo', 'promotion', 'sample', 'done')", name=op.f("ck_cycles_stage")),
        sa.CheckConstraint(
            "state IN ('running', 'waiting', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_cycles_state")
        ),
        sa.CheckConstraint("\"trigger\" IN ('person', 'comparisons', 'time')", name=op.f("ck_cycles_trigger")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_cycles_created_by_users"),
        sa.ForeignKeyConstraint(
            ["policy_model_version_id"], ["model_versions.id"], name="fk_cycles_policy_model_version_id_model_versions"
        ),
        sa.ForeignKeyConstraint(["ppo_run_id"], ["runs.id"], name="fk_cycles_ppo_run_id_runs"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_cycles_project_id_projects"),
        sa.ForeignKeyConstraint(
            ["reward_model_version_id"], ["model_versions.id"], name="fk_cycles_reward_model_version_id_model_versions"
        ),
        sa.ForeignKeyConstraint(["reward_run_id"], ["runs.id"], name="fk_cycles_reward_run_id_runs"),
        sa.ForeignKeyConstraint(["sample_run_id"], ["runs.id"], name="fk_cycles_sample_run_id_runs"),
        sa.PrimaryKeyConstraint("id", name="pk_cycles"),
    )
    op.create_index("ix_cycles_created_by", "cycles", ["created_by"], unique=False)
    op.create_index("ix_cycles_policy_model_version_id", "cycles", ["policy_model_version_id"], unique=False)
    op.create_index("ix_cycles_ppo_run_id", "cycles", ["ppo_run_id"], unique=False)
    op.create_index("ix_cycles_project_id", "cycles", ["project_id"], unique=False)
    op.create_index("ix_cycles_reward_model_version_id", "cycles", ["reward_model_version_id"], unique=False)
    op.create_index("ix_cycles_reward_run_id", "cycles", ["reward_run_id"], unique=False)
    op.create_index("ix_cycles_sample_run_id", "cycles", ["sample_run_id"], unique=False)
    op.create_index(
        "uq_cycles_one_under_way",
        "cycles",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('running', 'waiting')"),
    )
    op.create_table(
        "loop_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("cycle_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tone", sa.Text(), server_default="neutral", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "numbers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("tone IN ('neutral', 'good', 'bad')", name=op.f("ck_loop_decisions_tone")),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycles.id"], name="fk_loop_decisions_cycle_id_cycles"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_loop_decisions_project_id_projects"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_loop_decisions_run_id_runs"),
        sa.PrimaryKeyConstraint("id", name="pk_loop_decisions"),
    )
    op.create_index("ix_loop_decisions_cycle_id", "loop_decisions", ["cycle_id"], unique=False)
    op.create_index("ix_loop_decisions_project_id_id", "loop_decisions", ["project_id", "id"], unique=False)
    op.create_index("ix_loop_decisions_run_id", "loop_decisions", ["run_id"], unique=False)
    op.create_foreign_key("fk_runs_cycle_id_cycles", "runs", "cycles", ["cycle_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint("fk_runs_cycle_id_cycles", "runs", type_="foreignkey")
    op.drop_table("loop_decisions")
    op.drop_table("cycles")
