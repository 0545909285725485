"""Claiming, skipping, expiring: who gets which task, and that nobody who could help is passed over."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.errors import Conflict, Unprocessable
from app.tasks import service
from app.tasks.assignment import priority_class
from app.tasks.claiming import CURSOR_STRIDE
from app.tasks.tables import AnnotatorCursor, Assignment, Task, TaskSlot
from tests.app.judgment_rows import HALF_AN_HOUR, World, a_world, claim_for, submit, take


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


def let_lease_end(session: Session, assignment: Assignment) -> None:
    session.execute(
        update(Assignment)
        .where(Assignment.id == assignment.id)
        .values(leased_until=func.now() - timedelta(seconds=1))
        .execution_options(synchronize_session=False)
    )


def slot_states(session: Session, task: Task) -> list[str]:
    return list(session.scalars(select(TaskSlot.state).where(TaskSlot.task_id == task.id).order_by(TaskSlot.id)))


def test_a_task_has_as_many_open_slots_as_its_overlap(world: World) -> None:
    task = world.task(overlap=3)
    assert slot_states(world.session, task) == ["open", "open", "open"]


def test_a_task_needs_two_to_nine_completions_of_its_own_prompt(world: World) -> None:
    prompt, other = world.prompt(), world.prompt()
    with pytest.raises(Unprocessable):
        world.task(prompt=prompt, completion_ids=world.completions(prompt, 1))
    with pytest.raises(Unprocessable):
        world.task(prompt=prompt, completion_ids=world.completions(prompt, 10))
    with pytest.raises(Unprocessable):
        world.task(prompt=prompt, completion_ids=world.completions(other, 4))


def test_the_newest_policy_s_tasks_come_first_then_the_oldest(world: World) -> None:
    annotator = world.person()
    old, older = world.task(), world.task()
    prompt = world.prompt()
    newest = world.task(prompt=prompt, completion_ids=world.completions(prompt, model=world.model_version("policy", 2)))
    claimed = [take(world, annotator), take(world, annotator, holding=[-1])]
    assert claimed[0].task_id == newest.id
    assert claimed[1].id == claimed[0].id  # nobody said that it was on the desk already
    second = take(world, annotator, holding=[claimed[0].id])
    assert second.task_id == old.id
    assert older.priority_class == old.priority_class == priority_class(0)


def test_half_done_tasks_go_before_new_ones(world: World) -> None:
    first, second = world.person(), world.person()
    world.task(overlap=2)
    later = world.task(overlap=2)
    skipped = take(world, first)
    service.skip(world.session, skipped, first, None)
    assignment = take(world, first)
    assert assignment.task_id == later.id
    submit(world.session, assignment, first)
    assert take(world, second).task_id == later.id


def test_nobody_gets_a_task_twice_or_their_own_demonstration(world: World) -> None:
    author, other = world.person(), world.person()
    prompt = world.prompt()
    task = world.task(
        prompt=prompt,
        completion_ids=[*world.completions(prompt, 2), *world.completions(prompt, 1, author=author)],
        overlap=2,
    )
    assert claim_for(world.session, world.project.id, author.id).assignment is None
    mine = take(world, other)
    assert mine.task_id == task.id
    assert claim_for(world.session, world.project.id, other.id, holding=[mine.id]).assignment is None
    submit(world.session, mine, other)
    assert claim_for(world.session, world.project.id, other.id).assignment is None
    assert slot_states(world.session, task) == ["filled", "open"]


def test_two_leases_at_most(world: World) -> None:
    annotator = world.person()
    for _ in range(3):
        world.task()
    first = take(world, annotator)
    second = take(world, annotator, holding=[first.id])
    third = claim_for(world.session, world.project.id, annotator.id, holding=[first.id, second.id])
    assert third.assignment is None
    assert third.full
    assert take(world, annotator, holding=[second.id]).id == first.id


def test_an_expired_lease_goes_to_somebody_else_and_bars_nobody(world: World) -> None:
    first, second = world.person(), world.person()
    task = world.task()
    lost = take(world, first)
    order = list(lost.shown_order)
    assert service.expire_leases(world.session) == 0
    let_lease_end(world.session, lost)
    assert service.expire_leases(world.session) == 1
    assert slot_states(world.session, task) == ["open"]
    again = take(world, first)
    assert (again.id, again.state, again.shown_order) == (lost.id, "leased", order)
    let_lease_end(world.session, again)
    service.expire_leases(world.session)
    assert take(world, second).task_id == task.id
    assert claim_for(world.session, world.project.id, first.id).assignment is None


def test_after_an_expiry_the_task_s_other_slot_is_reachable_again(world: World) -> None:
    """The cursor passed the second slot while the first was leased; losing the lease must bring it back."""
    first, second = world.person(), world.person()
    task = world.task(overlap=2)
    lost = take(world, first)
    assert claim_for(world.session, world.project.id, first.id, holding=[lost.id]).assignment is None
    mark = world.session.scalars(
        select(AnnotatorCursor.after_queue_seq).where(AnnotatorCursor.annotator_id == first.id)
    ).one()
    assert mark >= 1
    let_lease_end(world.session, lost)
    service.expire_leases(world.session)
    taken = take(world, second)
    assert taken.task_id == task.id
    assert take(world, first).task_id == task.id


def test_the_cursor_moves_past_finished_work_and_never_past_what_one_may_have(world: World) -> None:
    annotator, other = world.person(), world.person()
    tasks = [world.task(overlap=2) for _ in range(3)]
    done = take(world, annotator)
    submit(world.session, done, annotator)
    drawn = text("SELECT max(nextval('task_slot_queue_seq')) FROM generate_series(1, :far)")
    world.session.execute(drawn, {"far": 2 * CURSOR_STRIDE})
    far_away = world.task()
    got = [take(world, annotator).task_id]
    while (following := claim_for(world.session, world.project.id, annotator.id, holding=[])).assignment is not None:
        submit(world.session, following.assignment, annotator)
        got.append(following.assignment.task_id)
    assert {*got, done.task_id} == {task.id for task in [*tasks, far_away]}
    cursors = world.session.scalars(select(AnnotatorCursor).where(AnnotatorCursor.annotator_id == annotator.id)).all()
    assert cursors
    for _ in tasks:
        submit(world.session, take(world, other), other)
    assert (
        world.session.scalar(select(func.count()).where(Task.state == "open", Task.id.in_([t.id for t in tasks]))) == 0
    )


def test_a_skipped_task_goes_on_to_others_and_can_be_taken_up_again(world: World) -> None:
    first, second = world.person(), world.person()
    task = world.task()
    assignment = take(world, first)
    assert service.skip(world.session, assignment, first, "unclear").state == "skipped"
    assert service.skip(world.session, assignment, first, None).skip_reason == "unclear"
    assert claim_for(world.session, world.project.id, first.id).assignment is None
    back = service.take_up_again(world.session, assignment, first, HALF_AN_HOUR)
    assert (back.state, back.skip_reason) == ("leased", None)
    assert slot_states(world.session, task) == ["leased"]
    service.skip(world.session, assignment, first, None)
    take(world, second)
    with pytest.raises(Conflict) as refusal:
        service.take_up_again(world.session, assignment, first, HALF_AN_HOUR)
    assert refusal.value.type == "task-taken"


def test_a_submitted_task_cannot_be_skipped(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    submit(world.session, assignment, annotator)
    with pytest.raises(Conflict):
        service.skip(world.session, assignment, annotator, None)


def test_an_older_draft_does_not_replace_a_newer_one(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    assert service.save_draft(world.session, assignment, {"tiers": [[1]]}, 5)
    assert not service.save_draft(world.session, assignment, {"tiers": []}, 4)
    assert world.session.get_one(Assignment, assignment.id).draft == {"tiers": [[1]]}


def test_a_heartbeat_renews_a_lease_and_says_when_there_is_none(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    let_lease_end(world.session, assignment)
    service.heartbeat(world.session, assignment, HALF_AN_HOUR)
    assert service.expire_leases(world.session) == 0
    service.skip(world.session, assignment, annotator, None)
    with pytest.raises(Conflict):
        service.heartbeat(world.session, assignment, HALF_AN_HOUR)


def test_a_task_appears_once_as_soon_as_its_completions_are_there(world: World, a_run) -> None:
    prompt, slow = world.prompt(), world.prompt()
    options = {"project_id": world.project.id, "run_id": a_run.id, "completions_per_prompt": 3, "overlap": 1}
    a_run.writes(prompt, ["one", "two"])
    assert service.create_tasks_for_completed_prompts(world.session, **options).task_ids == []
    a_run.writes(prompt, ["three"])
    a_run.writes(slow, ["one"])
    opened = service.create_tasks_for_completed_prompts(world.session, **options)
    assert len(opened.task_ids) == 1
    assert service.create_tasks_for_completed_prompts(world.session, **options).task_ids == []
    assert len(service.completion_ids_of(world.session, opened.task_ids[0])) == 3


def test_completions_that_say_the_same_are_one_card(world: World, a_run) -> None:
    two, one = world.prompt(), world.prompt()
    a_run.writes(two, ["yes", "yes ", "no"])
    a_run.writes(one, ["yes", "yes", "yes"])
    opened = service.create_tasks_for_completed_prompts(
        world.session, project_id=world.project.id, run_id=a_run.id, completions_per_prompt=3, overlap=1
    )
    assert (len(opened.task_ids), opened.identical) == (1, 1)
    assert len(service.completion_ids_of(world.session, opened.task_ids[0])) == 2
