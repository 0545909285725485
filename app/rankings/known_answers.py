"""Judgments on tasks whose right order is known: how far they agree with it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.rankings.agreement import agreement
from app.rankings.comparisons import ranks_of
from app.rankings.tables import Ranking, RankingItem
from app.tasks.tables import KnownAnswer, Task

# With fewer, the number would tell which of the tasks were gold, and little else.
ENOUGH_TO_TELL: Final = 5


@dataclass(frozen=True, slots=True)
class OwnAgreement:
    """A person's judgments on gold tasks, and their mean agreement with the known answers."""

    judged: int
    agreement: float


def own_agreement(
    session: Session, *, project_id: int, annotator_id: int, edit_window: timedelta
) -> OwnAgreement | None:
    """How a person did on the gold tasks among their work; None before there are enough to tell.

    What can still be edited does not count yet: the number would tell which task was gold while it can be corrected.
    """
    settled = func.now() - edit_window
    gold = select(Task.id).where(Task.project_id == project_id, Task.purpose == "gold")
    judged = [
        value
        for values in _agreements(
            session,
            _judged().where(
                Ranking.task_id.in_(gold), Ranking.annotator_id == annotator_id, Ranking.created_at <= settled
            ),
        ).values()
        for value in values
    ]
    return OwnAgreement(len(judged), round(fmean(judged), 3)) if len(judged) >= ENOUGH_TO_TELL else None


def agreements_of(
    session: Session, task_ids: Collection[int], *, annotator_id: int | None = None
) -> dict[int, list[float]]:
    """The agreement, 0 to 1, of each judgment that holds on these tasks, by task: everybody's, or one person's."""
    query = _judged().where(Ranking.task_id.in_(task_ids))
    if annotator_id is not None:
        query = query.where(Ranking.annotator_id == annotator_id)
    return _agreements(session, query)


def _judged() -> Select[Any]:
    """Task, right tiers and the ranks given (completion id, as JSON's text, to rank) of each judgment that holds."""
    return (
        select(Ranking.task_id, KnownAnswer.tiers, func.jsonb_object_agg(RankingItem.completion_id, RankingItem.rank))
        .join(KnownAnswer, KnownAnswer.task_id == Ranking.task_id)
        .join(RankingItem, RankingItem.ranking_id == Ranking.id)
        .where(Ranking.superseded_by_id.is_(None), Ranking.withdrawn_at.is_(None))
        .group_by(Ranking.id, KnownAnswer.task_id)
    )


def _agreements(session: Session, query: Select[Any]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = defaultdict(list)
    for task_id, tiers, ranks in session.execute(query):
        found[task_id].append(agreement(ranks_of(tiers), {int(one): rank for one, rank in ranks.items()}))
    return found
