"""The ranking desk over HTTP."""

from fastapi import APIRouter

from app.auth.dependencies import ProjectAnnotator
from app.dependencies import SessionDep, TurnDep
from app.desk import service
from app.desk.schemas import AssignmentRead, ClaimRead, ClaimRequest, assignment_read, claim_read
from app.rankings.pace import lease_of
from app.tasks import service as tasks
from app.tasks.dependencies import OwnAssignmentDep
from app.tasks.schemas import LeaseRead

router = APIRouter(tags=["desk"])


@router.post("/projects/{project_id}/tasks/claim")
def claim_task(
    _turn: TurnDep, access: ProjectAnnotator, session: SessionDep, request: ClaimRequest | None = None
) -> ClaimRead:
    """The next task for you, leased until it is submitted, skipped, or its lease runs out; two at most at a time."""
    holding = request.holding if request else []
    return claim_read(service.claim(session, access, holding=holding))


@router.post("/assignments/{assignment_id}/heartbeat")
def renew_lease(own: OwnAssignmentDep, session: SessionDep) -> LeaseRead:
    """Say that you are still at it; the lease starts anew."""
    lease = lease_of(session, own.assignment.project_id, own.settings)
    return LeaseRead(leased_until=tasks.heartbeat(session, own.assignment, lease))


@router.post("/assignments/{assignment_id}/reopen")
def reopen_assignment(own: OwnAssignmentDep, session: SessionDep) -> AssignmentRead:
    """Undo: edit a ranking you submitted, or take up again a task you skipped or lost."""
    return assignment_read(service.reopen(session, own.assignment, own.access))
