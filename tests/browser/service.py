"""The web service alone for tests in a browser: the real app as a child on loopback, with no model and no worker."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine, NullPool, create_engine

from app import db
from app.embedded import children, postgres
from app.embedded.children import ChildSpec
from app.embedded.postgres import APP
from tests.servers import Servers, running

ROOT = Path(__file__).parent.parent.parent
DATABASE = "plackett_browser"


@dataclass(frozen=True)
class WebService:
    """Where the service answers, its database, and the folder of its artifacts."""

    url: str
    engine: Engine
    artifacts: Path


@contextmanager
def web_service(servers: Servers, template: str) -> Iterator[WebService]:
    """The app under uvicorn against a fresh copy of the template database, until the block ends."""
    postgres.ensure_database(servers.postgres, DATABASE, template)
    address = servers.postgres.url(APP, DATABASE)
    engine = create_engine(db.psycopg_url(address), poolclass=NullPool)
    port = children.free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="plackett-browser-") as folder:
        settings = {"DATABASE_URL": address, "REDIS_URL": servers.valkey_url, "DATA_DIR": folder}
        try:
            with running(app_spec(port, settings), Path(folder) / "api.log"):
                yield WebService(url, engine, Path(folder) / "artifacts")
        finally:
            engine.dispose()
            postgres.drop_database(servers.postgres, DATABASE)


def app_spec(port: int, settings: dict[str, str]) -> ChildSpec:
    """The child: uvicorn with these settings; it ends with the tests, however they end."""
    how = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    return ChildSpec(
        name="api",
        command=[sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", *how],
        environment=os.environ | {f"PLACKETT_{name}": value for name, value in settings.items()},
        folder=ROOT,
        stop_seconds=1,
        ready=lambda: _answers(f"http://127.0.0.1:{port}/api/health"),
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False
