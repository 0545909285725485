"""Locks by name that end with the transaction, for what no row stands for; a crash lets go of them by itself."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def hold(session: Session, name: str) -> None:
    """Wait until the lock `name` is ours, until the transaction ends; the engine's lock timeout bounds the wait."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def try_to_hold(session: Session, name: str) -> bool:
    """Take the lock `name` until the transaction ends, or say that somebody else has it."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0)))))
