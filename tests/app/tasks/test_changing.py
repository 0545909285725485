"""Changing what live tasks want: overlap, reservations, retirement; and people who are paused or removed."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent, User
from app.errors import Conflict, NotFound, Unprocessable
from app.people import service as people
from app.rankings.tables import Ranking
from app.tasks import changing, service, slots
from app.tasks.claiming import claim_writing
from app.tasks.tables import Assignment, Task, TaskSlot
from app.tasks.writing import create_writing_task
from tests.app.cast import a_user
from tests.app.judgment_rows import World, a_claimant, a_world, claim_for, submit, take


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def admin(world: World) -> User:
    return world.person("admin", "Root")


def change(world: World, admin: User, overlap: int, which: str = "open") -> int:
    changed, after = 0, 0
    while True:
        batch = changing.change_overlap(
            world.session, actor=admin, project_id=world.project.id, overlap=overlap, which=which, after=after
        )
        if batch.last is None:
            return changed
        changed, after = changed + batch.changed, batch.last


def alter(world: World, admin: User, task: Task, **changes: object) -> Task:
    return changing.change_task(
        world.session, actor=admin, project_id=world.project.id, task_id=task.id, changes=changes
    )


def states(world: World, task: Task) -> list[str]:
    return sorted(world.session.scalars(select(TaskSlot.state).where(TaskSlot.task_id == task.id)))


def state(world: World, task: Task) -> str:
    world.session.refresh(task)
    return task.state


def nothing_for(world: World, person: User) -> bool:
    return claim_for(world.session, world.project.id, person.id).assignment is None


def test_raising_opens_slots_and_finished_tasks_only_when_asked(world: World, admin: User) -> None:
    first, second = world.person(), world.person()
    done, fresh = world.task(), world.task()
    submit(world.session, take(world, first), first)
    assert change(world, admin, 2) == 1
    assert (states(world, done), states(world, fresh)) == (["filled"], ["open", "open"])
    assert change(world, admin, 2, "all") == 1
    assert (state(world, done), states(world, done)) == ("open", ["filled", "open"])
    assert take(world, second).task_id == done.id  # half-done goes first
    assert change(world, admin, 2, "all") == 0


def test_lowering_closes_what_is_open_then_what_is_held_and_drops_no_judgment(world: World, admin: User) -> None:
    judge, holder = world.person(), world.person()
    task = world.task(overlap=4)
    submit(world.session, take(world, judge), judge)
    held = take(world, holder)
    assert change(world, admin, 2) == 1
    assert states(world, task) == ["closed", "closed", "filled", "leased"]
    assert change(world, admin, 1) == 1
    assert (states(world, task), state(world, task)) == (["closed", "closed", "closed", "filled"], "done")
    answer = submit(world.session, held, holder)
    assert answer.body["extra"] is True
    assert states(world, task) == ["closed", "closed", "closed", "filled"]


def test_a_slot_that_was_closed_opens_again_and_a_late_submit_takes_it(world: World, admin: User) -> None:
    judge, holder = world.person(), world.person()
    task = world.task(overlap=2)
    submit(world.session, take(world, judge), judge)
    held = take(world, holder)
    change(world, admin, 1, "all")
    change(world, admin, 2, "all")
    assert states(world, task) == ["filled", "open"]
    assert submit(world.session, held, holder).body["extra"] is False
    assert (states(world, task), state(world, task)) == (["filled", "filled"], "done")


def test_fewer_than_there_are_already_keeps_them_all(world: World, admin: User) -> None:
    task = world.task(overlap=3)
    for _ in range(2):
        person = world.person()
        submit(world.session, take(world, person), person)
    alter(world, admin, task, overlap=1)
    assert (states(world, task), state(world, task), task.overlap) == (["closed", "filled", "filled"], "done", 1)


def test_tasks_change_in_batches_each_with_its_audit_row(
    world: World, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changing, "BATCH", 2)
    for _ in range(5):
        world.task()
    assert change(world, admin, 3) == 5
    written = select(AuditEvent.detail).where(AuditEvent.action == "tasks.overlap").order_by(AuditEvent.id)
    assert [row["tasks"] for row in world.session.scalars(written)] == [2, 2, 1]


def test_a_reserved_slot_is_its_person_s_first_and_nobody_else_s(world: World, admin: User) -> None:
    named, other = world.person(), world.person()
    world.task()
    wanted = world.task()
    alter(world, admin, wanted, reserved_for=named.id)
    alter(world, admin, wanted, reserved_for=named.id)
    assert take(world, named).task_id == wanted.id
    assert take(world, other).task_id != wanted.id
    rows = service.describe(world.session, [wanted])
    assert rows[0].reserved_for == [named.id]


def test_a_reservation_outlives_its_lease_and_a_late_stranger(world: World, admin: User) -> None:
    named, other = world.person(), world.person()
    task = world.task(overlap=2)
    late = take(world, other)
    alter(world, admin, task, overlap=1)
    assert states(world, task) == ["closed", "leased"]
    slots.end_leases_of(world.session, world.project.id, other.id)
    alter(world, admin, task, reserved_for=named.id)
    held = take(world, named)
    slots.end_leases_of(world.session, world.project.id, named.id)
    assert nothing_for(world, other)
    assert submit(world.session, late, other).body["extra"] is True
    assert take(world, named).id == held.id


def test_what_is_given_back_is_in_front_of_everybody_s_cursor(world: World, admin: User) -> None:
    named, other = world.person(), world.person()
    kept, later = world.task(), world.task()
    alter(world, admin, kept, reserved_for=named.id)
    assert take(world, other).task_id == later.id
    submit(world.session, take(world, other), other)
    assert nothing_for(world, other)
    alter(world, admin, kept, reserved_for=None)
    assert take(world, other).task_id == kept.id


def test_only_somebody_who_can_still_rank_it_gets_a_task_kept(world: World, admin: User) -> None:
    done, researcher = world.person(), world.person("researcher")
    task = world.task(overlap=2)
    submit(world.session, take(world, done), done)
    for stranger in (researcher, a_user(world.session)):
        with pytest.raises(Unprocessable):
            alter(world, admin, task, reserved_for=stranger.id)
    with pytest.raises(Conflict, match="already"):
        alter(world, admin, task, reserved_for=done.id)
    take(world, world.person())
    with pytest.raises(Conflict) as refusal:
        alter(world, admin, task, reserved_for=world.person().id)
    assert refusal.value.type == "no-open-slot"
    with pytest.raises(NotFound):
        changing.change_task(world.session, actor=admin, project_id=world.project.id + 1, task_id=task.id, changes={})


def test_somebody_who_is_paused_gives_back_at_once_and_gets_nothing(world: World, admin: User) -> None:
    person, other = world.person(), world.person()
    task = world.task()
    held = take(world, person)
    people.change_member(
        world.session, actor=admin, project_id=world.project.id, user_id=person.id, role=None, paused=True
    )
    assert (held.state, states(world, task)) == ("leased", ["open"])  # what was taken is as old as the claim
    assert world.session.get_one(Assignment, held.id).state == "expired"
    assert nothing_for(world, person)
    assert take(world, other).task_id == task.id
    assert submit(world.session, held, person).body["extra"] is True
    people.change_member(
        world.session, actor=admin, project_id=world.project.id, user_id=person.id, role=None, paused=False
    )
    assert take(world, other).task_id == task.id


def test_being_paused_moves_nobody_s_cursor(world: World, admin: User) -> None:
    person = world.person()
    tasks = [world.task() for _ in range(3)]
    for paused in (True, False):
        people.change_member(
            world.session, actor=admin, project_id=world.project.id, user_id=person.id, role=None, paused=paused
        )
        assert nothing_for(world, person) is paused
    assert take(world, person).task_id == tasks[0].id


def test_what_was_kept_for_somebody_who_is_removed_is_everybody_s(world: World, admin: User) -> None:
    person, other = world.person(), world.person()
    task = world.task()
    alter(world, admin, task, reserved_for=person.id)
    assert nothing_for(world, other)
    people.remove_member(world.session, actor=admin, project_id=world.project.id, user_id=person.id)
    assert take(world, other).task_id == task.id


def test_a_retired_task_asks_nobody_and_keeps_what_comes(world: World, admin: User) -> None:
    judge, holder, other = world.person(), world.person(), world.person()
    task = world.task(overlap=3)
    submit(world.session, take(world, judge), judge)
    held = take(world, holder)
    changing.retire_task(world.session, slots.lock_task(world.session, task.id))
    assert (states(world, task), state(world, task)) == (["closed", "closed", "filled"], "retired")
    assert nothing_for(world, other)
    assert submit(world.session, held, holder).body["extra"] is True
    assert state(world, task) == "retired"
    kept = world.session.scalars(select(Ranking).where(Ranking.task_id == task.id)).all()
    assert sorted(one.extra for one in kept) == [False, True]
    with pytest.raises(Conflict):
        alter(world, admin, task, overlap=5)


def test_a_lease_without_a_slot_ends_too(world: World, admin: User) -> None:
    holder = world.person()
    task = world.task()
    held = take(world, holder)
    changing.retire_task(world.session, slots.lock_task(world.session, task.id))
    assert slots.end_leases_of(world.session, world.project.id, holder.id) == 1
    assert world.session.get_one(Assignment, held.id).state == "expired"


def test_writing_is_claimed_by_itself(world: World) -> None:
    writer, other = world.person(), world.person()
    ranking = world.task()
    writing = create_writing_task(world.session, project_id=world.project.id, prompt_id=world.prompt().id, overlap=1)
    assert take(world, writer).task_id == ranking.id
    got = claim_writing(world.session, a_claimant(world, writer)).assignment
    assert got is not None
    assert (got.task_id, got.shown_order) == (writing.id, [])
    assert claim_writing(world.session, a_claimant(world, other)).assignment is None
    held = world.session.scalars(select(Assignment).where(Assignment.annotator_id == writer.id)).all()
    assert len(held) == 2
    assert take(world, writer).task_id == ranking.id
