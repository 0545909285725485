"""What people have done so far: counted as it happens, day by day, so that no count grows with the work done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.rankings.tables import Comparison, Ranking
from app.statements import Statement
from app.tasks.tables import Task

RECENT: Final = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """One person's judgments in a project; days are UTC days, the median is of their last 50."""

    today: int
    total: int
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a project has to learn from."""

    rankings: int
    comparisons: int
    ties: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """An own judgment and until when it can be edited."""

    ranking: Ranking
    prompt: Prompt
    editable_until: datetime


What = Literal["judged", "written"]
TODAY: Final = "CAST(now() AT TIME ZONE 'UTC' AS date)"
COUNT: Final = {
    what: f"""
    INSERT INTO annotator_days (annotator_id, project_id, day, {what}) VALUES (:annotator, :project, {TODAY}, 1)
    ON CONFLICT (annotator_id, project_id, day) DO UPDATE SET {what} = annotator_days.{what} + 1
    """  # noqa: S608 - made of constants
    for what in ("judged", "written")
}
TODAYS: Final = f"""
    SELECT judged FROM annotator_days WHERE annotator_id = :annotator AND project_id = :project AND day = {TODAY}
"""  # noqa: S608 - made of constants
# A statement does not see what it writes itself, so today's row comes from `today`, the days before from the table.
# The limit is written out: with a parameter PostgreSQL takes it for a tenth of all rows, and plans anew each time.
PROGRESS: Final = f"""
    SELECT coalesce((SELECT judged FROM today), 0) AS today,
           coalesce((SELECT judged FROM today), 0)
           + coalesce((SELECT sum(judged) FROM annotator_days
                       WHERE annotator_id = :annotator AND project_id = :project AND day <> {TODAY}), 0) AS total,
           (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY active_ms) FROM (
              SELECT active_ms FROM rankings
              WHERE annotator_id = :annotator AND project_id = :project
                AND superseded_by_id IS NULL AND withdrawn_at IS NULL
              ORDER BY created_at DESC LIMIT {RECENT}) last) AS median_ms
"""  # noqa: S608 - made of constants
LOOK: Final = Statement(text(f"WITH today AS ({TODAYS}) {PROGRESS}"))
COUNT_ONLY: Final = {what: text(statement) for what, statement in COUNT.items()}


def count_judgment(session: Session, *, project_id: int, annotator_id: int, what: What = "judged") -> None:
    """Count one judgment (or text) of today, in the transaction that writes it; not for practice and revisions."""
    session.execute(COUNT_ONLY[what], {"project": project_id, "annotator": annotator_id})


def progress_of(session: Session, *, project_id: int, annotator_id: int) -> Progress:
    """How much this person has done, each judgment once, however often it was revised."""
    row = LOOK.one(session, {"project": project_id, "annotator": annotator_id})
    seconds = None if row.median_ms is None else round(row.median_ms / 1000, 1)
    return Progress(today=int(row.today), total=int(row.total), median_seconds=seconds)


def count_comparisons(session: Session, project_id: int, *, since: datetime | None = None) -> Counts:
    """Current rankings and their comparisons, all or those written after `since`; none whose answer is known."""
    known = select(Task.id).where(Task.project_id == project_id, Task.purpose != "collect")
    rankings = select(Ranking.id).where(
        Ranking.project_id == project_id,
        Ranking.superseded_by_id.is_(None),
        Ranking.withdrawn_at.is_(None),
        Ranking.task_id.not_in(known),
    )
    if since is not None:
        rankings = rankings.where(Ranking.created_at > since)
    current = rankings.subquery()
    pairs = session.execute(
        select(func.count(), func.count().filter(Comparison.tie)).join_from(
            Comparison, current, Comparison.ranking_id == current.c.id
        )
    ).one()
    return Counts(session.scalar(select(func.count()).select_from(current)) or 0, pairs[0], pairs[1])


def list_history(
    session: Session, *, project_id: int, annotator_id: int, page: PageRequest, edit_window: timedelta
) -> Rows[HistoryRow]:
    """A person's own judgments, newest first; practice is no work and left out."""
    practice = select(Task.id).where(Task.project_id == project_id, Task.purpose == "practice")
    query = select(Ranking).where(
        Ranking.project_id == project_id,
        Ranking.annotator_id == annotator_id,
        Ranking.superseded_by_id.is_(None),
        Ranking.task_id.not_in(practice),
    )
    rows = page_by_id(session, query, Ranking.id, page)
    first = aliased(Ranking)
    found = session.execute(
        select(Ranking.id, Prompt, first.created_at)
        .join(Task, Task.id == Ranking.task_id)
        .join(Prompt, Prompt.id == Task.prompt_id)
        .join(first, (first.assignment_id == Ranking.assignment_id) & (first.revision == 1))
        .where(Ranking.id.in_([one.id for one in rows.items]))
    )
    details = {ranking_id: (prompt, opened) for ranking_id, prompt, opened in found}
    items = [HistoryRow(one, details[one.id][0], details[one.id][1] + edit_window) for one in rows.items]
    return Rows(items=items, next_cursor=rows.next_cursor)
