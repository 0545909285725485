"""Requests that are served on one trip: who gets in, and that each is answered or refused in time."""

import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio import to_thread
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.orm import Session

from app import dependencies, locks
from app.auth.tables import User
from app.auth.trips import AT_ONCE, Trip
from app.errors import ServiceUnavailable
from app.projects.tables import Membership
from app.rankings.tables import Ranking
from app.tasks.tables import Assignment
from tests.app.cast import OpenClient, a_project, a_user, browser, program
from tests.app.judgment_rows import World, a_world, take
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


@pytest.fixture
def world(session: Session) -> World:
    """A project with two tasks."""
    world = a_world(session)
    world.task()
    world.task()
    return world


def disable(world: World, person: User) -> None:
    person.disabled_at = world.project.created_at


def archive(world: World, _person: User) -> None:
    world.project.archived_at = world.project.created_at


def remove(world: World, person: User) -> None:
    world.session.delete(world.session.get_one(Membership, (world.project.id, person.id)))


def only_read(world: World, person: User) -> None:
    world.session.get_one(Membership, (world.project.id, person.id)).role = "researcher"


@pytest.mark.parametrize("knocks", ["browser", "program"])
@pytest.mark.parametrize(("change", "status"), [(disable, 401), (archive, 404), (remove, 404), (only_read, 403)])
def test_who_has_no_standing_any_more_leaves_nothing(
    client: OpenClient, world: World, knocks: str, change: Callable[[World, User], None], status: int
) -> None:
    person = world.person()
    held = take(world, person)
    knocking = {"browser": browser, "program": program}[knocks](client, world.session, person)
    change(world, person)
    world.session.flush()
    assert statuses(knocking, world, held) == [status, status]
    assert left(world) == (1, 0)


@pytest.mark.parametrize(
    ("token", "status"),
    [({"scopes": ["read", "runs"]}, 403), ({"scopes": ["rank"]}, None), ({"project": "another"}, 404)],
)
def test_a_token_opens_what_it_was_made_for(
    client: OpenClient, world: World, token: dict[str, Any], status: int | None
) -> None:
    person = world.person()
    held = take(world, person)
    bound = {**token, "project": a_project(world.session, admin=person)} if "project" in token else token
    expected = ([201, 200], (2, 1)) if status is None else ([status, status], (1, 0))
    assert (statuses(program(client, world.session, person, **bound), world, held), left(world)) == expected


def test_somebody_elses_assignment_is_none(client: OpenClient, world: World) -> None:
    held = take(world, world.person())
    for other in (world.person(), a_user(world.session)):
        for knocking in (browser(client, world.session, other), program(client, world.session, other)):
            assert rank(knocking, held).json()["detail"] == "there is no such assignment, or it is not yours"
    assert left(world) == (1, 0)


def statuses(knocking: TestClient, world: World, held: Assignment) -> list[int]:
    """What a judgment and then a claim are answered with."""
    claimed = knocking.post(f"/api/v1/projects/{world.project.id}/tasks/claim", json={"holding": [held.id]})
    return [rank(knocking, held).status_code, claimed.status_code]


def rank(knocking: TestClient, held: Assignment) -> Response:
    """Submit a whole judgment."""
    return knocking.post(
        f"/api/v1/assignments/{held.id}/ranking",
        json={"tiers": [[one] for one in held.shown_order], "touched": True},
        headers={"Idempotency-Key": f"a-key-of-its-own-{held.id}"},
    )


def left(world: World) -> tuple[int, int]:
    """How many assignments and judgments there are."""
    counts = (select(func.count()).select_from(table) for table in (Assignment, Ranking))
    assignments, judgments = (world.session.scalar(count) or 0 for count in counts)
    return assignments, judgments


@pytest.mark.commits
def test_both_forms_of_a_persons_lock_are_one_lock(committed_database: Database) -> None:
    with Session(committed_database.engine) as first, Session(committed_database.engine) as second:
        taken = locks.holding_member(literal(7, BigInteger), literal(9, BigInteger))
        first.execute(select(taken))
        assert not locks.try_to_hold(second, locks.of_member(7, 9))
        assert locks.try_to_hold(second, locks.of_member(9, 7))
        first.rollback()
        assert locks.try_to_hold(second, locks.of_member(7, 9))
