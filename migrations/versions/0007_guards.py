"""Make the database itself refuse what must never happen to audit rows and runs."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Which state may follow which; `app/runs/lifecycle.py` holds the same table and a test compares the two.
MOVES = """
    ('queued', 'claimed'), ('queued', 'paused'), ('queued', 'cancelled'), ('queued', 'failed'),
    ('claimed', 'running'), ('claimed', 'queued'), ('claimed', 'pausing'), ('claimed', 'cancelling'),
    ('claimed', 'cancelled'), ('claimed', 'failed'),
    ('running', 'succeeded'), ('running', 'failed'), ('running', 'queued'), ('running', 'pausing'),
    ('running', 'cancelling'), ('running', 'cancelled'),
    ('pausing', 'paused'), ('pausing', 'queued'), ('pausing', 'cancelling'), ('pausing', 'succeeded'),
    ('pausing', 'failed'), ('pausing', 'cancelled'),
    ('cancelling', 'cancelled'), ('cancelling', 'succeeded'), ('cancelling', 'failed'),
    ('paused', 'queued'), ('paused', 'cancelled'), ('cancelled', 'queued')
"""

GUARD = f"""
CREATE FUNCTION guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.fence < OLD.fence THEN
    RAISE EXCEPTION 'the fence of run % went backwards', OLD.id USING ERRCODE = 'P0R02';
  END IF;
  IF (NEW.id, NEW.kind, NEW.project_id) IS DISTINCT FROM (OLD.id, OLD.kind, OLD.project_id) THEN
    RAISE EXCEPTION 'run % changed what it is', OLD.id USING ERRCODE = 'P0R03';
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN ({MOVES}) THEN
    RAISE EXCEPTION 'run % may not go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'P0R01';
  END IF;
  RETURN NEW;
END $$
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'P0A01';
END $$
"""


def upgrade() -> None:
    op.execute(GUARD)
    op.execute("CREATE TRIGGER guard_run BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION guard_run()")
    op.execute(APPEND_ONLY)
    for table in ("audit_events", "run_events"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("audit_events", "run_events"):
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP TRIGGER guard_run ON runs")
    op.execute("DROP FUNCTION guard_run()")
