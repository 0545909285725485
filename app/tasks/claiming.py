"""Give a person the best open slot they may have. Its price does not grow with the work that is done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Integer, bindparam, func, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.tasks import slots
from app.tasks.assignment import MOST_LEASES
from app.tasks.tables import Assignment

# A cursor is only written when it saves at least this many queue numbers of looking.
CURSOR_STRIDE: Final = 64


@dataclass(frozen=True, slots=True)
class Claim:
    """What a person got. `full`: they hold as much as one person may, and all of it is on their desk already."""

    assignment: Assignment | None
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who asks, where, and what chance has in store: `keys` as from `shuffle_keys`."""

    project_id: int
    annotator_id: int
    lease: timedelta
    keys: Sequence[int]

    def parameters(self, priority_class: int, after: int) -> dict[str, object]:
        """Parameters of the statements below."""
        return {
            "project": self.project_id,
            "annotator": self.annotator_id,
            "class": priority_class,
            "after": after,
            "lease": self.lease,
            "keys": list(self.keys),
        }


def claim(session: Session, claimant: Claimant, holding: Collection[int] = ()) -> Claim:
    """An own lease that is not in `holding` (ids of assignments on the desk), else the best open slot, now leased."""
    slots.hold_person(session, claimant.project_id, claimant.annotator_id)
    leased = _renew_leases(session, claimant)
    waiting = [assignment for assignment in leased if assignment.id not in holding]
    if waiting:
        return Claim(waiting[0])
    if len(leased) >= MOST_LEASES:
        return Claim(None, full=True)
    return Claim(_lease_best(session, claimant))


def _renew_leases(session: Session, claimant: Claimant) -> list[Assignment]:
    """The person's leases, oldest first; asking for work is a sign of life, so they start anew."""
    rows = session.scalars(
        update(Assignment)
        .where(
            Assignment.annotator_id == claimant.annotator_id,
            Assignment.project_id == claimant.project_id,
            Assignment.state == "leased",
        )
        .values(leased_until=func.now() + claimant.lease)
        .returning(Assignment)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(rows, key=lambda assignment: assignment.id)


# A loose index scan: one look-up for each class that has an open slot, however many slots there are.
OPEN_CLASSES = text(
    """
    WITH RECURSIVE classes(class) AS (
      (SELECT priority_class FROM task_slots WHERE project_id = :project AND state = 'open'
       ORDER BY priority_class LIMIT 1)
      UNION ALL
      SELECT (SELECT s.priority_class FROM task_slots s
              WHERE s.project_id = :project AND s.state = 'open' AND s.priority_class > c.class
              ORDER BY s.priority_class LIMIT 1)
      FROM classes c WHERE c.class IS NOT NULL)
    SELECT c.class, coalesce(k.after_queue_seq, 0) FROM classes c
    LEFT JOIN annotator_cursors k
      ON k.annotator_id = :annotator AND k.project_id = :project AND k.priority_class = c.class
    WHERE c.class IS NOT NULL ORDER BY c.class
    """
)

# What this person may have: a task they never held, or lost when the lease ran out, and nothing they wrote themselves.
ELIGIBLE: Final = """
    s.project_id = :project AND s.state = 'open' AND s.priority_class = :class AND s.queue_seq > :after
    AND NOT EXISTS (SELECT 1 FROM assignments a
                    WHERE a.task_id = s.task_id AND a.annotator_id = :annotator AND a.state <> 'expired')
    AND NOT EXISTS (SELECT 1 FROM task_completions tc JOIN completions c ON c.id = tc.completion_id
                    WHERE tc.task_id = s.task_id AND c.user_id = :annotator)
"""

LEASE = text(
    f"""
    WITH chosen AS MATERIALIZED (
      SELECT s.id, s.task_id, s.queue_seq FROM task_slots s WHERE {ELIGIBLE}
      ORDER BY s.queue_seq LIMIT 1 FOR UPDATE OF s SKIP LOCKED),
    leased AS (
      INSERT INTO assignments (task_id, project_id, annotator_id, state, leased_until, shown_order)
      SELECT chosen.task_id, :project, :annotator, 'leased', now() + :lease,
             (SELECT array_agg(tc.completion_id ORDER BY (CAST(:keys AS integer[]))[tc.position + 1])
              FROM task_completions tc WHERE tc.task_id = chosen.task_id)
      FROM chosen
      ON CONFLICT (task_id, annotator_id) DO UPDATE
        SET state = 'leased', leased_until = excluded.leased_until, finished_at = NULL
        WHERE assignments.state = 'expired'
      RETURNING id, task_id),
    taken AS (
      UPDATE task_slots SET state = 'leased', assignment_id = leased.id
      FROM chosen JOIN leased USING (task_id) WHERE task_slots.id = chosen.id)
    SELECT leased.id, chosen.queue_seq FROM leased JOIN chosen USING (task_id)
    """  # noqa: S608 - ELIGIBLE is a constant of this file
).bindparams(bindparam("keys", type_=ARRAY(Integer)))

# Everything up to the new mark is not for this person: slots that others are just taking count as still there.
MOVE_CURSOR = text(
    f"""
    INSERT INTO annotator_cursors (annotator_id, project_id, priority_class, after_queue_seq)
    SELECT :annotator, :project, :class, mark FROM (
      SELECT coalesce(
        (SELECT s.queue_seq - 1 FROM task_slots s WHERE {ELIGIBLE} ORDER BY s.queue_seq LIMIT 1),
        (SELECT s.queue_seq FROM task_slots s
         WHERE s.project_id = :project AND s.state = 'open' AND s.priority_class = :class
         ORDER BY s.queue_seq DESC LIMIT 1)) AS mark) looked
    WHERE mark > :after
    ON CONFLICT (annotator_id, project_id, priority_class) DO UPDATE SET after_queue_seq = excluded.after_queue_seq
    """  # noqa: S608 - ELIGIBLE is a constant of this file
)


def _lease_best(session: Session, claimant: Claimant) -> Assignment | None:
    who = {"project": claimant.project_id, "annotator": claimant.annotator_id}
    for priority_class, after in list(session.execute(OPEN_CLASSES, who)):
        parameters = claimant.parameters(priority_class, after)
        found = session.execute(LEASE, parameters).one_or_none()
        if found is None or found.queue_seq - after > CURSOR_STRIDE:
            session.execute(MOVE_CURSOR, parameters)
        if found is not None:
            return session.get_one(Assignment, found.id, populate_existing=True)
    return None
