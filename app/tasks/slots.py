"""Slots: one row for each judgment a task wants, and every way one changes hands.

Lock order, the same for everybody: person (by name) → task → slots → assignment → queue (by name). A claim only takes
a slot that nobody holds (SKIP LOCKED) and then waits for nothing.

The queue lock makes queue numbers become visible in the order they were drawn, project by project. A person's cursor
may therefore move past every number it has seen: nothing smaller can appear behind it. Whatever makes a slot eligible
again for somebody draws a new number.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app import locks
from app.statements import Statement
from app.tasks.tables import KNOWN, Assignment, Task, TaskSlot


def hold_person(session: Session, project_id: int, annotator_id: int) -> None:
    """Let one person's deeds in a project happen one after the other; their tabs may all knock at once."""
    locks.hold(session, locks.of_member(project_id, annotator_id))


def hold_queue(session: Session, project_id: int) -> None:
    """Take the right to draw queue numbers in a project until the transaction ends; the last lock to take."""
    locks.hold(session, f"queue:{project_id}")


def lock_task(session: Session, task_id: int) -> Task:
    """The task, held against other changes; inserts that only refer to it go on."""
    return session.scalars(
        select(Task).where(Task.id == task_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one()


# The task first, then the assignment, as everybody takes them.
HOLD: Final = (
    select(Task, Assignment)
    .join(Assignment, Assignment.task_id == Task.id)
    .where(Assignment.id == bindparam("assignment"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def lock_with_task(session: Session, assignment_id: int) -> tuple[Task, Assignment]:
    """An assignment and its task, fresh and held."""
    task, assignment = session.execute(HOLD, {"assignment": assignment_id}).one()
    return task, assignment


HOLD_OWN: Final = HOLD.where(Assignment.annotator_id == bindparam("annotator"))


def open_slots(session: Session, task: Task, count: int) -> None:
    """Give `task` `count` more open slots at the end of its class's queue."""
    hold_queue(session, task.project_id)
    row = {"task_id": task.id, "project_id": task.project_id, "priority_class": task.priority_class}
    session.execute(insert(TaskSlot), [row] * count)


def own_slot(session: Session, assignment_id: int) -> TaskSlot | None:
    """The slot that an assignment holds, leased or filled, locked."""
    return session.scalars(
        select(TaskSlot)
        .where(TaskSlot.assignment_id == assignment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def free_slot(session: Session, task_id: int, annotator_id: int) -> TaskSlot | None:
    """An open slot of the task that this person may have, locked; waits for a claim that is just taking it.

    Their reserved one goes first. The task must be held.
    """
    return session.scalars(
        select(TaskSlot)
        .where(
            TaskSlot.task_id == task_id,
            TaskSlot.state == "open",
            func.coalesce(TaskSlot.reserved_for_id, annotator_id) == annotator_id,
        )
        .order_by(TaskSlot.reserved_for_id.nulls_last(), TaskSlot.queue_seq)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def lease_slot(session: Session, slot: TaskSlot | None, assignment: Assignment, lease: timedelta) -> None:
    """Lease an assignment again, with the open slot it is to hold; None on gold and practice tasks."""
    if slot is not None:
        slot.state, slot.assignment_id = "leased", assignment.id
        session.flush()
    session.execute(
        update(Assignment)
        .where(Assignment.id == assignment.id)
        .values(state="leased", leased_until=func.now() + lease, skip_reason=None, finished_at=None)
        .execution_options(synchronize_session=False)
    )
    session.refresh(assignment)


# Own slot first, then the one kept for this person, then any open one. What is left is counted without it: a claim that
# is taking another slot meanwhile changes nothing, because open and leased ones count alike.
FILL = Statement(
    text(
        """
    WITH slot AS MATERIALIZED (
      SELECT s.id FROM task_slots s
      WHERE s.task_id = :task AND (s.assignment_id = :assignment OR (
        s.state = 'open' AND (s.reserved_for_id IS NULL OR s.reserved_for_id = :annotator)))
      ORDER BY s.assignment_id NULLS LAST, s.reserved_for_id NULLS LAST, s.queue_seq LIMIT 1 FOR UPDATE),
    filled AS (
      UPDATE task_slots SET state = 'filled', assignment_id = :assignment FROM slot WHERE task_slots.id = slot.id
      RETURNING task_slots.id),
    rest AS MATERIALIZED (
      SELECT count(*) FILTER (WHERE s.state IN ('open', 'leased')) AS live,
             count(*) FILTER (WHERE s.state = 'open') AS open, count(*) FILTER (WHERE s.state = 'filled') AS filled
      FROM task_slots s WHERE s.task_id = :task AND s.id NOT IN (SELECT id FROM slot)),
    done AS (
      UPDATE tasks SET state = 'done' FROM rest, filled WHERE tasks.id = :task AND rest.live = 0)
    SELECT EXISTS (SELECT 1 FROM filled) AS counted, rest.live = 0 AS done, rest.filled = 0 AND rest.open > 0 AS first
    FROM rest
    """
    )
)


def fill_slot(session: Session, task: Task, assignment: Assignment) -> bool:
    """Fill the assignment's own slot, else an open one of the task; False when the task has none left for it.

    The task must be held. Its last judgment makes it done; its first moves its open slots before new tasks. A gold or
    practice task takes everybody's judgment.
    """
    if task.purpose in KNOWN:
        return True
    who = {"task": task.id, "assignment": assignment.id, "annotator": assignment.annotator_id}
    filled = FILL.one(session, who)
    if not filled.counted:
        return False
    if filled.done and isinstance(task, Task):
        set_committed_value(task, "state", "done")
    if filled.first:
        _move_to_half_done(session, task)
    return True


def _move_to_half_done(session: Session, task: Task) -> None:
    held = select(TaskSlot.id).where(TaskSlot.task_id == task.id, TaskSlot.state == "open").with_for_update()
    requeue(session, task.project_id, list(session.scalars(held)))


# One less than the task's own class is its class once a slot is filled: see app/tasks/assignment.py.
REQUEUE = text(
    """
    UPDATE task_slots SET
      state = 'open', assignment_id = NULL, queue_seq = numbered.queue_seq,
      priority_class = tasks.priority_class - (
        SELECT count(*) FROM (SELECT 1 FROM task_slots f WHERE f.task_id = tasks.id AND f.state = 'filled' LIMIT 1) one)
    FROM tasks, (
      SELECT u.id, nextval('task_slot_queue_seq') AS queue_seq FROM unnest(CAST(:slots AS bigint[])) AS u(id)) numbered
    WHERE tasks.id = task_slots.task_id AND task_slots.id = numbered.id
    """
)


def requeue(session: Session, project_id: int, slot_ids: Sequence[int]) -> None:
    """Open these slots of a project, or keep them open, in this order at the end of the queue they belong to now.

    Their tasks and they themselves must be held. A reservation stays.
    """
    if slot_ids:
        hold_queue(session, project_id)
        session.execute(REQUEUE, {"slots": list(slot_ids)})


def release(session: Session, assignment: Assignment) -> None:
    """Open the slot that a leased assignment holds for somebody else. The task must be held."""
    slot = own_slot(session, assignment.id)
    if slot is not None and slot.state == "leased":
        requeue(session, slot.project_id, [slot.id])
        session.expire(slot)


OVERDUE = text(
    """
    SELECT t.id, t.project_id FROM tasks t
    WHERE t.id IN (SELECT a.task_id FROM assignments a WHERE a.state = 'leased' AND a.leased_until < now()
                   ORDER BY a.leased_until LIMIT :limit)
    ORDER BY t.project_id, t.id FOR NO KEY UPDATE OF t SKIP LOCKED
    """
)
# Leases that end: overdue ones, and all that one person has.
ENDED: Final = "(a.leased_until < now() OR a.annotator_id = CAST(:annotator AS bigint))"
# The slots of these leases and their open neighbours: whoever lost a lease may have passed those by.
AFFECTED = text(
    f"""
    SELECT s.id FROM task_slots s LEFT JOIN assignments a ON a.id = s.assignment_id
    WHERE s.task_id = ANY(:tasks)
      AND (s.state = 'open' OR (s.state = 'leased' AND a.state = 'leased' AND {ENDED}))
    ORDER BY s.queue_seq FOR UPDATE OF s
    """  # noqa: S608 - ENDED is a constant of this file
)
EXPIRE = text(
    f"""
    UPDATE assignments SET state = 'expired', finished_at = now()
    WHERE id IN (SELECT a.id FROM assignments a
                 WHERE a.task_id = ANY(:tasks) AND a.state = 'leased' AND {ENDED} FOR NO KEY UPDATE OF a)
    RETURNING id
    """  # noqa: S608 - ENDED is a constant of this file
)
# A task none of whose leases ended keeps its place in the queue.
REOPENED = text(
    """
    SELECT s.id FROM task_slots s
    WHERE s.id = ANY(:slots) AND (s.state = 'open' OR s.assignment_id = ANY(:ended))
      AND s.task_id IN (SELECT a.task_id FROM assignments a WHERE a.id = ANY(:ended))
    ORDER BY s.queue_seq
    """
)


def expire_overdue(session: Session, limit: int) -> int:
    """Take back up to `limit` leases that ran out and reopen their slots; how many."""
    overdue: dict[int, list[int]] = {}
    for task_id, project_id in session.execute(OVERDUE, {"limit": limit}):
        overdue.setdefault(project_id, []).append(task_id)
    return sum(_end_leases(session, project_id, task_ids) for project_id, task_ids in sorted(overdue.items()))


def end_leases_of(session: Session, project_id: int, annotator_id: int) -> int:
    """Take back everything a person holds in a project; how many. Drafts stay, and so does the right to submit."""
    hold_person(session, project_id, annotator_id)
    held = (
        select(Task.id)
        .join(Assignment, Assignment.task_id == Task.id)
        .where(
            Assignment.annotator_id == annotator_id, Assignment.project_id == project_id, Assignment.state == "leased"
        )
        .order_by(Task.id)
        .with_for_update(key_share=True, of=Task)
    )
    return _end_leases(session, project_id, list(session.scalars(held)), annotator_id)


def _end_leases(session: Session, project_id: int, task_ids: list[int], annotator_id: int | None = None) -> int:
    whose = {"tasks": task_ids, "annotator": annotator_id}
    affected = list(session.scalars(AFFECTED, whose))
    ended = list(session.scalars(EXPIRE, whose))
    requeue(session, project_id, list(session.scalars(REOPENED, {"slots": affected, "ended": ended})))
    return len(ended)
