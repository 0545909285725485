"""Locks by name that end with the transaction, for what no row stands for; a crash lets go of them by itself."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

HOLD: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
TRY: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
TRY_THEN_HOLD: Final = text(
    """
    SELECT CASE WHEN pg_try_advisory_xact_lock(hashtextextended(:name, 0))
      THEN pg_advisory_xact_lock(hashtextextended(:then, 0)) IS NOT NULL ELSE false END
    """
)


def hold(session: Session, name: str) -> None:
    """Wait until the lock `name` is ours, until the transaction ends; the engine's lock timeout bounds the wait."""
    session.execute(HOLD, {"name": name})


def try_to_hold(session: Session, name: str, *, then_hold: str | None = None) -> bool:
    """Take the lock `name` until the transaction ends, or say that somebody else has it.

    Whoever got it also waits for the lock `then_hold`, in the same trip to the database.
    """
    if then_hold is None:
        return bool(session.scalar(TRY, {"name": name}))
    return bool(session.scalar(TRY_THEN_HOLD, {"name": name, "then": then_hold}))
