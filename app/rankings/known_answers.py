"""Judgments on tasks whose right order is known: how far they agree with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from sqlalchemy import func, select
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


def own_agreement(session: Session, *, project_id: int, annotator_id: int) -> OwnAgreement | None:
    """How a person did on the gold tasks among their work; None before there are enough to tell."""
    judged = session.execute(
        select(KnownAnswer.tiers, func.jsonb_object_agg(RankingItem.completion_id, RankingItem.rank))
        .join(Ranking, Ranking.task_id == KnownAnswer.task_id)
        .join(RankingItem, RankingItem.ranking_id == Ranking.id)
        .join(Task, Task.id == KnownAnswer.task_id)
        .where(
            Ranking.project_id == project_id,
            Ranking.annotator_id == annotator_id,
            Ranking.superseded_by_id.is_(None),
            Ranking.withdrawn_at.is_(None),
            Task.project_id == project_id,
            Task.purpose == "gold",
        )
        .group_by(Ranking.id, KnownAnswer.task_id)
    ).all()
    if len(judged) < ENOUGH_TO_TELL:
        return None
    return OwnAgreement(len(judged), round(fmean(agreement_with(tiers, ranks) for tiers, ranks in judged), 3))


def agreement_with(tiers: list[list[int]], ranks: Mapping[str, int]) -> float:
    """The agreement, 0 to 1, of a stored ranking (completion id, as JSON's text, to rank) with the right `tiers`."""
    return agreement(ranks_of(tiers), {int(completion): rank for completion, rank in ranks.items()})
