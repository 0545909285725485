"""The database: one declarative base, one engine a process, one place that commits."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Engine, Identity, MetaData, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker

from app import jobs
from app.config import get_settings

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

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
    """The process's engine: pooled, pre-pinged, statements limited to 10 s, locks to 3 s, idle transactions to 30 s."""
    settings = get_settings()
    if settings.database_url is None:
        raise DatabaseNotConfiguredError(
            "PLACKETT_DATABASE_URL is not set; `plackett up` starts an embedded server and sets it"
        )
    return create_engine(
        psycopg_url(settings.database_url.get_secret_value()),
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=10s -c lock_timeout=3s"
            " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        },
    )


def new_session() -> Session:
    """A session on the process's engine; rows stay readable after the commit."""
    return sessionmaker(engine(), expire_on_commit=False)()


@contextmanager
def transaction() -> Generator[Session, None, None]:
    """One unit of work: commits at the end, rolls back on an error, rings new runs' doorbells after the commit."""
    with new_session() as session:
        yield session
        session.commit()
        jobs.send_pending(session)
