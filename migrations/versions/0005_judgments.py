"""Make tasks, assignments, rankings and comparisons."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("task_slot_queue_seq")))
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("prompt_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("overlap", sa.SmallInteger(), nullable=False),
        sa.Column("priority_class", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'retired')", name=op.f("ck_tasks_state")),
        sa.CheckConstraint("overlap BETWEEN 1 AND 50", name=op.f("ck_tasks_overlap")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_tasks_project_id_projects"),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_tasks_prompt_id_prompts"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("run_id", "prompt_id", name="uq_tasks_run_id_prompt_id"),
    )
    op.create_index("ix_tasks_project_id_state_id", "tasks", ["project_id", "state", "id"], unique=False)
    op.create_index("ix_tasks_prompt_id", "tasks", ["prompt_id"], unique=False)
    op.create_table(
        "task_completions",
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("completion_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["completion_id"], ["completions.id"], name="fk_task_completions_completion_id_completions"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_task_completions_task_id_tasks"),
        sa.PrimaryKeyConstraint("task_id", "position", name="pk_task_completions"),
        sa.UniqueConstraint("task_id", "completion_id", name="uq_task_completions_task_id_completion_id"),
    )
    op.create_index("ix_task_completions_completion_id", "task_completions", ["completion_id"], unique=False)
    op.create_table(
        "assignments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("annotator_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="leased", nullable=False),
        sa.Column("shown_order", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("draft_sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("skip_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state <> 'leased' OR leased_until IS NOT NULL", name=op.f("ck_assignments_lease")),
        sa.CheckConstraint("state IN ('leased', 'submitted', 'skipped', 'expired')", name=op.f("ck_assignments_state")),
        sa.ForeignKeyConstraint(["annotator_id"], ["users.id"], name="fk_assignments_annotator_id_users"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_assignments_project_id_projects"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_assignments_task_id_tasks"),
        sa.PrimaryKeyConstraint("id", name="pk_assignments"),
        sa.UniqueConstraint("task_id", "annotator_id", name="uq_assignments_task_id_annotator_id"),
    )
    op.create_index(
        "ix_assignments_annotator_project_state", "assignments", ["annotator_id", "project_id", "state"], unique=False
    )
    op.create_index(
        "ix_assignments_leased_until",
        "assignments",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index("ix_assignments_project_id", "assignments", ["project_id"], unique=False)
    op.create_table(
        "task_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("priority_class", sa.SmallInteger(), nullable=False),
        sa.Column(
            "queue_seq", sa.BigInteger(), server_default=sa.text("nextval('task_slot_queue_seq')"), nullable=False
        ),
        sa.Column("assignment_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('leased', 'filled')) = (assignment_id IS NOT NULL)", name=op.f("ck_task_slots_taken_by")
        ),
        sa.CheckConstraint("state IN ('open', 'leased', 'filled', 'closed')", name=op.f("ck_task_slots_state")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_task_slots_project_id_projects"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_task_slots_task_id_tasks"),
        sa.PrimaryKeyConstraint("id", name="pk_task_slots"),
    )
    op.create_index(
        "ix_task_slots_open",
        "task_slots",
        ["project_id", "priority_class", "queue_seq"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_task_slots_task_id", "task_slots", ["task_id"], unique=False)
    op.create_index(
        "uq_task_slots_assignment_id",
        "task_slots",
        ["assignment_id"],
        unique=True,
        postgresql_where=sa.text("assignment_id IS NOT NULL"),
    )
    op.create_table(
        "annotator_cursors",
        sa.Column("annotator_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_class", sa.SmallInteger(), nullable=False),
        sa.Column("after_queue_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["users.id"], name="fk_annotator_cursors_annotator_id_users"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_annotator_cursors_project_id_projects"),
        sa.PrimaryKeyConstraint("annotator_id", "project_id", "priority_class", name="pk_annotator_cursors"),
    )
    op.create_index("ix_annotator_cursors_project_id", "annotator_cursors", ["project_id"], unique=False)
    op.create_table(
        "rankings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("assignment_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("annotator_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("superseded_by_id", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=True),
        sa.Column("shown_order", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("touched", sa.Boolean(), nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.Column("active_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "presentation",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_rankings_revision")),
        sa.ForeignKeyConstraint(["annotator_id"], ["users.id"], name="fk_rankings_annotator_id_users"),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name="fk_rankings_assignment_id_assignments"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_rankings_project_id_projects"),
        sa.ForeignKeyConstraint(["superseded_by_id"], ["rankings.id"], name="fk_rankings_superseded_by_id_rankings"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_rankings_task_id_tasks"),
        sa.PrimaryKeyConstraint("id", name="pk_rankings"),
        sa.UniqueConstraint("assignment_id", "revision", name="uq_rankings_assignment_id_revision"),
    )
    op.create_index(
        "ix_rankings_annotator_project_created", "rankings", ["annotator_id", "project_id", "created_at"], unique=False
    )
    op.create_index("ix_rankings_project_id_id", "rankings", ["project_id", "id"], unique=False)
    op.create_index("ix_rankings_superseded_by_id", "rankings", ["superseded_by_id"], unique=False)
    op.create_index(
        "uq_rankings_current",
        "rankings",
        ["task_id", "annotator_id"],
        unique=True,
        postgresql_where=sa.text("superseded_by_id IS NULL"),
    )
    op.create_table(
        "ranking_items",
        sa.Column("ranking_id", sa.BigInteger(), nullable=False),
        sa.Column("completion_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("rank BETWEEN 1 AND 9", name=op.f("ck_ranking_items_rank")),
        sa.CheckConstraint("rating BETWEEN 1 AND 7", name=op.f("ck_ranking_items_rating")),
        sa.ForeignKeyConstraint(
            ["completion_id"], ["completions.id"], name="fk_ranking_items_completion_id_completions"
        ),
        sa.ForeignKeyConstraint(["ranking_id"], ["rankings.id"], name="fk_ranking_items_ranking_id_rankings"),
        sa.PrimaryKeyConstraint("ranking_id", "completion_id", name="pk_ranking_items"),
    )
    op.create_index("ix_ranking_items_completion_id", "ranking_items", ["completion_id"], unique=False)
    op.create_table(
        "comparisons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("ranking_id", sa.BigInteger(), nullable=False),
        sa.Column("preferred_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("tie", sa.Boolean(), nullable=False),
        sa.Column("strength", sa.SmallInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("NOT tie OR preferred_id < other_id", name=op.f("ck_comparisons_tie_order")),
        sa.CheckConstraint("preferred_id <> other_id", name=op.f("ck_comparisons_two_completions")),
        sa.CheckConstraint("strength BETWEEN 1 AND 4", name=op.f("ck_comparisons_strength")),
        sa.ForeignKeyConstraint(["other_id"], ["completions.id"], name="fk_comparisons_other_id_completions"),
        sa.ForeignKeyConstraint(["preferred_id"], ["completions.id"], name="fk_comparisons_preferred_id_completions"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_comparisons_project_id_projects"),
        sa.ForeignKeyConstraint(["ranking_id"], ["rankings.id"], name="fk_comparisons_ranking_id_rankings"),
        sa.PrimaryKeyConstraint("id", name="pk_comparisons"),
        sa.UniqueConstraint(
            "ranking_id", "preferred_id", "other_id", name="uq_comparisons_ranking_id_preferred_id_other_id"
        ),
    )
    op.create_index("ix_comparisons_other_id", "comparisons", ["other_id"], unique=False)
    op.create_index("ix_comparisons_preferred_id", "comparisons", ["preferred_id"], unique=False)
    op.create_index("ix_comparisons_project_id_id", "comparisons", ["project_id", "id"], unique=False)
    op.create_table(
        "snapshot_rankings",
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("ranking_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ranking_id"], ["rankings.id"], name="fk_snapshot_rankings_ranking_id_rankings"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["dataset_snapshots.id"], name="fk_snapshot_rankings_snapshot_id_dataset_snapshots"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "ranking_id", name="pk_snapshot_rankings"),
    )
    op.create_index("ix_snapshot_rankings_ranking_id", "snapshot_rankings", ["ranking_id"], unique=False)
    op.create_table(
        "snapshot_prompts",
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("prompt_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompts.id"], name="fk_snapshot_prompts_prompt_id_prompts"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["dataset_snapshots.id"], name="fk_snapshot_prompts_snapshot_id_dataset_snapshots"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "prompt_id", name="pk_snapshot_prompts"),
    )
    op.create_index("ix_snapshot_prompts_prompt_id", "snapshot_prompts", ["prompt_id"], unique=False)
    op.create_foreign_key("fk_tasks_run_id_runs", "tasks", "runs", ["run_id"], ["id"])
    op.create_foreign_key(
        "fk_task_slots_assignment_id_assignments", "task_slots", "assignments", ["assignment_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_table("snapshot_prompts")
    op.drop_table("snapshot_rankings")
    op.drop_table("comparisons")
    op.drop_table("ranking_items")
    op.drop_table("rankings")
    op.drop_table("annotator_cursors")
    op.drop_table("task_slots")
    op.drop_table("assignments")
    op.drop_table("task_completions")
    op.drop_table("tasks")
    op.execute(sa.schema.DropSequence(sa.Sequence("task_slot_queue_seq")))
