"""What every route may ask for: a session that commits before the answer leaves, and a page of a list."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Final
from weakref import WeakKeyDictionary

from anyio import CancelScope, CapacityLimiter, Semaphore, WouldBlock, move_on_after
from fastapi import Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from app import jobs
from app.config import get_settings
from app.db import new_session
from app.errors import ServiceUnavailable
from app.pagination import PageRequest

WAIT_SECONDS: Final = 10.0
rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, Semaphore] = WeakKeyDictionary()


async def request_session() -> AsyncGenerator[Session]:
    """The request's one unit of work; committed, and its doorbells rung, before the answer is sent."""
    async with place_at_work():
        session = new_session()
        try:
            yield session
            if session.in_transaction() or session.info:
                await run_in_threadpool(finish, session)
        finally:
            if session.in_transaction():
                with CancelScope(shield=True):
                    await run_in_threadpool(session.close)


def place_at_work() -> AbstractAsyncContextManager[None]:
    """One of as many places as there are connections; `ServiceUnavailable` when none gets free in time."""
    return place_in(_room())


@asynccontextmanager
async def place_in(room: Semaphore | CapacityLimiter) -> AsyncGenerator[None]:
    """A place in `room`; `ServiceUnavailable` when none gets free in time."""
    await _enter(room)
    try:
        yield
    finally:
        room.release()


def finish(session: Session) -> None:
    """Commit, then ring the doorbells that the work remembered."""
    session.commit()
    jobs.send_pending(session)


def _room() -> Semaphore:
    """As many requests at work as there are connections.

    A request keeps its connection between two trips to a thread. If more were let in, those without a connection could
    take all threads, and wait in them for those with one, which wait for a thread.
    """
    loop = asyncio.get_running_loop()
    if loop not in rooms:
        rooms[loop] = Semaphore(get_settings().database_pool)
    return rooms[loop]


async def _enter(room: Semaphore | CapacityLimiter) -> None:
    try:
        room.acquire_nowait()
    except WouldBlock:
        with move_on_after(WAIT_SECONDS) as waiting:
            await room.acquire()
        if waiting.cancelled_caught:
            raise ServiceUnavailable(
                "too many requests are being answered at the moment",
                advice="Nothing was changed. Try again in a few seconds; your draft is kept in the browser.",
                retry_after_seconds=3,
            ) from None


# scope="function" ends the dependency before the response leaves: a failed commit is an error, not a false 200.
SessionDep = Annotated[Session, Depends(request_session, scope="function")]


async def page_request(
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
