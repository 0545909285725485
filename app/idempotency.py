"""The same request sent twice happens once: its first answer is kept under the person's key and given again."""

import hashlib
import json
from typing import Any, Final

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app import locks
from app.auth.tables import IdempotencyKey
from app.errors import Conflict, Unprocessable
from app.statements import Statement

FIND: Final = Statement(
    select(IdempotencyKey.request_sha256, IdempotencyKey.body).where(
        IdempotencyKey.user_id == bindparam("user"), IdempotencyKey.key == bindparam("key")
    )
)
INSERT: Final = Statement(
    text(
        """
    INSERT INTO idempotency_keys (user_id, key, route, request_sha256, status, body)
    VALUES (:user_id, :key, :route, :request_sha256, :status, :body)
    ON CONFLICT DO NOTHING RETURNING user_id
    """
    ).bindparams(bindparam("body", type_=JSONB))
)


def request_hash(route: str, request: dict[str, Any]) -> bytes:
    """SHA-256 of a request in its canonical form, so that only a truly equal one counts as a repeat."""
    text = json.dumps([route, request], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).digest()


def find_answer(
    session: Session, *, user_id: int, key: str, route: str, request: dict[str, Any]
) -> dict[str, Any] | None:
    """The answer that this person's `key` already got, or None, which makes the caller the one to do the work.

    Raises:
        Conflict: the first request with this key is still in progress.
        Unprocessable: the key was used for another request.
    """
    if not locks.try_to_hold(session, f"idempotency:{user_id}:{key}"):
        raise _in_progress()
    return known_answer(session, user_id=user_id, key=key, route=route, request=request)


def known_answer(
    session: Session, *, user_id: int, key: str, route: str, request: dict[str, Any]
) -> dict[str, Any] | None:
    """The same for a caller who holds a lock that repeats of the request wait for.

    Raises:
        Unprocessable: the key was used for another request.
    """
    known = FIND.one_or_none(session, {"user": user_id, "key": key})
    if known is None:
        return None
    if known.request_sha256 != request_hash(route, request):
        raise Unprocessable(
            "this Idempotency-Key was used for another request",
            type="idempotency-key-reused",
            advice="Make a new key for a new request; repeat a key only with the same body.",
            field="Idempotency-Key",
        )
    body: dict[str, Any] = known.body
    return body


def _in_progress() -> Conflict:
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
    kept = INSERT.one_or_none(
        session,
        {
            "user_id": user_id,
            "key": key,
            "route": route,
            "request_sha256": request_hash(route, request),
            "status": status,
            "body": body,
        },
    )
    if kept is None:
        raise _in_progress()
