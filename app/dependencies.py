"""What every route may ask for: a session that commits before the answer leaves, and a page of a list."""

from collections.abc import Generator
from typing import Annotated

from fastapi import Depends, Header, Query
from sqlalchemy.orm import Session

from app import jobs
from app.db import new_session
from app.pagination import PageRequest


def request_session() -> Generator[Session, None, None]:
    """The request's one unit of work; committed, and its doorbells rung, before the answer is sent."""
    with new_session() as session:
        yield session
        session.commit()
        jobs.send_pending(session)


# scope="function" ends the dependency before the response leaves: a failed commit is an error, not a false 200.
SessionDep = Annotated[Session, Depends(request_session, scope="function")]


def page_request(
    limit: Annotated[int, Query(ge=1, le=500, description="Rows a page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before; absent for the first.")
    ] = None,
) -> PageRequest:
    """The page asked for."""
    return PageRequest(limit=limit, cursor=cursor)


PageDep = Annotated[PageRequest, Depends(page_request)]


IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=16,
        max_length=255,
        description="One for each deed; a repeat with the same key gets the first answer.",
    ),
]
