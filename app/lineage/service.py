"""Lineage both ways: from a model to the judgments behind it, from a judgment to every model that it touched."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.datasets.tables import DatasetSnapshot, SnapshotCompletion, SnapshotPrompt, SnapshotRanking
from app.pagination import PageRequest, Rows, page_by_id
from app.rankings.tables import Ranking
from app.registry.tables import ModelVersion
from app.runs.tables import Run
from app.tasks.tables import Task

# A model comes from its parent, from the base its adapter sits on, and from every model that its run learnt from: a
# policy from its reward model too. What a run only compared with (`live`) has left nothing in it.
BEHIND = text(
    """
    WITH RECURSIVE line(id) AS (
      SELECT CAST(:version AS bigint)
      UNION
      SELECT up.id FROM line JOIN model_versions v ON v.id = line.id LEFT JOIN runs r ON r.id = v.run_id
      CROSS JOIN LATERAL (
        SELECT v.parent_id AS id UNION ALL SELECT v.base_id
        UNION ALL SELECT named.value::bigint FROM jsonb_each_text(r.inputs -> 'models') named WHERE named.key <> 'live'
      ) up WHERE up.id IS NOT NULL
    )
    SELECT id FROM line ORDER BY id
    """
)
# The datasets that these models' runs froze or were given.
SNAPSHOTS = text(
    """
    SELECT DISTINCT given.id
    FROM model_versions v LEFT JOIN runs r ON r.id = v.run_id
    CROSS JOIN LATERAL (
      VALUES (v.dataset_snapshot_id), (r.dataset_snapshot_id),
             ((r.inputs ->> 'demonstrations_snapshot_id')::bigint), ((r.inputs ->> 'text_id')::bigint)
    ) given(id)
    WHERE v.id = ANY(:versions) AND given.id IS NOT NULL
    """
)
# The same steps the other way round; `direct`: the model's own run learnt from a snapshot that holds the judgment.
TOUCHED = text(
    """
    WITH RECURSIVE direct(id) AS (
      SELECT v.id FROM snapshot_rankings s JOIN model_versions v ON v.dataset_snapshot_id = s.snapshot_id
      WHERE s.ranking_id = :ranking
      UNION
      SELECT v.id FROM snapshot_rankings s JOIN runs r ON r.dataset_snapshot_id = s.snapshot_id
      JOIN model_versions v ON v.run_id = r.id WHERE s.ranking_id = :ranking
    ), line(id) AS (
      SELECT id FROM direct
      UNION
      SELECT v.id FROM line JOIN model_versions v ON v.project_id = :project LEFT JOIN runs r ON r.id = v.run_id
      WHERE v.parent_id = line.id OR v.base_id = line.id
         OR EXISTS (SELECT FROM jsonb_each_text(r.inputs -> 'models') named
                    WHERE named.key <> 'live' AND named.value::bigint = line.id)
    )
    SELECT line.id, direct.id IS NOT NULL FROM line LEFT JOIN direct USING (id)
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much is behind a model: current and former judgments, their authors, demonstrations, prompts it answered."""

    judgments: int
    annotators: int
    demonstrations: int
    prompts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Everything that a model comes from, oldest first; the model itself is the last of its chain."""

    chain: Sequence[ModelVersion]
    runs: Sequence[Run]
    snapshots: Sequence[DatasetSnapshot]
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A judgment that models learnt from, and the prompt it is about."""

    ranking: Ranking
    prompt_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A model that a judgment has a part in."""

    version: ModelVersion
    direct: bool


def origins(session: Session, version: ModelVersion) -> Origins:
    """The models, runs and datasets behind a model, and how many judgments these hold."""
    version_ids = chain_of(session, version.id)
    chain = list(session.scalars(select(ModelVersion).where(ModelVersion.id.in_(version_ids))))
    run_ids = [one.run_id for one in chain if one.run_id is not None]
    snapshot_ids = snapshots_of(session, version_ids)
    snapshots = select(DatasetSnapshot).where(DatasetSnapshot.id.in_(snapshot_ids)).order_by(DatasetSnapshot.id)
    return Origins(
        chain=sorted(chain, key=lambda one: (one.id == version.id, one.id)),
        runs=list(session.scalars(select(Run).where(Run.id.in_(run_ids)).order_by(Run.id))),
        snapshots=list(session.scalars(snapshots)),
        counts=_count(session, snapshot_ids),
    )


def chain_of(session: Session, version_id: int) -> list[int]:
    """Ids of the model itself and of every model that it comes from."""
    return list(session.scalars(BEHIND, {"version": version_id}))


def snapshots_of(session: Session, version_ids: Sequence[int]) -> list[int]:
    """Ids of the datasets that these models learnt from."""
    return list(session.scalars(SNAPSHOTS, {"versions": list(version_ids)}))


def _count(session: Session, snapshot_ids: Sequence[int]) -> Counts:
    judged = (
        select(func.count(Ranking.id.distinct()), func.count(Ranking.annotator_id.distinct()))
        .join(SnapshotRanking, SnapshotRanking.ranking_id == Ranking.id)
        .where(SnapshotRanking.snapshot_id.in_(snapshot_ids))
    )
    judgments, annotators = session.execute(judged).one()
    shown = select(func.count(SnapshotCompletion.completion_id.distinct())).where(
        SnapshotCompletion.snapshot_id.in_(snapshot_ids)
    )
    asked = select(func.count(SnapshotPrompt.prompt_id.distinct())).where(SnapshotPrompt.snapshot_id.in_(snapshot_ids))
    return Counts(
        judgments=judgments,
        annotators=annotators,
        demonstrations=session.scalar(shown) or 0,
        prompts=session.scalar(asked) or 0,
    )


def shared_judgments(session: Session, judge_id: int, version_id: int) -> int | None:
    """How many judgments are behind both models, one and its revisions counting once.

    None where none is known to be behind the judge, but some are behind the other: nobody can tell what it learnt from.
    """
    behind, other = _assignments_behind(session, judge_id), _assignments_behind(session, version_id)
    return len(behind & other) if behind or not other else None


def _assignments_behind(session: Session, version_id: int) -> set[int]:
    held = select(SnapshotRanking.ranking_id).where(
        SnapshotRanking.snapshot_id.in_(snapshots_of(session, chain_of(session, version_id)))
    )
    return set(session.scalars(select(Ranking.assignment_id).where(Ranking.id.in_(held))))


def judgments_behind(session: Session, version: ModelVersion, page: PageRequest) -> Rows[Used]:
    """The judgments behind a model, newest first, those too that were revised or withdrawn since."""
    snapshot_ids = snapshots_of(session, chain_of(session, version.id))
    held = select(SnapshotRanking.ranking_id).where(SnapshotRanking.snapshot_id.in_(snapshot_ids))
    rows = page_by_id(session, select(Ranking).where(Ranking.id.in_(held)), Ranking.id, page)
    about = select(Task.id, Task.prompt_id).where(Task.id.in_([one.task_id for one in rows.items]))
    prompts: dict[int, int] = dict(session.execute(about).tuples().all())
    used = [Used(ranking=one, prompt_id=prompts[one.task_id]) for one in rows.items]
    return Rows(items=used, next_cursor=rows.next_cursor)


def models_touched(session: Session, ranking: Ranking, page: PageRequest) -> Rows[Touched]:
    """Every model that a judgment has a part in, oldest first."""
    found = session.execute(TOUCHED, {"ranking": ranking.id, "project": ranking.project_id}).tuples()
    direct: dict[int, bool] = dict(found.all())
    query = select(ModelVersion).where(ModelVersion.id.in_(direct))
    rows = page_by_id(session, query, ModelVersion.id, page, newest_first=False)
    touched = [Touched(version=one, direct=direct[one.id]) for one in rows.items]
    return Rows(items=touched, next_cursor=rows.next_cursor)
