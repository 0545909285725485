"""Let a dataset be a raw text."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ck_dataset_snapshots_kind"
BEFORE = "kind IN ('judgments', 'prompts', 'demonstrations')"
AFTER = "kind IN ('judgments', 'prompts', 'demonstrations', 'text')"


def upgrade() -> None:
    op.drop_constraint(op.f(NAME), "dataset_snapshots", type_="check")
    op.create_check_constraint(op.f(NAME), "dataset_snapshots", AFTER)


def downgrade() -> None:
    op.drop_constraint(op.f(NAME), "dataset_snapshots", type_="check")
    # Texts that are there stay: runs were trained on them.
    op.create_check_constraint(op.f(NAME), "dataset_snapshots", BEFORE, postgresql_not_valid=True)
