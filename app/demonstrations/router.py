"""Writing demonstrations over HTTP; drafts, heartbeats and skips are those of every assignment."""

from fastapi import APIRouter, Response

from app.auth.dependencies import ProjectAdmin, ProjectAnnotator, ProjectReader
from app.demonstrations import service
from app.demonstrations.schemas import (
    DemonstrationReceipt,
    NewDemonstration,
    WritingClaimRead,
    WritingClaimRequest,
    WritingSummary,
    WritingTasksOpened,
    WritingTasksWanted,
    writing_claim_read,
)
from app.dependencies import IdempotencyKey, SessionDep
from app.tasks.dependencies import OwnAssignmentDep

router = APIRouter(tags=["demonstrations"])


@router.post("/projects/{project_id}/writing-tasks", status_code=201)
def open_writing_tasks(wanted: WritingTasksWanted, access: ProjectAdmin, session: SessionDep) -> WritingTasksOpened:
    """Ask for demonstrations: for so many active prompts that have none yet, those of the training split first."""
    opened = service.open_writing_tasks(
        session,
        project_id=access.project.id,
        actor=access.user,
        count=wanted.count,
        overlap=wanted.overlap,
        prompt_set_id=wanted.prompt_set_id,
    )
    return WritingTasksOpened(opened=opened)


@router.get("/projects/{project_id}/writing-tasks/summary")
def summarise_writing(access: ProjectReader, session: SessionDep) -> WritingSummary:
    """How far the writing is."""
    found = service.summarise(session, access.project.id)
    return WritingSummary(open=found.open, done=found.done, demonstrations=found.demonstrations)


@router.post("/projects/{project_id}/writing-tasks/claim")
def claim_writing_task(
    access: ProjectAnnotator, session: SessionDep, request: WritingClaimRequest | None = None
) -> WritingClaimRead:
    """The next prompt for you to answer; annotators get one only where the project lets them write."""
    holding = request.holding if request else []
    return writing_claim_read(service.claim(session, access, holding=holding))


@router.post("/assignments/{assignment_id}/demonstration", status_code=201)
def submit_demonstration(
    new: NewDemonstration, own: OwnAssignmentDep, key: IdempotencyKey, session: SessionDep, response: Response
) -> DemonstrationReceipt:
    """Submit your answer; it can be ranked by others like any other, never by you."""
    answer = service.submit(
        session,
        service.Written(
            assignment=own.assignment, author=own.access.user, text=new.text, active_ms=new.active_ms, key=key
        ),
    )
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return DemonstrationReceipt.model_validate(answer.body)
