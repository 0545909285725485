"""Tasks and assignments over HTTP; claiming, staying and taking up again are the desk's (`app/desk`)."""

from fastapi import APIRouter, Response

from app.auth.dependencies import ProjectReader
from app.dependencies import PageDep, SessionDep
from app.pagination import Page
from app.tasks import service
from app.tasks.dependencies import OwnAssignmentDep
from app.tasks.schemas import AssignmentStateRead, Draft, Skip, TaskRead, task_read

router = APIRouter(tags=["tasks"])


@router.get("/projects/{project_id}/tasks")
def list_tasks(access: ProjectReader, session: SessionDep, page: PageDep) -> Page[TaskRead]:
    """A project's tasks, newest first, with how many judgments they have and who wrote their completions."""
    rows = service.list_tasks(session, access.project.id, page)
    return Page(items=[task_read(row) for row in rows.items], next_cursor=rows.next_cursor)


@router.put("/assignments/{assignment_id}/draft", status_code=204)
def save_draft(draft: Draft, own: OwnAssignmentDep, session: SessionDep) -> Response:
    """Keep an unfinished ranking. One that is older than what is there is ignored, not an error."""
    service.save_draft(session, own.assignment, draft.model_dump(mode="json"), draft.sequence)
    return Response(status_code=204)


@router.post("/assignments/{assignment_id}/skip")
def skip_assignment(own: OwnAssignmentDep, session: SessionDep, skip: Skip | None = None) -> AssignmentStateRead:
    """Pass a task on to somebody else, with or without a reason; it can be taken up again."""
    held = service.skip(session, own.assignment, own.access.user, skip.reason if skip else None)
    return AssignmentStateRead.model_validate({"state": held.state})
