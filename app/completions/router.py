"""Completions over HTTP. They carry model names, so annotators have no door here."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.auth.dependencies import ProjectReader
from app.completions import service
from app.completions.schemas import CompletionRead, completion_read
from app.dependencies import PageDep, SessionDep
from app.pagination import Page

router = APIRouter(tags=["completions"])


@router.get("/projects/{project_id}/completions")
def list_completions(
    access: ProjectReader,
    session: SessionDep,
    page: PageDep,
    prompt_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only of this prompt.")] = None,
    names_model: Annotated[
        bool | None, Query(description="True: only those whose text says which model wrote it; false: the others.")
    ] = None,
) -> Page[CompletionRead]:
    """A project's completions, newest first, with who wrote them and how they were sampled."""
    rows = service.list_completions(
        session, project_id=access.project.id, page=page, prompt_id=prompt_id, names_its_model=names_model
    )
    return Page(items=[completion_read(one) for one in rows.items], next_cursor=rows.next_cursor)
