"""The ranking desk over HTTP."""

from fastapi import APIRouter

from app.auth.dependencies import ProjectAnnotator
from app.dependencies import SessionDep
from app.desk import service
from app.desk.schemas import AssignmentRead, ClaimRead, ClaimRequest, assignment_read, claim_read
from app.tasks.dependencies import OwnAssignmentDep

router = APIRouter(tags=["desk"])


@router.post("/projects/{project_id}/tasks/claim")
def claim_task(access: ProjectAnnotator, session: SessionDep, request: ClaimRequest | None = None) -> ClaimRead:
    """The next task for you, leased until it is submitted, skipped, or its lease runs out; two at most at a time."""
    holding = request.holding if request else []
    return claim_read(service.claim(session, access, holding=holding))


@router.post("/assignments/{assignment_id}/reopen")
def reopen_assignment(own: OwnAssignmentDep, session: SessionDep) -> AssignmentRead:
    """Undo: edit a ranking you submitted, or take up again a task you skipped or lost."""
    return assignment_read(service.reopen(session, own.assignment, own.access))
