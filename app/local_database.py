"""This folder's database for a command: the configured one, the running service's, or one started just for that."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from app import instance
from app.config import Settings
from app.embedded import children
from app.embedded.postgres import Address
from app.embedded.stack import open_database, plan_database


@dataclass(frozen=True, kw_only=True)
class LocalDatabase:
    """Addresses of the database; `embedded` while this command is the only one who serves it, `url` of a live page."""

    database_url: str
    migrator_database_url: str
    embedded: Address | None = None
    url: str | None = None


@contextmanager
def local_database(settings: Settings) -> Generator[LocalDatabase, None, None]:
    """The database of the service in `settings.data_dir`, answering until the block ends."""
    data_dir = settings.data_dir.resolve()
    running = instance.running(data_dir)
    if running:
        yield LocalDatabase(
            database_url=running.database_url, migrator_database_url=running.migrator_database_url, url=running.url
        )
        return
    with exclusive_database(settings) as database:
        yield database


@contextmanager
def exclusive_database(settings: Settings) -> Generator[LocalDatabase, None, None]:
    """The same for a command that nobody else may disturb; raises `AlreadyRunningError` while the service runs."""
    data_dir = settings.data_dir.resolve()
    with instance.lock(data_dir):
        instance.end_leftovers(data_dir)
        stack = plan_database(settings)
        log = data_dir / "logs" / "postgres.log"
        started = []
        try:
            for spec in stack.children:
                process = children.start(spec, log)
                started.append((spec, process))
                children.wait_ready(spec, process, log)
            open_database(stack)
            yield LocalDatabase(
                database_url=stack.database_url,
                migrator_database_url=stack.migrator_database_url,
                embedded=stack.embedded_postgres,
            )
        finally:
            for spec, process in started:
                children.stop(spec, process)
