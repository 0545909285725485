"""Which servers a data folder's service talks to: the configured ones, else embedded ones of its own."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from app.config import Settings
from app.embedded import children, postgres, valkey
from app.embedded.children import ChildSpec
from app.embedded.passwords import load_passwords
from app.embedded.postgres import APP, MIGRATOR, Address

CONNECT_SECONDS = 30.0


class DatabaseUnreachableError(RuntimeError):
    """The configured PostgreSQL did not answer in time."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Addresses of the servers, and the children that serve them where they are embedded."""

    database_url: str
    migrator_database_url: str
    redis_url: str = ""
    children: tuple[ChildSpec, ...] = ()
    embedded_postgres: Address | None = None

    def environment(self, data_dir: Path) -> dict[str, str]:
        """The settings that tell a process of the service where the servers are."""
        return {
            "PLACKETT_DATA_DIR": str(data_dir),
            "PLACKETT_DATABASE_URL": self.database_url,
            "PLACKETT_MIGRATOR_DATABASE_URL": self.migrator_database_url,
            "PLACKETT_REDIS_URL": self.redis_url,
        }


def plan_database(settings: Settings) -> Stack:
    """Decide where the database is, for a command that needs nothing else; nothing is started or initialised yet."""
    if settings.database_url:
        app_url = settings.database_url.get_secret_value()
        migrator = settings.migrator_database_url
        return Stack(database_url=app_url, migrator_database_url=migrator.get_secret_value() if migrator else app_url)
    address, spec = _plan_postgres(settings.data_dir.resolve())
    return Stack(
        database_url=address.url(APP),
        migrator_database_url=address.url(MIGRATOR),
        children=(spec,),
        embedded_postgres=address,
    )


def plan_stack(settings: Settings) -> Stack:
    """Decide where database and Redis are; nothing is started or initialised yet."""
    stack = plan_database(settings)
    if settings.redis_url:
        return replace(stack, redis_url=settings.redis_url.get_secret_value())
    redis_url, spec = _plan_valkey(settings.data_dir.resolve())
    return replace(stack, redis_url=redis_url, children=(*stack.children, spec))


def _plan_postgres(data_dir: Path) -> tuple[Address, ChildSpec]:
    passwords = load_passwords(data_dir)
    address = Address(port=children.free_port(), passwords=passwords)
    data = postgres.data_folder(data_dir)
    return address, postgres.postgres_spec(data, port=address.port, password=passwords.superuser)


def _plan_valkey(data_dir: Path) -> tuple[str, ChildSpec]:
    password, port = load_passwords(data_dir).valkey, children.free_port()
    return valkey.valkey_url(port, password), valkey.valkey_spec(data_dir / "valkey", port=port, password=password)


def open_database(stack: Stack) -> None:
    """Make roles and database of an embedded server; wait for a configured one to answer."""
    if stack.embedded_postgres:
        postgres.ensure_roles(stack.embedded_postgres)
        postgres.ensure_database(stack.embedded_postgres)
        return
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            psycopg.connect(stack.migrator_database_url, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise DatabaseUnreachableError(
                    f"PostgreSQL did not answer for {CONNECT_SECONDS:.0f} s: {error}"
                ) from error
            time.sleep(0.5)
        else:
            return
