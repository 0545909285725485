"""Whether the service is ready: the database answers, its schema is this code's, and doorbells can be rung."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from alembic.config import Config
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Response
from pydantic import BaseModel
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.config import get_settings
from app.db import DatabaseNotConfiguredError, engine

VERSION = "0.1.0"
router = APIRouter()


class Health(BaseModel):
    """`ok`: everything; `degraded`: people can rank, background work waits for Redis; `down`: the database is away."""

    status: Literal["ok", "degraded", "down"]
    version: str
    checks: dict[str, str]


@lru_cache
def newest_migration() -> str | None:
    """The revision this code was written for."""
    root = Path(__file__).parent.parent
    return ScriptDirectory.from_config(Config(str(root / "alembic.ini"))).get_current_head()


def check_database() -> dict[str, str]:
    """Findings on the database and its schema."""
    try:
        with engine().connect() as connection:
            applied = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except (SQLAlchemyError, DatabaseNotConfiguredError):
        return {"database": "does not answer", "migrations": "unknown"}
    if applied != newest_migration():
        return {"database": "ok", "migrations": f"at {applied}, this code needs {newest_migration()}"}
    return {"database": "ok", "migrations": "ok"}


def check_redis() -> str:
    """Finding on Redis."""
    address = get_settings().redis_url
    if address is None:
        return "not configured"
    try:
        with Redis.from_url(address.get_secret_value(), socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except (RedisError, OSError):
        return "does not answer"
    return "ok"


@router.get("/api/health", tags=["health"])
def health(response: Response) -> Health:
    """Readiness: 200 when people can work, 503 when they cannot."""
    checks = check_database() | {"redis": check_redis()}
    if checks["database"] != "ok" or checks["migrations"] != "ok":
        response.status_code = 503
        return Health(status="down", version=VERSION, checks=checks)
    return Health(status="ok" if checks["redis"] == "ok" else "degraded", version=VERSION, checks=checks)
