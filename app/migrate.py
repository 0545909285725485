"""Bring a database's schema to the newest migration."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import migrations

MIGRATIONS = Path(next(iter(migrations.__path__)))


def alembic_config(url: str) -> Config:
    """Alembic's configuration for the database at `url`, whatever the working folder is."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Apply the migrations up to `revision` to the database at `url`, with a role that may change the schema."""
    command.upgrade(alembic_config(url), revision)
