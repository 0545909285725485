"""Give a person the best open slot they may have. Its price does not grow with the work that is done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Integer, SmallInteger, bindparam, column, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from app.statements import EntityStatement, Statement, as_object
from app.tasks import slots
from app.tasks.assignment import CLASSES, MOST_LEASES, Kind
from app.tasks.contents import CONTENTS_OF, Contents
from app.tasks.tables import Assignment

# A cursor is only written when it saves at least this many queue numbers of looking.
CURSOR_STRIDE: Final = 256


@dataclass(frozen=True, slots=True)
class Claim:
    """What a person got. `full`: they hold as much as one person may, and all of it is on their desk already."""

    assignment: Assignment | None
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who asks, where, and what chance has in store: `keys` as from `shuffle_keys`.

    `held`: whether their lock in the project is taken already.
    """

    project_id: int
    annotator_id: int
    lease: timedelta
    keys: Sequence[int]
    held: bool = False

    def parameters(self, **more: object) -> dict[str, Any]:
        """Parameters of the statements about this person."""
        return {
            "project": self.project_id,
            "annotator": self.annotator_id,
            "lease": self.lease,
            "keys": list(self.keys),
            **more,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person holds and did: own leases, one that is not on their desk, judgments and texts of this UTC day."""

    leases: int
    waiting: int | None
    today: int

    @property
    def full(self) -> bool:
        """Whether they hold as much as one person may."""
        return self.leases >= MOST_LEASES


def claim(session: Session, claimant: Claimant, holding: Collection[int] = (), *, kind: Kind = "ranking") -> Claim:
    """An own lease that is not in `holding` (ids of assignments on the desk), else the best open slot, now leased."""
    standing = look(session, claimant, holding, kind=kind)
    if standing.waiting is not None:
        return Claim(resume(session, standing.waiting))
    if standing.full:
        return Claim(None, full=True)
    leased = lease_best(session, claimant, kind=kind)
    return Claim(as_object(Assignment, leased.assignment) if leased else None)


def claim_writing(session: Session, claimant: Claimant, holding: Collection[int] = ()) -> Claim:
    """The same for tasks that ask for a demonstration; they count by themselves, not with the rankings on the desk."""
    return claim(session, claimant, holding, kind="writing")


# Asking for work is a sign of life: all of a person's leases start anew.
LOOK = Statement(
    text(
        """
    WITH renewed AS (
      UPDATE assignments a SET leased_until = now() + :lease FROM tasks t
      WHERE a.annotator_id = :annotator AND a.project_id = :project AND a.state = 'leased' AND t.id = a.task_id
      RETURNING a.id, t.kind)
    SELECT count(*) AS leases, min(id) FILTER (WHERE id <> ALL(:holding)) AS waiting,
           coalesce((SELECT judged + written FROM annotator_days WHERE annotator_id = :annotator
                     AND project_id = :project AND day = CAST(now() AT TIME ZONE 'UTC' AS date)), 0) AS today
    FROM renewed WHERE kind = :kind
    """
    ).bindparams(bindparam("holding", type_=ARRAY(BigInteger)))
)


def look(session: Session, claimant: Claimant, holding: Collection[int] = (), *, kind: Kind = "ranking") -> Standing:
    """Where the person stands, their leases renewed; until the transaction ends they do nothing else meanwhile."""
    if not claimant.held:
        slots.hold_person(session, claimant.project_id, claimant.annotator_id)
    row = LOOK.one(session, claimant.parameters(kind=kind, holding=list(holding)))
    return Standing(row.leases, row.waiting, row.today)


def resume(session: Session, assignment_id: int) -> Assignment:
    """An own assignment that is leased already, as it is now."""
    return session.get_one(Assignment, assignment_id, populate_existing=True)


# Whoever was paused or removed a moment ago gets nothing more; a mark never moves because of that.
WORKS_HERE: Final = """
    EXISTS (SELECT 1 FROM memberships m
            WHERE m.project_id = :project AND m.user_id = :annotator AND m.paused_at IS NULL
              AND m.role IN ('annotator', 'admin'))
"""
# What this person may have: a task they never held, or lost when the lease ran out, and nothing they wrote themselves.
ALLOWED: Final = """
    NOT EXISTS (SELECT 1 FROM assignments a
                    WHERE a.task_id = {task} AND a.annotator_id = :annotator AND a.state <> 'expired')
    AND NOT EXISTS (SELECT 1 FROM task_completions tc JOIN completions c ON c.id = tc.completion_id
                    WHERE tc.task_id = {task} AND c.user_id = :annotator)
"""
# The assignment for the one row of `chosen(task_id)`: a new one, or the one whose lease ran out. Its columns are named:
# a statement that is prepared must not change what it answers when a migration adds one.
COLUMNS: Final = ", ".join(one.name for one in Assignment.__table__.columns)
TAKE: Final = f"""
      INSERT INTO assignments (task_id, project_id, annotator_id, state, leased_until, shown_order)
      SELECT chosen.task_id, :project, :annotator, 'leased', now() + :lease,
             coalesce((SELECT array_agg(tc.completion_id ORDER BY (CAST(:keys AS integer[]))[tc.position + 1])
                       FROM task_completions tc WHERE tc.task_id = chosen.task_id), '{{}}')
      FROM chosen
      ON CONFLICT (task_id, annotator_id) DO UPDATE
        SET state = 'leased', leased_until = excluded.leased_until, finished_at = NULL
        WHERE assignments.state = 'expired'
      RETURNING {COLUMNS}
"""  # noqa: S608 - made of the table's own names
IN_QUEUE: Final = "s.project_id = :project AND s.state = 'open' AND s.reserved_for_id IS NULL"
KEYS: Final = bindparam("keys", type_=ARRAY(Integer))

# The classes come from a loose index scan: one look-up for each that has an open slot, however many slots there are.
# In each the first slot behind the person's mark is taken; `behind` names the classes whose mark is worth moving.
LEASE = (
    text(
        f"""
    WITH RECURSIVE classes(class) AS (
      (SELECT s.priority_class FROM task_slots s
       WHERE {IN_QUEUE} AND s.priority_class BETWEEN :first AND :last ORDER BY s.priority_class LIMIT 1)
      UNION ALL
      SELECT (SELECT s.priority_class FROM task_slots s
              WHERE {IN_QUEUE} AND s.priority_class > c.class AND s.priority_class <= :last
              ORDER BY s.priority_class LIMIT 1)
      FROM classes c WHERE c.class IS NOT NULL),
    queue AS MATERIALIZED (
      SELECT c.class, coalesce(k.after_queue_seq, 0) AS after FROM classes c
      LEFT JOIN annotator_cursors k
        ON k.annotator_id = :annotator AND k.project_id = :project AND k.priority_class = c.class
      WHERE c.class IS NOT NULL ORDER BY c.class),
    reserved AS MATERIALIZED (
      SELECT s.id, s.task_id, CAST(NULL AS smallint) AS class, s.queue_seq FROM task_slots s
      WHERE s.reserved_for_id = :annotator AND s.project_id = :project AND s.state = 'open'
        AND s.priority_class BETWEEN :first AND :last AND {ALLOWED.format(task="s.task_id")}
        AND {WORKS_HERE}
      ORDER BY s.queue_seq LIMIT 1 FOR UPDATE OF s SKIP LOCKED),
    best AS MATERIALIZED (
      SELECT b.id, b.task_id, q.class, b.queue_seq FROM queue q CROSS JOIN LATERAL (
        SELECT s.id, s.task_id, s.queue_seq FROM task_slots s
        WHERE {IN_QUEUE} AND s.priority_class = q.class AND s.queue_seq > q.after
          AND {ALLOWED.format(task="s.task_id")}
        ORDER BY s.queue_seq LIMIT 1 FOR UPDATE OF s SKIP LOCKED) b
      WHERE {WORKS_HERE} AND NOT EXISTS (SELECT 1 FROM reserved) LIMIT 1),
    chosen AS (SELECT * FROM reserved UNION ALL SELECT * FROM best),
    leased AS ({TAKE}),
    taken AS (
      UPDATE task_slots SET state = 'leased', assignment_id = leased.id
      FROM chosen JOIN leased USING (task_id) WHERE task_slots.id = chosen.id)
    SELECT leased.*, (
      SELECT array_agg(q.class) FROM queue q LEFT JOIN best ON true
      WHERE NOT EXISTS (SELECT 1 FROM reserved) AND CASE
        WHEN q.class = best.class THEN best.queue_seq - q.after > :stride
        WHEN q.class > best.class THEN false
        ELSE EXISTS (SELECT 1 FROM task_slots s
                     WHERE {IN_QUEUE} AND s.priority_class = q.class AND s.queue_seq > q.after) END) AS behind,
      {CONTENTS_OF.format(task="leased.task_id")} AS contents
    FROM (SELECT 1) AS always LEFT JOIN leased ON true
    """  # noqa: S608 - made of constants of this file
    )
    .bindparams(KEYS)
    .columns(*Assignment.__table__.columns, column("behind", ARRAY(SmallInteger)), column("contents", JSONB))
)

BEST: Final = EntityStatement(
    select(Assignment, column("behind", ARRAY(SmallInteger)), column("contents", JSONB)).from_statement(LEASE)
)

# Everything up to the new mark is not for this person: slots that others are just taking count as still there.
MOVE_CURSOR = text(
    f"""
    INSERT INTO annotator_cursors (annotator_id, project_id, priority_class, after_queue_seq)
    SELECT :annotator, :project, moved.class, moved.mark FROM (
      SELECT c.class, coalesce(k.after_queue_seq, 0) AS after, coalesce(
        (SELECT s.queue_seq - 1 FROM task_slots s
         WHERE {IN_QUEUE} AND s.priority_class = c.class AND s.queue_seq > coalesce(k.after_queue_seq, 0)
           AND {ALLOWED.format(task="s.task_id")} ORDER BY s.queue_seq LIMIT 1),
        (SELECT s.queue_seq FROM task_slots s WHERE {IN_QUEUE} AND s.priority_class = c.class
         ORDER BY s.queue_seq DESC LIMIT 1)) AS mark
      FROM unnest(CAST(:classes AS smallint[])) AS c(class)
      LEFT JOIN annotator_cursors k
        ON k.annotator_id = :annotator AND k.project_id = :project AND k.priority_class = c.class) moved
    WHERE moved.mark > moved.after
    ON CONFLICT (annotator_id, project_id, priority_class) DO UPDATE SET after_queue_seq = excluded.after_queue_seq
    """  # noqa: S608 - made of constants of this file
)


@dataclass(frozen=True, slots=True)
class Leased:
    """An assignment that was just leased, as a copy of its row that can only be read, and what its task is about."""

    assignment: Assignment
    contents: Contents


def lease_best(session: Session, claimant: Claimant, *, kind: Kind = "ranking") -> Leased | None:
    """Lease the slot that is reserved for this person, else the best open one. The person must be held."""
    first, last = CLASSES[kind]
    parameters = claimant.parameters(first=first, last=last, stride=CURSOR_STRIDE)
    found, behind, contents = BEST.one(session, parameters)
    if behind:
        session.execute(MOVE_CURSOR, claimant.parameters(classes=behind))
    return Leased(found, Contents(**contents)) if found else None
