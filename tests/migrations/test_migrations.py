"""The migrations make exactly the tables that the code declares, and can be taken back."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from app.db import psycopg_url
from app.migrate import alembic_config
from app.schema import metadata
from tests.conftest import Database

pytestmark = [pytest.mark.commits, pytest.mark.servers]


COMPARED = """
WITH project AS (INSERT INTO projects (name, settings) VALUES ('Tales', '{}') RETURNING id),
versions AS (
  INSERT INTO model_versions (project_id, name, kind, number)
  SELECT id, 'Policy ' || n, 'policy', n FROM project, generate_series(1, 2) n RETURNING id, number
),
its_runs AS (
  INSERT INTO runs (project_id, kind, queue, config, seed)
  SELECT id, 'sample', 'gpu', '{}', n FROM project, generate_series(1, 2) n RETURNING id, seed
),
comparisons AS (
  INSERT INTO blind_comparisons
    (project_id, candidate_id, rival_id, run_id, state, verdict, prompts, error, finished_at)
  SELECT project.id, one.id, other.id, r.id, state, verdict, 20, 0.05, now()
  FROM project
  CROSS JOIN (VALUES (1, 'finished', 'undecided'), (2, 'cancelled', NULL)) AS ended (seed, state, verdict)
  JOIN its_runs r USING (seed)
  JOIN versions one ON one.number = 1
  JOIN versions other ON other.number = 2
  RETURNING id, project_id, run_id, state
)
INSERT INTO loop_decisions (project_id, run_id, text, numbers)
SELECT project_id, run_id, 'Not enough evidence.',
  jsonb_build_object('blind', jsonb_build_object('comparison_id', id, 'most_by_one', 15, 'most_share', 0.5))
FROM comparisons WHERE state = 'finished'
"""


@pytest.fixture
def migrator(empty_database: Database):
    engine = create_engine(psycopg_url(empty_database.migrator_url))
    yield engine
    engine.dispose()


def test_up_down_up_leaves_the_declared_tables(empty_database: Database, migrator) -> None:
    config: Config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    with migrator.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        left = connection.scalars(text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"))
        assert list(left) == []
        assert inspect(connection).get_sequence_names() == []
    command.upgrade(config, "head")
    with migrator.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    assert differences == []


def test_every_step_can_be_taken_back_by_itself(empty_database: Database) -> None:
    config = alembic_config(empty_database.migrator_url)
    for revision in reversed(list(ScriptDirectory.from_config(config).walk_revisions())):
        command.upgrade(config, revision.revision)
        command.downgrade(config, "-1")
        command.upgrade(config, revision.revision)


def test_people_go_on_writing_while_an_index_of_completions_is_built(empty_database: Database, migrator) -> None:
    config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "0010")
    write = text("LOCK TABLE completions IN ROW EXCLUSIVE MODE")
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%INDEX%' AND wait_event_type = 'Lock'")
    with ThreadPoolExecutor(1) as pool, migrator.connect() as early, migrator.connect() as late:
        early.execute(write)
        upgrade = pool.submit(command.upgrade, config, "head")
        until = monotonic() + 10
        with migrator.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
            while not (waiting := watch.scalar(waits)) and monotonic() < until:
                sleep(0.02)
        late.execute(text("SET lock_timeout = '500ms'"))
        late.execute(write)
        late.rollback()
        early.rollback()
        upgrade.result()
    assert waiting


def test_an_index_that_was_broken_off_is_built_again(empty_database: Database, migrator) -> None:
    config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "0010")
    with migrator.begin() as connection:
        connection.execute(text("CREATE INDEX ix_completions_prompt_set_id ON completions (id)"))
    command.upgrade(config, "head")
    definition = text("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_completions_prompt_set_id'")
    with migrator.connect() as connection:
        assert "(prompt_set_id) WHERE" in connection.scalars(definition).one()


def test_an_upgrade_that_was_broken_off_at_its_indexes_goes_on(empty_database: Database, migrator) -> None:
    config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "0014")
    with migrator.begin() as connection:
        connection.execute(text("ALTER TABLE runs ADD COLUMN devices smallint, ADD COLUMN claimed_at timestamptz"))
        connection.execute(text("CREATE INDEX ix_runs_waiting ON runs (id)"))
    command.upgrade(config, "0015")
    with migrator.connect() as connection:
        indexes = {index["name"]: index["column_names"] for index in inspect(connection).get_indexes("runs")}
    assert indexes["ix_runs_waiting"] == ["queue", "project_id", "priority", "run_after", "id"]
    assert "ix_runs_queued" not in indexes


def test_naming_uploads_does_not_read_through_the_completions(empty_database: Database, migrator) -> None:
    config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "0008")
    scans = text("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'completions'")
    with migrator.connect() as connection:
        before = connection.scalar(scans)
    command.upgrade(config, "0009")
    with migrator.connect() as connection:
        assert connection.scalar(scans) == before


def test_texts_outlive_the_way_back(empty_database: Database, migrator) -> None:
    config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "head")
    add = text(
        "INSERT INTO dataset_snapshots (project_id, kind, content_hash)"
        " SELECT id, 'text', :hash FROM projects RETURNING id"
    )
    with migrator.begin() as connection:
        connection.execute(text("INSERT INTO projects (name, settings) VALUES ('Tales', '{}')"))
        tale = connection.scalars(add, {"hash": "a"}).one()
    command.downgrade(config, "0009")
    with migrator.connect() as connection:
        assert list(connection.scalars(text("SELECT id FROM dataset_snapshots WHERE kind = 'text'"))) == [tale]
        with pytest.raises(DBAPIError, match="ck_dataset_snapshots_kind"):
            connection.execute(add, {"hash": "b"})
    command.upgrade(config, "head")
    with migrator.begin() as connection:
        connection.execute(add, {"hash": "b"})


def test_an_ended_comparison_keeps_what_its_decision_told(empty_database: Database, migrator) -> None:
    config = alembic_config(empty_database.migrator_url)
    command.upgrade(config, "0015")
    with migrator.begin() as connection:
        connection.execute(text(COMPARED))
    command.upgrade(config, "0016")
    with migrator.connect() as connection:
        kept = connection.execute(text("SELECT state, most_by_one, most_share FROM blind_comparisons ORDER BY state"))
        assert kept.all() == [("cancelled", 0, 1.0), ("finished", 15, 0.5)]


def test_every_foreign_key_is_indexed(empty_database: Database, migrator) -> None:
    command.upgrade(alembic_config(empty_database.migrator_url), "head")
    unindexed = text(
        """
        SELECT c.conrelid::regclass || '.' || a.attname
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND NOT EXISTS (
          SELECT 1 FROM pg_index i
          WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
        )
        """
    )
    with migrator.connect() as connection:
        assert sorted(connection.scalars(unindexed)) == []


def test_audit_rows_can_be_neither_changed_nor_deleted(committed_database: Database) -> None:
    with committed_database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO audit_events (actor_kind, action, object_type, object_id)"
                " VALUES ('service', 'made', 'thing', '1')"
            )
        )
    for statement in ("UPDATE audit_events SET action = 'unmade'", "DELETE FROM audit_events"):
        with pytest.raises(DBAPIError, match="append-only"), committed_database.engine.begin() as connection:
            connection.execute(text(statement))


def test_the_app_role_may_not_change_the_schema(committed_database: Database) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), committed_database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (id bigint)"))


def test_constraints_carry_the_names_that_the_tables_give_them(committed_database: Database) -> None:
    declared = {constraint.name for table in metadata.tables.values() for constraint in table.constraints}
    checks = text("SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'f', 'p') AND conrelid <> 0")
    with committed_database.engine.connect() as connection:
        made = set(connection.scalars(checks)) - {"alembic_version_pkc"}
    public = {name for name in made if name.startswith(("ck_", "uq_", "fk_", "pk_"))}
    assert public == declared
