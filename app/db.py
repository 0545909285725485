"""The database: one declarative base, one engine a process, one place that commits."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from time import monotonic
from typing import Annotated, Any, Final

import psycopg
from sqlalchemy import BigInteger, DateTime, Engine, Identity, MetaData, create_engine, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from app import jobs
from app.config import get_settings

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

RESTED_SECONDS: Final = 1.0
# A server process keeps what it learnt about tables and statements until its connection ends, and grows with it.
LONGEST_CONNECTION_SECONDS: Final = 900

Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


class Base(DeclarativeBase):
    """Parent of every table; its metadata is what migrations are compared with."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this attribute as a plain dict
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class DatabaseNotConfiguredError(RuntimeError):
    """No database address: neither `PLACKETT_DATABASE_URL` nor an embedded server's."""


def psycopg_url(url: str) -> str:
    """The same address with SQLAlchemy's name for psycopg 3: `postgresql://…` → `postgresql+psycopg://…`."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if scheme in {"postgresql", "postgres"} else url


@lru_cache
def engine() -> Engine:
    """The process's engine: pooled, statements limited to 10 s, locks to 3 s, idle transactions to 30 s.

    A connection that rested is tried before it is used; one that was used a moment ago is trusted.
    """
    settings = get_settings()
    if settings.database_url is None:
        raise DatabaseNotConfiguredError(
            "PLACKETT_DATABASE_URL is not set; `plackett up` starts an embedded server and sets it"
        )
    made = create_engine(
        psycopg_url(settings.database_url.get_secret_value()),
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=LONGEST_CONNECTION_SECONDS,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=10s -c lock_timeout=3s"
            " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        },
    )
    event.listen(made, "checkin", _note_rest)
    event.listen(made, "checkout", _try_rested)
    return made


def _note_rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = monotonic()


def _try_rested(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    rested = monotonic() - record.info.get("rests_since", monotonic())
    if rested > RESTED_SECONDS and not _answers(connection):
        raise DisconnectionError("the connection is gone")


def _answers(connection: DBAPIConnection) -> bool:
    try:
        connection.cursor().execute("")
        connection.rollback()
    except psycopg.Error:
        return False
    return True


def new_session() -> Session:
    """A session on the process's engine; rows stay readable after the commit."""
    return Session(engine(), expire_on_commit=False)


@contextmanager
def transaction() -> Generator[Session, None, None]:
    """One unit of work: commits at the end, rolls back on an error, rings new runs' doorbells after the commit."""
    with new_session() as session:
        yield session
        session.commit()
        jobs.send_pending(session)
