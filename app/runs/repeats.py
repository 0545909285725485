"""Launch once, however often the same request with its key arrives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Header, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app import idempotency

Answer = TypeVar("Answer", bound=BaseModel)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=16,
        max_length=255,
        description="One for each launch; a repeat with the same key and body gets the first answer.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for what, under which key."""

    user_id: int
    key: str
    route: str
    body: dict[str, Any]


def once(session: Session, asked: Request, response: Response, work: Callable[[], Answer]) -> Answer | dict[str, Any]:
    """Do `work` for a key that is new, else give the first answer again and say so in a header."""
    who: dict[str, Any] = {"user_id": asked.user_id, "key": asked.key, "route": asked.route, "request": asked.body}
    known = idempotency.find_answer(session, **who)
    if known is not None:
        response.headers["Idempotent-Replayed"] = "true"
        return known
    answer = work()
    idempotency.remember(session, **who, status=201, body=answer.model_dump(mode="json"))
    return answer
