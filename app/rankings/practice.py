"""The practice round: where a person stands in it. Its tasks have known answers, and anybody gets each of them once.

An attempt is over when all practice tasks are submitted. A failed one gives the tasks back (their assignments expire),
and the next attempt's judgments supersede the earlier ones.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.projects.tables import Membership
from app.tasks.tables import Assignment, Task


@dataclass(frozen=True, slots=True)
class Place:
    """A task's place in the round: the `number`-th `of` so many, in this `attempt`."""

    number: int
    of: int
    attempt: int


def place_of(session: Session, assignment: Assignment, membership: Membership) -> Place:
    """Which of the practice tasks this is, in the order in which the person got them."""
    tasks = select(func.count()).where(
        Task.project_id == assignment.project_id, Task.purpose == "practice", Task.state == "open"
    )
    submitted = (
        select(func.count())
        .select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .where(
            Task.project_id == assignment.project_id,
            Task.purpose == "practice",
            Task.state == "open",
            Assignment.annotator_id == assignment.annotator_id,
            Assignment.state == "submitted",
            Assignment.id != assignment.id,
        )
    )
    of = session.scalar(tasks) or 0
    return Place((session.scalar(submitted) or 0) + 1, of, membership.practice_attempt)
