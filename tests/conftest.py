"""Fixtures everybody shares: real servers, rolled-back sessions, databases of one's own, an HTTP client."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import Session

# What comes into being while thousands of modules are read stays: looking through it again and again takes seconds.
gc.disable()

# The suite has its own servers and settings: whatever the shell or CI has set for a real service must not leak in.
KEPT = {"PLACKETT_REQUIRE_BROWSER"}
for variable in [name for name in os.environ if name.upper().startswith("PLACKETT_") and name not in KEPT]:
    del os.environ[variable]

from app import db, dependencies, jobs, migrate  # noqa: E402
from app.auth import trips  # noqa: E402
from app.config import Settings, get_settings  # noqa: E402
from app.embedded import postgres  # noqa: E402
from app.embedded.postgres import APP, MIGRATOR  # noqa: E402
from app.main import create_app  # noqa: E402
from benchmarks.chromium import NoBrowserError, chromium  # noqa: E402
from tests.servers import Servers, temporary_servers  # noqa: E402

TEMPLATE, SHARED = "plackett_template", "plackett_shared"
numbers = count(1)
applications: dict[str, FastAPI] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the servers, so that `make test-unit` can leave them out."""
    for item in items:
        if "servers" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.servers)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Look for garbage from now on, but not among what was there before the first test."""
    gc.freeze()
    gc.enable()


@dataclass(frozen=True)
class Database:
    """A database of a test's own: the app role's URL and the app's engine on it, and the migrator's URL."""

    url: str
    migrator_url: str
    engine: Engine


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium for all tests; without one they are skipped, or fail where one is required."""
    try:
        with chromium() as launched:
            yield launched
    except NoBrowserError as error:
        if os.environ.get("PLACKETT_REQUIRE_BROWSER"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Postgres and Valkey, started at the first test that needs them."""
    with temporary_servers() as started:
        yield started


@pytest.fixture(scope="session")
def template_database(servers: Servers) -> str:
    """Name of the migrated database that others are copied from."""
    postgres.ensure_database(servers.postgres, TEMPLATE)
    migrate.upgrade(servers.postgres.url(MIGRATOR, TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def shared_engine(servers: Servers, template_database: str) -> Iterator[Engine]:
    """An engine on the database that the rolled-back tests share; it stays empty."""
    postgres.ensure_database(servers.postgres, SHARED, template_database)
    engine = create_engine(db.psycopg_url(servers.postgres.url(APP, SHARED)), pool_size=2)
    yield engine
    engine.dispose()


def forget_caches() -> None:
    """Make the app read its settings, and make its engine and its Celery client, anew."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    for cached in (get_settings, db.engine, jobs.producer):
        cached.cache_clear()


@pytest.fixture
def use_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """A function that sets settings by name (`use_settings(run_lease_seconds=1)`) and returns them all."""
    monkeypatch.setenv("PLACKETT_DATA_DIR", str(tmp_path / "data"))

    def use(**values: object) -> Settings:
        for name, value in values.items():
            monkeypatch.setenv(f"PLACKETT_{name.upper()}", str(value))
        forget_caches()
        return get_settings()

    yield use
    monkeypatch.undo()
    forget_caches()


@pytest.fixture
def valkey_url(servers: Servers) -> str:
    """URL of an empty Valkey."""
    with redis.Redis.from_url(servers.valkey_url) as client:
        client.flushall()
    return servers.valkey_url


@pytest.fixture
def settings(
    use_settings: Callable[..., Settings], servers: Servers, shared_engine: Engine, valkey_url: str
) -> Settings:
    """The app's settings, pointed at the shared database, the empty Valkey and a data folder of the test's own."""
    return use_settings(database_url=servers.postgres.url(APP, SHARED), redis_url=valkey_url)


@pytest.fixture
def session(settings: Settings, shared_engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints; all of it is rolled back after the test."""
    with shared_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as inside:
            yield inside
        outer.rollback()


def application(settings: Settings) -> FastAPI:
    """The web application for these settings; making one takes longer than most tests, so equal ones share it."""
    here = {"data_dir", "database_url", "migrator_database_url", "redis_url"}
    known = settings.model_dump_json(exclude=here)
    if known not in applications:
        applications[known] = create_app()
    return applications[known]


@pytest.fixture
def client(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TestClient]]:
    """A factory of browsers: `client()` is a new one with its own cookies; all share the test's session."""
    app = application(get_settings())
    app.dependency_overrides[dependencies.request_session] = lambda: session
    monkeypatch.setattr(trips, "new_session", lambda: nullcontext(session))
    monkeypatch.setattr(trips, "finish", Session.flush)
    opened: list[TestClient] = []

    def open_client(**options: object) -> TestClient:
        browser = TestClient(app, **{"base_url": "http://localhost", **options})
        opened.append(browser)
        return browser

    yield open_client
    for browser in opened:
        browser.close()
    app.dependency_overrides.clear()


@pytest.fixture
def empty_database(servers: Servers) -> Iterator[Database]:
    """A database without tables, for tests of the migrations."""
    yield from _own_database(servers, "template0")


@pytest.fixture
def committed_database(
    servers: Servers, template_database: str, use_settings: Callable[..., Settings], valkey_url: str
) -> Iterator[Database]:
    """A migrated database of the test's own, which the app's `engine()`, settings and children's environment use."""
    for database in _own_database(servers, template_database):
        use_settings(database_url=database.url, migrator_database_url=database.migrator_url, redis_url=valkey_url)
        yield database
        forget_caches()


def _own_database(servers: Servers, template: str) -> Iterator[Database]:
    name = f"plackett_{next(numbers)}"
    postgres.ensure_database(servers.postgres, name, template)
    url = servers.postgres.url(APP, name)
    engine = create_engine(db.psycopg_url(url), poolclass=NullPool)
    yield Database(url, servers.postgres.url(MIGRATOR, name), engine)
    engine.dispose()
    postgres.drop_database(servers.postgres, name)
