"""Known answers over HTTP. Annotators have no door here: nobody is to know which task is gold."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.auth.dependencies import ProjectAdmin
from app.dependencies import PageDep, SessionDep
from app.gold import service
from app.gold.schemas import KnownAnswerRead, NewKnownAnswer, Purpose, known_answer_read, known_from
from app.pagination import Page
from app.projects.settings import settings_of

router = APIRouter(prefix="/projects/{project_id}", tags=["gold"])

TaskId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The task's id.")]
UserId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The member's id.")]


@router.post("/known-answers", status_code=201)
def save_known_answer(new: NewKnownAnswer, access: ProjectAdmin, session: SessionDep) -> KnownAnswerRead:
    """Write down the right order of a task: gold among people's work, or practice before it."""
    row = service.make_known(
        session,
        project_id=access.project.id,
        actor=access.user,
        known=known_from(new),
        ties_allowed=settings_of(access.project).ties_allowed,
    )
    return known_answer_read(row)


@router.get("/known-answers")
def list_known_answers(
    access: ProjectAdmin,
    session: SessionDep,
    page: PageDep,
    purpose: Annotated[Purpose | None, Query(description="Only gold, or only practice.")] = None,
) -> Page[KnownAnswerRead]:
    """The known answers in use, newest first, with how well people agree with each."""
    rows = service.list_known(session, access.project.id, page, purpose=purpose)
    return Page(items=[known_answer_read(one) for one in rows.items], next_cursor=rows.next_cursor)


@router.delete("/known-answers/{task_id}", status_code=204)
def retire_known_answer(task_id: TaskId, access: ProjectAdmin, session: SessionDep) -> Response:
    """Ask nobody any more; what was said on it is kept."""
    service.retire_known(session, access.project.id, task_id, actor=access.user)
    return Response(status_code=204)


@router.post("/members/{user_id}/practice-reset", status_code=204)
def reset_practice(user_id: UserId, access: ProjectAdmin, session: SessionDep) -> Response:
    """Let a person begin the practice round anew, with all attempts."""
    service.reset_practice(session, access.project.id, user_id, actor=access.user)
    return Response(status_code=204)
