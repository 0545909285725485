"""The same request sent twice happens once: its first answer is kept under the person's key and given again."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app import locks
from app.auth.tables import IdempotencyKey
from app.errors import Conflict, Unprocessable
from app.statements import Statement


def kept_under(user: ColumnElement[int], key: ColumnElement[str]) -> ScalarSelect[dict[str, Any]]:
    """What a person's `key` was used for, as a value for a query's columns: `request` (hex) and `body`, or null."""
    kept = func.jsonb_build_object(
        "request", func.encode(IdempotencyKey.request_sha256, "hex"), "body", IdempotencyKey.body, type_=JSONB
    )
    return select(kept).where(IdempotencyKey.user_id == user, IdempotencyKey.key == key).scalar_subquery()


FIND: Final = Statement(select(kept_under(bindparam("user"), bindparam("key")).label("kept")))
# Keeps the row that `what` gives, unless its key is taken.
KEEP: Final = """
    INSERT INTO idempotency_keys (user_id, key, route, request_sha256, status, body) {what}
    ON CONFLICT DO NOTHING RETURNING body
"""
ROW: Final = "VALUES (:user_id, :key, :route, :request_sha256, :status, :body)"
CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
INSERT: Final = Statement(text(KEEP.format(what=ROW)).bindparams(bindparam("body", type_=JSONB)))


def request_hash(route: str, request: dict[str, Any]) -> bytes:
    """SHA-256 of a request in its canonical form, so that only a truly equal one counts as a repeat."""
    return hashlib.sha256(CANONICAL.encode([route, request]).encode()).digest()


def find_answer(
    session: Session, *, user_id: int, key: str, route: str, request: dict[str, Any]
) -> dict[str, Any] | None:
    """The answer that this person's `key` already got, or None, which makes the caller the one to do the work.

    Raises:
        Conflict: the first request with this key is still in progress.
        Unprocessable: the key was used for another request.
    """
    if not locks.try_to_hold(session, f"idempotency:{user_id}:{key}"):
        raise in_progress()
    return known_answer(session, user_id=user_id, key=key, route=route, request=request)


def known_answer(
    session: Session, *, user_id: int, key: str, route: str, request: dict[str, Any]
) -> dict[str, Any] | None:
    """The same for a caller who holds a lock that repeats of the request wait for.

    Raises:
        Unprocessable: the key was used for another request.
    """
    return same_answer(FIND.one(session, {"user": user_id, "key": key}).kept, route=route, request=request)


def same_answer(kept: Mapping[str, Any] | None, *, route: str, request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer in `kept` (see `kept_under`), if there is any.

    Raises:
        Unprocessable: the key was used for another request.
    """
    if kept is None:
        return None
    if kept["request"] != request_hash(route, request).hex():
        raise Unprocessable(
            "this Idempotency-Key was used for another request",
            type="idempotency-key-reused",
            advice="Make a new key for a new request; repeat a key only with the same body.",
            field="Idempotency-Key",
        )
    body: dict[str, Any] = kept["body"]
    return body


def in_progress() -> Conflict:
    """The refusal of a request whose key another one is using."""
    return Conflict(
        "a request with this Idempotency-Key is still in progress",
        type="idempotency-in-progress",
        advice="Send it again in a second; it will get the first one's answer.",
        retry_after_seconds=1,
    )


def remember(
    session: Session, *, user_id: int, key: str, route: str, request: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    """Keep the answer, in the transaction that does the work.

    Raises:
        Conflict: the key was used elsewhere at the same moment; the work must not be kept.
    """
    row = {"user_id": user_id, "key": key, "route": route, "request_sha256": request_hash(route, request)}
    if INSERT.one_or_none(session, {**row, "status": status, "body": body}) is None:
        raise in_progress()
