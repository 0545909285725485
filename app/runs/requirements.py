"""What has to be there before a run of a kind can be launched: prompts to answer, demonstrations, comparisons."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.datasets.demonstrations import nothing_to_learn_from
from app.datasets.snapshot import TRAINING_SPLITS
from app.errors import NotFound, Unprocessable
from app.prompts.tables import Prompt, PromptSet
from app.rankings.tables import Comparison, Ranking
from app.runs.kinds import ANSWERING
from app.tasks.tables import Task

# What nothing learns from.
HELD_OUT: Final = ("validation", "test")


def require_prompts(session: Session, kind: str, project_id: int, prompt_set_id: int | None) -> None:
    """`Unprocessable` of the type `no-prompts` when there is nothing to answer."""
    query = select(Prompt.id).where(Prompt.project_id == project_id, Prompt.state == "active")
    if prompt_set_id is not None:
        owner = session.scalar(select(PromptSet.project_id).where(PromptSet.id == prompt_set_id))
        if owner != project_id:
            raise NotFound(f"there is no prompt set {prompt_set_id} in this project", field="prompt_set_id")
        query = query.where(Prompt.prompt_set_id == prompt_set_id)
    where = ""
    if kind in ANSWERING:
        query, where = query.where(Prompt.split == "train"), " in the train split"
    if kind == "evaluate":
        query, where = query.where(Prompt.split.in_(HELD_OUT)), " in the validation or test split"
    if session.scalar(query.limit(1)) is None:
        raise Unprocessable(
            f"there are no prompts to answer{where}",
            type="no-prompts",
            advice="Upload a prompt set and add it.",
        )


def require_demonstrations(session: Session, project_id: int) -> None:
    """`Unprocessable` of the type `no-demonstrations` when nobody has written an answer to a train prompt yet."""
    written = (
        select(Prompt.split)
        .join(Completion, Completion.prompt_id == Prompt.id)
        .where(Prompt.project_id == project_id, Prompt.state == "active", Completion.role == "demonstration")
        .where(Prompt.split.in_(TRAINING_SPLITS))
    )
    if session.scalar(written.where(Prompt.split == "train").limit(1)) is None:
        held_out = session.scalar(select(func.count()).select_from(written.subquery())) or 0
        raise nothing_to_learn_from(held_out=held_out)


def require_comparisons(session: Session, project_id: int) -> None:
    """`Unprocessable` of the type `no-comparisons` when nobody has ranked an answer to a train prompt yet."""
    current = (
        select(Comparison.id)
        .join(Ranking, Ranking.id == Comparison.ranking_id)
        .join(Task, Task.id == Ranking.task_id)
        .join(Prompt, Prompt.id == Task.prompt_id)
        .where(Ranking.project_id == project_id, Ranking.superseded_by_id.is_(None), Ranking.withdrawn_at.is_(None))
    )
    if session.scalar(current.where(Prompt.split == "train").limit(1)) is None:
        held_out = session.scalar(current.limit(1)) is not None
        raise Unprocessable(
            "there are no comparisons to learn from yet" + (": all are on held-out prompts" if held_out else ""),
            type="no-comparisons",
            advice="Rank another task, then start again." if held_out else "Rank at least one task, then start again.",
        )
