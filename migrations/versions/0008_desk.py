"""Make guideline versions, reports, known answers and reserved slots; let a judgment say more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What a project's settings said so far becomes the first version, and back.
GUIDELINES_OUT = """
    WITH moved AS (
      INSERT INTO guideline_versions (project_id, number, text, created_by)
      SELECT id, 1, settings->>'guidelines', created_by FROM projects WHERE coalesce(settings->>'guidelines', '') <> ''
      RETURNING project_id)
    UPDATE projects SET settings = settings - 'guidelines' WHERE settings ? 'guidelines'
"""
GUIDELINES_BACK = """
    UPDATE projects SET settings = settings || jsonb_build_object('guidelines', g.text)
    FROM (SELECT DISTINCT ON (project_id) project_id, text FROM guideline_versions
          ORDER BY project_id, number DESC) g
    WHERE g.project_id = projects.id
"""
COUNT_DAYS = """
    INSERT INTO annotator_days (annotator_id, project_id, day, judged)
    SELECT annotator_id, project_id, (created_at AT TIME ZONE 'UTC')::date, count(*) FROM rankings
    WHERE revision = 1 GROUP BY 1, 2, 3
"""
# Every claim and submit leaves dead rows at the head of these: a fifth of a large table is too late to sweep them up.
QUEUES = ("task_slots", "assignments")


def now() -> sa.Column:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def key(name: str, refers_to: str, *, table: str, nullable: bool = False) -> list[sa.schema.SchemaItem]:
    foreign = sa.ForeignKeyConstraint([name], [f"{refers_to}.id"], name=f"fk_{table}_{name}_{refers_to}")
    return [sa.Column(name, sa.BigInteger(), nullable=nullable), foreign]


def upgrade() -> None:
    make_guidelines()
    make_reports()
    extend_tasks()
    extend_judgments()
    make_snapshot_completions()
    count_days()
    op.add_column("memberships", sa.Column("guideline_seen", sa.BigInteger(), nullable=True))
    op.add_column("memberships", sa.Column("practice_passed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "memberships", sa.Column("practice_attempt", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column(
        "completions", sa.Column("names_model", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def make_guidelines() -> None:
    op.create_table(
        "guideline_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        *key("project_id", "projects", table="guideline_versions"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *key("created_by", "users", table="guideline_versions", nullable=True),
        now(),
        sa.PrimaryKeyConstraint("id", name="pk_guideline_versions"),
        sa.UniqueConstraint("project_id", "number", name="uq_guideline_versions_project_id_number"),
    )
    op.create_index("ix_guideline_versions_created_by", "guideline_versions", ["created_by"])
    op.execute(GUIDELINES_OUT)


def make_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        *key("project_id", "projects", table="reports"),
        *key("prompt_id", "prompts", table="reports"),
        *key("assignment_id", "assignments", table="reports", nullable=True),
        *key("reporter_id", "users", table="reports"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        now(),
        sa.Column("outcome", sa.Text(), nullable=True),
        *key("resolved_by", "users", table="reports", nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reason IN ('unclear', 'personal_data', 'harmful', 'other')", name=op.f("ck_reports_reason")
        ),
        sa.CheckConstraint("outcome IN ('dismissed', 'prompt_retired')", name=op.f("ck_reports_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (resolved_at IS NULL)", name=op.f("ck_reports_resolved")),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.UniqueConstraint("prompt_id", "reporter_id", name="uq_reports_prompt_id_reporter_id"),
    )
    op.create_index("ix_reports_project_id_id", "reports", ["project_id", "id"])
    for column in ("assignment_id", "reporter_id", "resolved_by"):
        op.create_index(f"ix_reports_{column}", "reports", [column])


def extend_tasks() -> None:
    op.add_column("tasks", sa.Column("kind", sa.Text(), server_default="ranking", nullable=False))
    op.add_column("tasks", sa.Column("purpose", sa.Text(), server_default="collect", nullable=False))
    op.create_check_constraint(op.f("ck_tasks_kind"), "tasks", "kind IN ('ranking', 'writing')")
    op.create_check_constraint(op.f("ck_tasks_purpose"), "tasks", "purpose IN ('collect', 'gold', 'practice')")
    op.create_index(
        "ix_tasks_known_answer",
        "tasks",
        ["project_id", "purpose", "id"],
        postgresql_where=sa.text("purpose <> 'collect'"),
    )
    op.create_table(
        "known_answers",
        *key("task_id", "tasks", table="known_answers"),
        sa.Column("tiers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("explanation", sa.Text(), server_default="", nullable=False),
        *key("created_by", "users", table="known_answers", nullable=True),
        now(),
        sa.PrimaryKeyConstraint("task_id", name="pk_known_answers"),
    )
    op.create_index("ix_known_answers_created_by", "known_answers", ["created_by"])
    op.add_column("task_slots", sa.Column("reserved_for_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key("fk_task_slots_reserved_for_id_users", "task_slots", "users", ["reserved_for_id"], ["id"])
    op.create_index(
        "ix_task_slots_reserved",
        "task_slots",
        ["reserved_for_id", "project_id", "queue_seq"],
        postgresql_where=sa.text("reserved_for_id IS NOT NULL AND state IN ('open', 'leased')"),
    )
    make_queue_index("state = 'open' AND reserved_for_id IS NULL")


def make_queue_index(which: str) -> None:
    op.drop_index("ix_task_slots_open", "task_slots")
    op.create_index(
        "ix_task_slots_open",
        "task_slots",
        ["project_id", "priority_class", "queue_seq"],
        postgresql_where=sa.text(which),
    )


def count_days() -> None:
    op.create_table(
        "annotator_days",
        *key("annotator_id", "users", table="annotator_days"),
        *key("project_id", "projects", table="annotator_days"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("judged", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("written", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("annotator_id", "project_id", "day", name="pk_annotator_days"),
    )
    op.create_index("ix_annotator_days_project_id", "annotator_days", ["project_id"])
    op.execute(COUNT_DAYS)
    for table in QUEUES:
        op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.01)")


def extend_judgments() -> None:
    op.add_column("rankings", sa.Column("strength", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_rankings_strength"), "rankings", "strength BETWEEN 1 AND 4")
    op.add_column(
        "rankings", sa.Column("none_acceptable", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "rankings",
        sa.Column("prompt_flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("rankings", sa.Column("guideline_version_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_rankings_guideline_version_id_guideline_versions",
        "rankings",
        "guideline_versions",
        ["guideline_version_id"],
        ["id"],
    )
    op.create_index("ix_rankings_guideline_version_id", "rankings", ["guideline_version_id"])
    op.add_column(
        "ranking_items",
        sa.Column(
            "aspects", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )


def make_snapshot_completions() -> None:
    op.create_table(
        "snapshot_completions",
        *key("snapshot_id", "dataset_snapshots", table="snapshot_completions"),
        *key("completion_id", "completions", table="snapshot_completions"),
        sa.PrimaryKeyConstraint("snapshot_id", "completion_id", name="pk_snapshot_completions"),
    )
    op.create_index("ix_snapshot_completions_completion_id", "snapshot_completions", ["completion_id"])


def downgrade() -> None:
    op.drop_table("snapshot_completions")
    for table in QUEUES:
        op.execute(f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor)")
    op.drop_table("annotator_days")
    op.drop_column("ranking_items", "aspects")
    for column in ("guideline_version_id", "prompt_flags", "none_acceptable", "strength"):
        op.drop_column("rankings", column)
    op.drop_column("task_slots", "reserved_for_id")
    op.create_index(
        "ix_task_slots_open",
        "task_slots",
        ["project_id", "priority_class", "queue_seq"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("known_answers")
    op.drop_index("ix_tasks_known_answer", "tasks")
    for column in ("purpose", "kind"):
        op.drop_column("tasks", column)
    op.drop_table("reports")
    op.execute(GUIDELINES_BACK)
    op.drop_table("guideline_versions")
    op.drop_column("completions", "names_model")
    for column in ("practice_attempt", "practice_passed_at", "guideline_seen"):
        op.drop_column("memberships", column)
