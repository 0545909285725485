"""Requests that are served on one trip: however many come, each is answered or refused in time."""

import threading
from collections.abc import Callable

import anyio
import pytest
from anyio import to_thread
from sqlalchemy.orm import Session

from app import dependencies
from app.auth.trips import AT_ONCE, Trip
from app.errors import ServiceUnavailable
from tests.conftest import Database


def trip_that(waits: Callable[[], object]) -> Trip[None]:
    """A trip that is let in when `waits` returns."""

    def admit(_session: Session) -> None:
        waits()

    return Trip(admit)


async def make(trip: Trip[None]) -> None:
    """Make the trip; there is nothing to do on it."""
    await trip.make(lambda _session, _admitted: pytest.fail("it was not to get as far"))


@pytest.mark.commits
def test_who_gets_no_turn_in_time_is_told_so(committed_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "WAIT_SECONDS", 0.2)
    inside, go_on = threading.Semaphore(0), threading.Event()

    def stand_still() -> None:
        inside.release()
        go_on.wait(20)
        raise ServiceUnavailable("this one got its turn")

    async def told() -> str:
        with pytest.raises(ServiceUnavailable) as refusal:
            await make(trip_that(stand_still))
        return refusal.value.detail

    async def one_more_than_fit() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(told)
            for _ in range(AT_ONCE):
                await to_thread.run_sync(inside.acquire)
            try:
                with anyio.fail_after(10):
                    assert "too many requests" in await told()
            finally:
                go_on.set()
        assert await told() == "this one got its turn", "a place is free again"

    anyio.run(one_more_than_fit)
