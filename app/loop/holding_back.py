"""Which judgments a run may learn from, in projects whose policies are judged by a model of their own."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.datasets.parts import Part, people_held_back
from app.datasets.tables import SnapshotRanking
from app.lineage import service as lineage
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.prompts.tables import Prompt
from app.rankings.tables import Ranking
from app.tasks.tables import Task

PURPOSE = "judge"


def part_of(session: Session, project_id: int, inputs: Mapping[str, Any]) -> Part | None:
    """The side of the judgments that a run learns from by its inputs; None: all of them.

    A judge's run names the versions that it is to judge: nothing behind these is on its side. Every other run learns
    from the rest, as long as a judge promotes the project's policies.
    """
    settings = settings_of(session.get_one(Project, project_id)).loop
    people = _people(session, project_id) if settings.judge_people_apart else None
    if inputs.get("purpose") == PURPOSE:
        groups, known = _behind(session, inputs["judged"])
        return Part(name="judge", people=people, groups_behind=groups, people_behind=known)
    return Part(name="reward", people=people) if settings.promotion == "judge" else None


def _people(session: Session, project_id: int) -> frozenset[int]:
    """The judge's people. What was superseded or withdrawn counts too, so that nobody ever changes sides."""
    first = (
        select(Ranking.annotator_id)
        .join(Task, Task.id == Ranking.task_id)
        .where(Ranking.project_id == project_id, Task.purpose == "collect")
        .group_by(Ranking.annotator_id)
        .order_by(func.min(Ranking.id))
    )
    return people_held_back(session.scalars(first).all())


def _behind(session: Session, version_ids: list[int]) -> tuple[frozenset[str], frozenset[int]]:
    """Prompt groups and people whose judgments are behind any of these models."""
    chain = {one for version_id in version_ids for one in lineage.chain_of(session, version_id)}
    held = select(SnapshotRanking.ranking_id).where(
        SnapshotRanking.snapshot_id.in_(lineage.snapshots_of(session, sorted(chain)))
    )
    rows = session.execute(
        select(Prompt.group_hash, Ranking.annotator_id)
        .join(Task, Task.id == Ranking.task_id)
        .join(Prompt, Prompt.id == Task.prompt_id)
        .where(Ranking.id.in_(held))
        .distinct()
    ).tuples()
    found = rows.all()
    return frozenset(group.hex() for group, _ in found), frozenset(person for _, person in found)
