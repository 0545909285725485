"""Locks by name that end with the transaction, for what no row stands for; a crash lets go of them by itself."""

from typing import Final

from sqlalchemy import ColumnElement, SQLColumnExpression, func, text
from sqlalchemy.orm import Session

from app.statements import Statement

HOLD: Final = Statement(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"))
TRY: Final = Statement(text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0)) AS held"))


def of_member(project_id: int, user_id: int) -> str:
    """The name of the lock under which one person's deeds in a project happen one after the other."""
    return f"annotator:{project_id}:{user_id}"


def holding_member(project_id: SQLColumnExpression[int], user_id: SQLColumnExpression[int]) -> ColumnElement[None]:
    """The same lock as an expression for a query's columns: it is taken with the row, until the transaction ends."""
    name = func.concat("annotator:", project_id, ":", user_id)
    return func.pg_advisory_xact_lock(func.hashtextextended(name, 0))


def hold(session: Session, name: str) -> None:
    """Wait until the lock `name` is ours, until the transaction ends; the engine's lock timeout bounds the wait."""
    HOLD.run(session, {"name": name})


def try_to_hold(session: Session, name: str) -> bool:
    """Take the lock `name` until the transaction ends, or say that somebody else has it."""
    return bool(TRY.one(session, {"name": name}).held)
