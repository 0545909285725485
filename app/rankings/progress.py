"""What people have done so far: counted, never stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.tables import Prompt
from app.rankings.tables import Comparison, Ranking
from app.tasks.tables import Task

RECENT = 50


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


def progress_of(session: Session, *, project_id: int, annotator_id: int) -> Progress:
    """How much this person has done: judgments that count, however often they were revised."""
    own = (
        Ranking.project_id == project_id,
        Ranking.annotator_id == annotator_id,
        Ranking.superseded_by_id.is_(None),
        Ranking.withdrawn_at.is_(None),
    )
    today = func.count().filter(Ranking.created_at >= func.date_trunc("day", func.now()))
    total, done_today = session.execute(select(func.count(), today).where(*own)).one()
    recent = session.scalars(
        select(Ranking.active_ms).where(*own).order_by(Ranking.created_at.desc()).limit(RECENT)
    ).all()
    return Progress(today=done_today, total=total, median_seconds=round(median(recent) / 1000, 1) if recent else None)


def count_comparisons(session: Session, project_id: int, *, since: datetime | None = None) -> Counts:
    """Current rankings and their comparisons, all or those written after `since`."""
    rankings = select(Ranking.id).where(
        Ranking.project_id == project_id, Ranking.superseded_by_id.is_(None), Ranking.withdrawn_at.is_(None)
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
    """A person's own judgments, newest first."""
    query = select(Ranking).where(
        Ranking.project_id == project_id, Ranking.annotator_id == annotator_id, Ranking.superseded_by_id.is_(None)
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
