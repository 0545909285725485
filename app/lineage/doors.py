"""Who may follow a completion or a judgment through the project's models: those who may know of models."""

from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy import select

from app.auth.dependencies import RESEARCHERS, ReadIdentity, access_for, visible_projects
from app.completions.tables import Completion
from app.dependencies import SessionDep
from app.errors import NotFound
from app.prompts.tables import Prompt
from app.rankings.tables import Ranking

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]


def completion_to_read(identity: ReadIdentity, session: SessionDep, completion_id: Id) -> Completion:
    """The completion, with its author."""
    found = session.execute(
        select(Completion, Prompt.project_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Completion.id == completion_id, Prompt.project_id.in_(visible_projects(identity)))
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such completion, or it is not yours to see")
    access_for(session, identity, found[1], roles=RESEARCHERS, what="completion")
    return found[0]


def ranking_to_read(identity: ReadIdentity, session: SessionDep, ranking_id: Id) -> Ranking:
    """The judgment."""
    query = select(Ranking).where(Ranking.id == ranking_id, Ranking.project_id.in_(visible_projects(identity)))
    ranking = session.scalars(query).one_or_none()
    if ranking is None:
        raise NotFound("there is no such ranking, or it is not yours to see")
    access_for(session, identity, ranking.project_id, roles=RESEARCHERS, what="ranking")
    return ranking


ReadableCompletion = Annotated[Completion, Depends(completion_to_read)]
ReadableRanking = Annotated[Ranking, Depends(ranking_to_read)]
