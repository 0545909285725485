"""Change what a live task wants: more or fewer judgments, one by a named person, or none any more.

Nothing that was judged is ever dropped. A person whose slot is closed under them keeps their assignment: what they
submit takes a slot that has opened again, or is kept as `extra`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import exists, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.completions.tables import Completion
from app.errors import Conflict, NotFound, Unprocessable
from app.projects.tables import Membership
from app.tasks import slots
from app.tasks.tables import KNOWN, Assignment, Task, TaskCompletion, TaskSlot

Which = Literal["open", "all"]
# Tasks changed in one transaction: it takes a fraction of a second, for which people wait who need a queue number.
BATCH: Final = 1000
LIVE: Final = ("open", "leased")


@dataclass(frozen=True, slots=True)
class Batch:
    """How many tasks were changed, and the last one's id; None when there was none left."""

    changed: int
    last: int | None


# Free slots go first, the last of the queue before its head; then reserved ones; then those that people hold.
SURPLUS = text(
    """
    UPDATE task_slots SET state = 'closed', assignment_id = NULL, reserved_for_id = NULL
    WHERE id IN (
      SELECT id FROM (
        SELECT s.id, row_number() OVER (
                 PARTITION BY s.task_id
                 ORDER BY s.state = 'leased', s.reserved_for_id IS NOT NULL, s.queue_seq DESC) AS place,
               count(*) OVER (PARTITION BY s.task_id)
               - greatest(:overlap - (SELECT count(*) FROM task_slots f
                                      WHERE f.task_id = s.task_id AND f.state = 'filled'), 0) AS surplus
        FROM task_slots s WHERE s.task_id = ANY(:tasks) AND s.state IN ('open', 'leased')) ranked
      WHERE place <= surplus)
    """
)
# A missing slot is made closed, if no closed one is left over, and opened with the others.
MISSING = text(
    """
    INSERT INTO task_slots (task_id, project_id, state, priority_class)
    SELECT t.id, t.project_id, 'closed', t.priority_class
    FROM tasks t, generate_series(1, :overlap - (SELECT count(*) FROM task_slots s WHERE s.task_id = t.id))
    WHERE t.id = ANY(:tasks)
    """
)
TO_OPEN = text(
    """
    SELECT id FROM (
      SELECT s.id, s.task_id, s.state, row_number() OVER (
        PARTITION BY s.task_id ORDER BY s.state = 'closed', s.id) AS place
      FROM task_slots s WHERE s.task_id = ANY(:tasks)) placed
    WHERE state = 'closed' AND place <= :overlap ORDER BY task_id, id
    """
)
SETTLE = text(
    """
    UPDATE tasks SET overlap = :overlap, state = CASE
      WHEN EXISTS (SELECT 1 FROM task_slots s WHERE s.task_id = tasks.id AND s.state IN ('open', 'leased'))
      THEN 'open' ELSE 'done' END
    WHERE id = ANY(:tasks)
    """
)


def change_overlap(
    session: Session, *, actor: User, project_id: int, overlap: int, which: Which, after: int = 0
) -> Batch:
    """Change the overlap of up to `BATCH` ranking tasks with ids over `after`.

    `open` leaves done tasks alone, `all` opens them again when they are to get more. Practice and gold have no overlap.
    Call it until there are none left, with a commit after each.
    """
    query = (
        select(Task.id)
        .where(Task.project_id == project_id, Task.id > after, Task.overlap != overlap)
        .where(Task.kind == "ranking", Task.purpose == "collect")
        .where(Task.state.in_(["open"] if which == "open" else ["open", "done"]))
        .order_by(Task.id)
        .limit(BATCH)
        .with_for_update(key_share=True)
    )
    task_ids = list(session.scalars(query))
    if not task_ids:
        return Batch(0, None)
    _set_overlap(session, project_id, task_ids, overlap)
    detail = {"overlap": overlap, "which": which, "tasks": len(task_ids), "from": task_ids[0], "to": task_ids[-1]}
    _record(session, actor, "tasks.overlap", "project", project_id, project_id, detail)
    return Batch(len(task_ids), task_ids[-1])


def change_task(session: Session, *, actor: User, project_id: int, task_id: int, changes: dict[str, Any]) -> Task:
    """Change one task: `overlap` (how many judgments), `reserved_for` (a member's id, or None for anybody).

    Raises:
        NotFound: there is no such task in the project.
        Conflict: the task is retired, or cannot be reserved for this person.
    """
    task = find_task(session, project_id, task_id)
    if task.state == "retired":
        raise Conflict("this task is retired", type="task-retired", advice="Open a new one over the same completions.")
    if "overlap" in changes:
        _check_has_slots(task)
        _set_overlap(session, project_id, [task.id], changes["overlap"])
    if "reserved_for" in changes:
        _check_has_slots(task)
        reserve(session, task, changes["reserved_for"])
    if changes:
        _record(session, actor, "task.changed", "task", task.id, project_id, changes)
    session.refresh(task)
    return task


def find_task(session: Session, project_id: int, task_id: int) -> Task:
    """The project's task, held; `NotFound` when it has none with this id."""
    here = select(exists().where(Task.id == task_id, Task.project_id == project_id))
    if not session.scalar(here):
        raise NotFound("there is no such task in this project")
    return slots.lock_task(session, task_id)


def _check_has_slots(task: Task) -> None:
    if task.purpose == "blind":
        raise Unprocessable("a blind comparison takes one vote on each prompt, from whoever is free", field="overlap")
    if task.purpose in KNOWN:
        raise Unprocessable(
            "this task's right order is known: everybody gets it once, so it has no overlap and no reservation",
            field="overlap",
        )


def _set_overlap(session: Session, project_id: int, task_ids: Sequence[int], overlap: int) -> None:
    wanted = {"tasks": list(task_ids), "overlap": overlap}
    session.execute(
        select(TaskSlot.id)
        .where(TaskSlot.task_id.in_(task_ids), TaskSlot.state.in_(LIVE))
        .order_by(TaskSlot.id)
        .with_for_update()
    ).all()
    session.execute(SURPLUS, wanted)
    session.execute(MISSING, wanted)
    slots.requeue(session, project_id, list(session.scalars(TO_OPEN, wanted)))
    session.execute(SETTLE, wanted)


def reserve(session: Session, task: Task, user_id: int | None) -> None:
    """Keep one of the task's slots for a member; None gives every reserved one back to everybody. The task is held.

    Raises:
        Conflict: the person cannot rank this task any more, or all of its slots are taken.
        Unprocessable: they are not somebody who ranks in this project.
    """
    if user_id is None:
        _give_back(session, TaskSlot.task_id == task.id)
        return
    _check_can_rank(session, task, user_id)
    known = select(TaskSlot.id).where(
        TaskSlot.task_id == task.id, TaskSlot.reserved_for_id == user_id, TaskSlot.state.in_(LIVE)
    )
    if session.scalars(known).first() is not None:
        return
    slot = _slot_to_reserve(session, task, user_id)
    if slot is None:
        raise Conflict(
            "all of this task's slots are taken",
            type="no-open-slot",
            advice="Raise its overlap too, or wait until somebody skips it.",
        )
    slot.reserved_for_id = user_id
    session.flush()


def _slot_to_reserve(session: Session, task: Task, user_id: int) -> TaskSlot | None:
    own = select(Assignment.id).where(Assignment.task_id == task.id, Assignment.annotator_id == user_id)
    return session.scalars(
        select(TaskSlot)
        .where(
            TaskSlot.task_id == task.id,
            TaskSlot.reserved_for_id.is_(None),
            (TaskSlot.state == "open")
            | ((TaskSlot.state == "leased") & (TaskSlot.assignment_id == own.scalar_subquery())),
        )
        .order_by(TaskSlot.state, TaskSlot.queue_seq)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _check_can_rank(session: Session, task: Task, user_id: int) -> None:
    here = exists().where(
        Membership.project_id == task.project_id,
        Membership.user_id == user_id,
        Membership.role.in_(["annotator", "admin"]),
    )
    if not session.scalar(select(here)):
        raise Unprocessable("a task can be reserved for an annotator or admin of its project", field="reserved_for")
    finished = exists().where(
        Assignment.task_id == task.id,
        Assignment.annotator_id == user_id,
        Assignment.state.in_(["submitted", "skipped"]),
    )
    wrote = exists().where(
        TaskCompletion.task_id == task.id,
        Completion.id == TaskCompletion.completion_id,
        Completion.user_id == user_id,
    )
    if session.scalar(select(finished | wrote)):
        raise Conflict(
            "this person has ranked or skipped the task already, or wrote one of its completions",
            type="cannot-reserve",
            advice="Reserve it for somebody else.",
        )


def give_back_reserved(session: Session, project_id: int, user_id: int) -> None:
    """Open what is reserved for a person in a project to everybody. Holds the tasks."""
    theirs = select(TaskSlot.task_id).where(
        TaskSlot.reserved_for_id == user_id, TaskSlot.project_id == project_id, TaskSlot.state.in_(LIVE)
    )
    held = select(Task.id).where(Task.id.in_(theirs)).order_by(Task.id).with_for_update(key_share=True)
    if session.scalars(held).all():
        _give_back(session, TaskSlot.reserved_for_id == user_id, TaskSlot.project_id == project_id)


def _give_back(session: Session, *which: Any) -> None:
    """A slot that comes into everybody's queue takes a new number there, so that nobody's cursor has passed it."""
    freed = session.execute(
        update(TaskSlot)
        .where(*which, TaskSlot.reserved_for_id.is_not(None), TaskSlot.state.in_(LIVE))
        .values(reserved_for_id=None)
        .returning(TaskSlot.id, TaskSlot.project_id, TaskSlot.state)
        .execution_options(synchronize_session=False)
    ).all()
    opened = sorted(row.id for row in freed if row.state == "open")
    if opened:
        slots.requeue(session, freed[0].project_id, opened)


def retire_task(session: Session, task: Task) -> None:
    """Ask for no more judgments of a task, which must be held. Judgments stay; what people hold comes in as `extra`."""
    session.execute(
        update(TaskSlot)
        .where(TaskSlot.task_id == task.id, TaskSlot.state.in_(LIVE))
        .values(state="closed", assignment_id=None, reserved_for_id=None)
        .execution_options(synchronize_session=False)
    )
    task.state = "retired"
    session.flush()


def _record(
    session: Session,
    actor: User,
    action: str,
    object_type: str,
    object_id: int,
    project_id: int,
    detail: dict[str, Any],
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type=object_type,
        object_id=object_id,
        project_id=project_id,
        detail=detail,
    )
