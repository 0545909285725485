"""Give a person a task whose right order is known: gold among their work, practice before it. Everybody gets each once.

Such tasks have no slots, so any number of people may hold one at the same time.
"""

from typing import Final, Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.tasks.claiming import ALLOWED, IN_QUEUE, KEYS, TAKE, WORKS_HERE, Claimant
from app.tasks.tables import Assignment, Task

KnownPurpose = Literal["gold", "practice"]

# Practice comes in its own order. Gold comes in an order of each person's own, and only while there is other work:
# a task that appears after the last one would give itself away.
ORDER: Final[dict[KnownPurpose, str]] = {
    "practice": "t.id",
    "gold": "hashint8extended(t.id, :annotator)",
}
WHEN: Final[dict[KnownPurpose, str]] = {
    "practice": "true",
    "gold": f"EXISTS (SELECT 1 FROM task_slots s WHERE {IN_QUEUE} AND s.priority_class BETWEEN 0 AND 19999)",  # noqa: S608
}
CLAIM: Final = {
    purpose: text(
        f"""
    WITH chosen AS MATERIALIZED (
      SELECT t.id AS task_id FROM tasks t
      WHERE t.project_id = :project AND t.purpose = '{purpose}' AND t.state = 'open' AND t.kind = 'ranking'
        AND {ALLOWED.format(task="t.id")} AND {WORKS_HERE} AND {WHEN[purpose]}
      ORDER BY {ORDER[purpose]} LIMIT 1)
    {TAKE}
    """  # noqa: S608 - made of constants
    )
    .bindparams(KEYS)
    .columns(*Assignment.__table__.columns)
    for purpose in ORDER
}


def claim_known(session: Session, claimant: Claimant, purpose: KnownPurpose) -> Assignment | None:
    """Lease a gold or practice task that this person has no assignment for, or lost; None when there is none left.

    The person must be held, as `claiming.look` does.
    """
    query = select(Assignment).from_statement(CLAIM[purpose])
    return session.scalars(query, claimant.parameters(), execution_options={"populate_existing": True}).one_or_none()


def count_known(session: Session, project_id: int, purpose: KnownPurpose) -> int:
    """Gold or practice tasks that a project uses."""
    used = select(func.count()).where(Task.project_id == project_id, Task.purpose == purpose, Task.state == "open")
    return session.scalar(used) or 0
