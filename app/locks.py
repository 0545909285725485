"""Locks by name that end with the transaction, for what no row stands for; a crash lets go of them by itself."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

HOLD: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
TRY: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


def hold(session: Session, name: str) -> None:
    """Wait until the lock `name` is ours, until the transaction ends; the engine's lock timeout bounds the wait."""
    session.execute(HOLD, {"name": name})


def try_to_hold(session: Session, name: str) -> bool:
    """Take the lock `name` until the transaction ends, or say that somebody else has it."""
    return bool(session.scalar(TRY, {"name": name}))
