"""The loop's numbers: what is there, what is new since the last training."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.datasets.tables import DatasetSnapshot
from app.loop.retraining import Situation, Today
from app.loop.tables import Cycle
from app.projects.settings import LoopSettings, settings_of
from app.projects.tables import Project
from app.prompts.tables import Prompt
from app.rankings.tables import Comparison, Ranking
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from app.tasks.tables import Task

UNDER_WAY = ("running", "waiting")


def current_comparisons(project_id: int) -> Select[int]:
    """A query that counts the comparisons of judgments that hold: not superseded, not withdrawn."""
    return (
        select(func.count())
        .select_from(Comparison)
        .join(Ranking, Ranking.id == Comparison.ranking_id)
        .where(Comparison.project_id == project_id, Ranking.superseded_by_id.is_(None), Ranking.withdrawn_at.is_(None))
    )


def last_training(session: Session, project_id: int) -> datetime | None:
    """When the newest training data was frozen: for the last cycle, or for the live reward model, whichever is later.

    A cycle that failed before it froze anything counts from its start, so that it is not tried again at once.
    """
    of_cycles = (
        select(func.max(func.coalesce(DatasetSnapshot.created_at, Cycle.created_at)))
        .select_from(Cycle)
        .outerjoin(Run, Run.id == Cycle.reward_run_id)
        .outerjoin(DatasetSnapshot, DatasetSnapshot.id == Run.dataset_snapshot_id)
        .where(Cycle.project_id == project_id, DatasetSnapshot.id.is_not(None) | Cycle.state.not_in(UNDER_WAY))
    )
    of_live = (
        select(func.max(DatasetSnapshot.created_at))
        .join(ModelVersion, ModelVersion.dataset_snapshot_id == DatasetSnapshot.id)
        .where(ModelVersion.project_id == project_id, ModelVersion.kind == "reward", ModelVersion.stage == "live")
    )
    known = [moment for moment in (session.scalar(of_cycles), session.scalar(of_live)) if moment is not None]
    return max(known, default=None)


def situation(session: Session, project_id: int) -> Situation:
    """What the retraining rule looks at."""
    since = last_training(session, project_id)
    query = current_comparisons(project_id)
    if since is not None:
        query = query.where(Ranking.created_at > since)
    under_way = select(Cycle.id).where(Cycle.project_id == project_id, Cycle.state.in_(UNDER_WAY))
    return Situation(
        new_comparisons=session.scalar(query) or 0,
        since=since,
        now=session.execute(select(func.now())).scalar_one(),
        under_way=session.scalar(under_way.limit(1)) is not None,
        today=today(session, project_id, settings_of(session.get_one(Project, project_id)).loop),
    )


def today(session: Session, project_id: int, settings: LoopSettings) -> Today:
    """What the day (UTC) has had so far; nothing is counted that no limit asks for."""
    begin = func.date_trunc("day", func.now())
    cycles, minutes = 0, 0.0
    if settings.cycles_per_day is not None:
        started = select(func.count()).where(Cycle.project_id == project_id, Cycle.created_at >= begin)
        cycles = session.scalar(started) or 0
    if settings.compute_minutes_per_day is not None:
        until = func.coalesce(Run.finished_at, func.now())
        seconds = func.extract("epoch", until - func.greatest(Run.started_at, begin))
        at_work = select(func.sum(seconds)).where(Run.project_id == project_id, Run.started_at.is_not(None))
        minutes = float(session.scalar(at_work.where(until > begin)) or 0) / 60
    return Today(cycles=cycles, compute_minutes=minutes)


def count_prompts(session: Session, project_id: int) -> dict[str, int]:
    """Active prompts: `total` and by split."""
    rows = session.execute(
        select(Prompt.split, func.count())
        .where(Prompt.project_id == project_id, Prompt.state == "active")
        .group_by(Prompt.split)
    )
    by_split: dict[str, int] = dict(rows.tuples().all())
    return {"total": sum(by_split.values()), "train": 0, "validation": 0, "test": 0, **by_split}


def count_completions(session: Session, project_id: int) -> int:
    """Completions of the project's prompts."""
    query = (select(func.count()).select_from(Completion).join(Prompt, Prompt.id == Completion.prompt_id)).where(
        Prompt.project_id == project_id
    )
    return session.scalar(query) or 0


def count_tasks(session: Session, project_id: int) -> dict[str, int]:
    """Ranking tasks that still want a judgment, and those that have all of theirs; none whose answer is known."""
    collected = (Task.project_id == project_id, Task.kind == "ranking", Task.purpose == "collect")
    rows = session.execute(select(Task.state, func.count()).where(*collected).group_by(Task.state))
    by_state: dict[str, int] = dict(rows.tuples().all())
    return {"open": by_state.get("open", 0), "done": by_state.get("done", 0)}


def count_rankings(session: Session, project_id: int) -> dict[str, int]:
    """Judgments that hold, all and those of today (UTC); none on tasks whose answer is known."""
    known = select(Task.id).where(Task.project_id == project_id, Task.purpose != "collect")
    holds: tuple[Any, ...] = (
        Ranking.project_id == project_id,
        Ranking.superseded_by_id.is_(None),
        Ranking.withdrawn_at.is_(None),
        Ranking.task_id.not_in(known),
    )
    today = func.count().filter(Ranking.created_at >= func.date_trunc("day", func.now()))
    total, of_today = session.execute(select(func.count(), today).where(*holds)).one()
    return {"total": total, "today": of_today}


def count_comparisons(session: Session, project_id: int) -> dict[str, int]:
    """Comparisons that hold, and how many of them are ties."""
    query = current_comparisons(project_id)
    return {"total": session.scalar(query) or 0, "ties": session.scalar(query.where(Comparison.tie)) or 0}
