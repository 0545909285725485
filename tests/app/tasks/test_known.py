"""Tasks whose right order is known: everybody once, no slot, and leases like any other."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.tasks import service
from app.tasks.known import claim_known
from app.tasks.tables import Assignment, KnownAnswer, Task, TaskSlot
from tests.app.judgment_rows import HALF_AN_HOUR, World, a_claimant, a_world, submit, take


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


def known_task(world: World, purpose: str) -> Task:
    """A task of the given purpose without slots, as an admin makes it."""
    task = world.task()
    world.session.query(TaskSlot).filter(TaskSlot.task_id == task.id).delete()
    task.purpose = purpose
    order = [[completion] for completion in service.completion_ids_of(world.session, task.id)]
    world.session.add(KnownAnswer(task_id=task.id, tiers=order))
    world.session.flush()
    return task


def get(world: World, person: User, purpose: str) -> Assignment | None:
    return claim_known(world.session, a_claimant(world, person), purpose)


def test_practice_comes_in_order_once_to_everybody(world: World) -> None:
    first, second = world.person(), world.person()
    tasks = [known_task(world, "practice") for _ in range(2)]
    for person in (first, second):
        for task in tasks:
            held = get(world, person, "practice")
            assert held is not None
            assert held.task_id == task.id
            assert submit(world.session, held, person).body["extra"] is False
        assert get(world, person, "practice") is None


def test_gold_comes_only_while_there_is_other_work(world: World) -> None:
    person = world.person()
    gold = known_task(world, "gold")
    assert get(world, person, "gold") is None
    world.task()
    held = get(world, person, "gold")
    assert held is not None
    assert held.task_id == gold.id
    assert sorted(held.shown_order) == service.completion_ids_of(world.session, gold.id)


def test_a_known_task_s_lease_ends_and_comes_again(world: World) -> None:
    person = world.person()
    task = known_task(world, "practice")
    held = get(world, person, "practice")
    assert held is not None
    assert take(world, person).id == held.id
    world.session.execute(
        update(Assignment).where(Assignment.id == held.id).values(leased_until=func.now() - timedelta(seconds=1))
    )
    assert service.expire_leases(world.session) == 1
    assert world.session.scalars(select(Assignment.state).where(Assignment.id == held.id)).one() == "expired"
    again = get(world, person, "practice")
    assert again is not None
    assert (again.id, again.task_id) == (held.id, task.id)


def test_a_skipped_gold_task_can_be_taken_up_again(world: World) -> None:
    person = world.person()
    known_task(world, "gold")
    world.task()
    held = get(world, person, "gold")
    assert held is not None
    service.skip(world.session, held, person, None)
    assert get(world, person, "gold") is None
    assert service.take_up_again(world.session, held, person, HALF_AN_HOUR).state == "leased"
