"""Run migrations with the migrator's role; only an online connection is supported, so what runs is what was tested."""

from alembic import context
from sqlalchemy import create_engine

from app.config import get_settings
from app.db import psycopg_url
from app.schema import metadata


def migrator_url() -> str:
    """The address from the caller (`config.attributes`), else from the settings."""
    given = context.config.attributes.get("url")
    if given:
        return str(given)
    settings = get_settings()
    secret = settings.migrator_database_url or settings.database_url
    if secret is None:
        raise SystemExit("set PLACKETT_DATABASE_URL, or use `plackett up`, which starts an embedded server")
    return secret.get_secret_value()


def run() -> None:
    """Upgrade or downgrade, giving up after 5 s on a lock instead of queueing the whole service.

    In one transaction, but where a migration ends it to build an index beside people's work.
    """
    engine = create_engine(psycopg_url(migrator_url()), connect_args={"options": "-c lock_timeout=5s -c timezone=UTC"})
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
