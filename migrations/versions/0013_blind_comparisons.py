"""Let people compare two model versions without knowing of it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PURPOSE = "ck_tasks_purpose"
BEFORE = "purpose IN ('collect', 'gold', 'practice')"
AFTER = "purpose IN ('collect', 'gold', 'practice', 'blind')"
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "blind_comparisons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=False),
        sa.Column("rival_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("cycle_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("prompts", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Double(), nullable=False),
        sa.Column("wins", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("losses", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ties", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("identical", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'finished', 'cancelled')", name=op.f("ck_blind_comparisons_state")),
        sa.CheckConstraint("verdict IN ('better', 'worse', 'undecided')", name=op.f("ck_blind_comparisons_verdict")),
        sa.CheckConstraint(
            "(state = 'finished') = (verdict IS NOT NULL)", name=op.f("ck_blind_comparisons_verdict_iff_finished")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (finished_at IS NULL)", name=op.f("ck_blind_comparisons_finished_iff_ended")
        ),
        sa.CheckConstraint("candidate_id <> rival_id", name=op.f("ck_blind_comparisons_two_versions")),
        sa.CheckConstraint("error > 0 AND error < 1", name=op.f("ck_blind_comparisons_error")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_blind_comparisons_project_id_projects"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["model_versions.id"], name="fk_blind_comparisons_candidate_id_model_versions"
        ),
        sa.ForeignKeyConstraint(
            ["rival_id"], ["model_versions.id"], name="fk_blind_comparisons_rival_id_model_versions"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_blind_comparisons_run_id_runs"),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycles.id"], name="fk_blind_comparisons_cycle_id_cycles"),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_blind_comparisons_created_by_users"),
        sa.PrimaryKeyConstraint("id", name="pk_blind_comparisons"),
        sa.UniqueConstraint("run_id", name="uq_blind_comparisons_run_id"),
        sa.UniqueConstraint("cycle_id", name="uq_blind_comparisons_cycle_id"),
    )
    for column in ("candidate_id", "rival_id", "created_by"):
        op.create_index(f"ix_blind_comparisons_{column}", "blind_comparisons", [column])
    op.create_index("ix_blind_comparisons_project_id_id", "blind_comparisons", ["project_id", "id"])
    op.create_index("ix_blind_comparisons_open", "blind_comparisons", ["id"], postgresql_where=OPEN)
    op.create_index(
        "uq_blind_comparisons_open_pair",
        "blind_comparisons",
        [sa.text("least(candidate_id, rival_id)"), sa.text("greatest(candidate_id, rival_id)")],
        unique=True,
        postgresql_where=OPEN,
    )
    # Every row fits the wider rule, so it is not read through while the table is locked.
    op.drop_constraint(op.f(PURPOSE), "tasks", type_="check")
    op.create_check_constraint(op.f(PURPOSE), "tasks", AFTER, postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE tasks VALIDATE CONSTRAINT {PURPOSE}")


def downgrade() -> None:
    op.drop_constraint(op.f(PURPOSE), "tasks", type_="check")
    # Blind tasks that are there stay: people judged them.
    op.create_check_constraint(op.f(PURPOSE), "tasks", BEFORE, postgresql_not_valid=True)
    op.drop_table("blind_comparisons")
