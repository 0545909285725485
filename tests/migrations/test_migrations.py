"""The migrations make exactly the tables that the code declares, and can be taken back."""

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
