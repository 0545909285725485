"""Submitting: whole, once, late, revised; and what counts afterwards."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.auth.tables import AuditEvent
from app.errors import Conflict, Unprocessable
from app.pagination import PageRequest
from app.rankings.judgment import Form
from app.rankings.progress import count_comparisons, list_history, progress_of
from app.rankings.tables import Comparison, Ranking, RankingItem
from app.tasks.service import expire_leases, skip
from app.tasks.tables import Assignment, Task, TaskSlot
from tests.app.judgment_rows import World, a_world, strict, submit, take

KEY = "the-same-key-both-times"


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


def states(world: World, task: Task) -> tuple[str, list[str]]:
    world.session.refresh(task)
    slots = select(TaskSlot.state).where(TaskSlot.task_id == task.id).order_by(TaskSlot.id)
    return task.state, list(world.session.scalars(slots))


def lose_lease(world: World, assignment: Assignment) -> None:
    past = func.now() - timedelta(seconds=1)
    world.session.execute(update(Assignment).where(Assignment.id == assignment.id).values(leased_until=past))
    assert expire_leases(world.session) == 1


def test_a_submission_is_ranking_items_comparisons_slot_and_audit_in_one(world: World) -> None:
    annotator, task = world.person(), world.task()
    assignment = take(world, annotator)
    a, b, c, d = assignment.shown_order
    answer = submit(
        world.session,
        assignment,
        annotator,
        [[c], [a, d], [b]],
        form=Form(ask_rating=True, ask_flags=True, flags=("rude", "wrong"), rationale="optional"),
        ratings={c: 7, b: 1},
        flags={b: ["wrong", "rude"]},
        rationale="clear",
        touched=False,
        moves=3,
    ).body
    ranking = world.session.get_one(Ranking, answer["ranking_id"])
    assert (answer["revision"], answer["extra"], answer["comparisons"]) == (1, False, 6)
    assert (ranking.rationale, ranking.touched, ranking.moves, ranking.active_ms) == ("clear", False, 3, 1000)
    assert ranking.shown_order == [a, b, c, d]
    items = world.session.scalars(select(RankingItem).where(RankingItem.ranking_id == ranking.id)).all()
    assert {one.completion_id: (one.rank, one.rating, one.flags) for one in items} == {
        c: (1, 7, []),
        a: (2, None, []),
        d: (2, None, []),
        b: (3, 1, ["rude", "wrong"]),
    }
    pairs = world.session.scalars(select(Comparison).where(Comparison.ranking_id == ranking.id)).all()
    assert {(one.preferred_id, one.other_id, one.tie) for one in pairs} == {
        (c, a, False),
        (c, d, False),
        (c, b, False),
        (a, b, False),
        (d, b, False),
        (a, d, True),
    }
    assert states(world, task) == ("done", ["filled"])
    assert world.session.get_one(Assignment, assignment.id).state == "submitted"
    audited = world.session.scalars(select(AuditEvent).where(AuditEvent.object_type == "ranking")).one()
    assert (audited.action, audited.object_id) == ("ranking.submitted", str(ranking.id))


def test_a_refused_submission_leaves_nothing_behind(world: World) -> None:
    annotator, task = world.person(), world.task()
    assignment = take(world, annotator)
    with pytest.raises(Unprocessable):
        submit(world.session, assignment, annotator, strict(assignment)[:3])
    assert world.session.scalar(select(func.count(Ranking.id))) == 0
    assert states(world, task) == ("open", ["leased"])


def test_the_same_key_gets_the_same_answer_and_another_body_is_refused(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    first = submit(world.session, assignment, annotator, key=KEY)
    again = submit(world.session, assignment, annotator, key=KEY)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.body == first.body
    with pytest.raises(Unprocessable) as refusal:
        submit(world.session, assignment, annotator, strict(assignment)[::-1], key=KEY)
    assert refusal.value.type == "idempotency-key-reused"
    assert world.session.scalar(select(func.count(Ranking.id))) == 1


def test_keys_belong_to_people(world: World) -> None:
    first, second = world.person(), world.person()
    world.task(overlap=2)
    mine, theirs = take(world, first), take(world, second)
    submit(world.session, mine, first, key=KEY)
    assert not submit(world.session, theirs, second, key=KEY).replayed


def test_two_tabs_that_say_the_same_are_one_judgment(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    first = submit(world.session, assignment, annotator).body
    second = submit(world.session, assignment, annotator).body
    assert (second["ranking_id"], second["revision"]) == (first["ranking_id"], 1)
    assert second["comparisons"] == 6
    assert world.session.scalar(select(func.count(Ranking.id))) == 1


def test_a_revision_supersedes_and_the_superseded_no_longer_counts(world: World) -> None:
    annotator, task = world.person(), world.task()
    assignment = take(world, annotator)
    first = submit(world.session, assignment, annotator).body
    second = submit(world.session, assignment, annotator, [assignment.shown_order]).body
    assert (second["revision"], second["editable_until"]) == (2, first["editable_until"])
    old, new = (world.session.get_one(Ranking, one["ranking_id"], populate_existing=True) for one in (first, second))
    assert (old.superseded_by_id, new.superseded_by_id) == (new.id, None)
    counts = count_comparisons(world.session, world.project.id)
    assert (counts.rankings, counts.comparisons, counts.ties) == (1, 6, 6)
    assert world.session.scalar(select(func.count(Comparison.id))) == 12
    assert states(world, task) == ("done", ["filled"])
    assert progress_of(world.session, project_id=world.project.id, annotator_id=annotator.id).total == 1


def test_after_the_edit_window_a_ranking_stays(world: World) -> None:
    annotator = world.person()
    world.task()
    assignment = take(world, annotator)
    submit(world.session, assignment, annotator)
    with pytest.raises(Conflict) as refusal:
        submit(world.session, assignment, annotator, [assignment.shown_order], edit_window=timedelta())
    assert refusal.value.type == "edit-window-over"


def test_a_late_submit_takes_the_open_slot(world: World) -> None:
    annotator, task = world.person(), world.task()
    assignment = take(world, annotator)
    lose_lease(world, assignment)
    assert submit(world.session, assignment, annotator).body["extra"] is False
    assert states(world, task) == ("done", ["filled"])


def test_a_late_submit_without_a_slot_is_kept_as_extra(world: World) -> None:
    late, quick, task = world.person(), world.person(), world.task()
    lost = take(world, late)
    lose_lease(world, lost)
    taken = take(world, quick)
    assert submit(world.session, lost, late).body["extra"] is True
    assert states(world, task) == ("open", ["leased"])
    assert submit(world.session, taken, quick).body["extra"] is False
    assert states(world, task) == ("done", ["filled"])
    assert submit(world.session, lost, late, [lost.shown_order]).body["extra"] is True


def test_a_skipped_task_that_is_ranked_after_all_is_kept(world: World) -> None:
    annotator, task = world.person(), world.task()
    assignment = take(world, annotator)
    skip(world.session, assignment, annotator, "unclear")
    assert submit(world.session, assignment, annotator).body["extra"] is False
    assert states(world, task) == ("done", ["filled"])


def test_progress_and_history_are_one_s_own(world: World) -> None:
    annotator, other = world.person(), world.person()
    world.task(), world.task()
    nothing = progress_of(world.session, project_id=world.project.id, annotator_id=annotator.id)
    assert (nothing.today, nothing.total, nothing.median_seconds) == (0, 0, None)
    submit(world.session, take(world, annotator), annotator)
    submit(world.session, take(world, other), other)
    progress = progress_of(world.session, project_id=world.project.id, annotator_id=annotator.id)
    assert (progress.today, progress.total, progress.median_seconds) == (1, 1, 1.0)
    history = list_history(
        world.session,
        project_id=world.project.id,
        annotator_id=annotator.id,
        page=PageRequest(),
        edit_window=timedelta(hours=1),
    )
    assert [row.ranking.annotator_id for row in history.items] == [annotator.id]
    assert history.items[0].editable_until - history.items[0].ranking.created_at == timedelta(hours=1)
