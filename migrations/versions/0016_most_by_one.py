"""Keep with a blind comparison that has ended how many of its votes were one person's."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COMPARISONS = "blind_comparisons"
# As its decision told it. Those that were stopped have none, nor a verdict that could rest on one person, and those
# that ended before this was told of were decided without it.
TOLD = sa.text(
    """
    UPDATE blind_comparisons c
    SET most_by_one = coalesce((d.numbers->'blind'->>'most_by_one')::bigint, 0),
        most_share = coalesce((d.numbers->'blind'->>'most_share')::double precision, 1)
    FROM loop_decisions d
    WHERE c.state = 'finished' AND d.run_id = c.run_id AND (d.numbers->'blind'->>'comparison_id')::bigint = c.id
    """
)


def upgrade() -> None:
    op.add_column(COMPARISONS, sa.Column("most_by_one", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column(COMPARISONS, sa.Column("most_share", sa.Double(), server_default=sa.text("1"), nullable=False))
    op.execute(TOLD)


def downgrade() -> None:
    op.drop_column(COMPARISONS, "most_share")
    op.drop_column(COMPARISONS, "most_by_one")
