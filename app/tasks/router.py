"""Tasks and assignments over HTTP; claiming, staying and taking up again are the desk's (`app/desk`)."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy.orm import Session

from app.auth.access import Access
from app.auth.dependencies import ProjectAdmin, ProjectReader
from app.dependencies import PageDep, SessionDep
from app.pagination import Page
from app.tasks import changing, service
from app.tasks.changing import Batch
from app.tasks.dependencies import OwnAssignmentDep
from app.tasks.schemas import (
    AssignmentStateRead,
    Draft,
    OverlapChange,
    Skip,
    TaskChange,
    TaskRead,
    TasksChanged,
    task_read,
)

router = APIRouter(tags=["tasks"])
TaskId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/projects/{project_id}/tasks")
def list_tasks(access: ProjectReader, session: SessionDep, page: PageDep) -> Page[TaskRead]:
    """A project's tasks, newest first, with how many judgments they have and who wrote their completions."""
    rows = service.list_tasks(session, access.project.id, page)
    return Page(items=[task_read(row) for row in rows.items], next_cursor=rows.next_cursor)


@router.patch("/projects/{project_id}/tasks")
def change_overlap(access: ProjectAdmin, session: SessionDep, change: OverlapChange) -> TasksChanged:
    """Ask for more or fewer judgments a task. Fewer closes what is open; nothing that was judged is dropped.

    Tasks change a thousand at a time; if the request is cut off, what was changed stays: send it again.
    """
    changed, after = 0, 0
    while (batch := _change_batch(access, session, change, after)).last is not None:
        changed, after = changed + batch.changed, batch.last
    return TasksChanged(changed=changed)


def _change_batch(access: Access, session: Session, change: OverlapChange, after: int) -> Batch:
    """One transaction of its own: people wait for the queue of a project while slots are opened."""
    batch = changing.change_overlap(
        session,
        actor=access.user,
        project_id=access.project.id,
        overlap=change.overlap,
        which=change.which,
        after=after,
    )
    session.commit()
    return batch


@router.patch("/projects/{project_id}/tasks/{task_id}")
def change_task(task_id: TaskId, access: ProjectAdmin, session: SessionDep, change: TaskChange) -> TaskRead:
    """Change how many judgments one task gets, or keep one of them for a member."""
    task = changing.change_task(
        session,
        actor=access.user,
        project_id=access.project.id,
        task_id=task_id,
        changes=change.model_dump(exclude_unset=True),
    )
    return task_read(service.describe(session, [task])[0])


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
