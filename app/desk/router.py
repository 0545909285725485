"""The ranking desk over HTTP."""

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from app.auth.access import Access
from app.auth.trips import AnnotatorTrip, Reply, TripRoute
from app.dependencies import SessionDep
from app.desk import service
from app.desk.schemas import AssignmentRead, ClaimRead, ClaimRequest, assignment_read, claim_read
from app.rankings.pace import lease_of
from app.tasks import service as tasks
from app.tasks.dependencies import OwnAssignmentDep
from app.tasks.schemas import LeaseRead

router = APIRouter(tags=["desk"], route_class=TripRoute)


@router.post("/projects/{project_id}/tasks/claim", response_model=ClaimRead)
async def claim_task(trip: AnnotatorTrip, request: ClaimRequest | None = None) -> Response:
    """The next task for you, leased until it is submitted, skipped, or its lease runs out; two at most at a time."""
    holding = request.holding if request else []

    def claim(session: Session, access: Access) -> Reply:
        return Reply(claim_read(service.claim(session, access, holding=holding)))

    return await trip.make(claim)


@router.post("/assignments/{assignment_id}/heartbeat")
def renew_lease(own: OwnAssignmentDep, session: SessionDep) -> LeaseRead:
    """Say that you are still at it; the lease starts anew."""
    lease = lease_of(session, own.assignment.project_id, own.settings)
    return LeaseRead(leased_until=tasks.heartbeat(session, own.assignment, lease))


@router.post("/assignments/{assignment_id}/reopen")
def reopen_assignment(own: OwnAssignmentDep, session: SessionDep) -> AssignmentRead:
    """Undo: edit a ranking you submitted, or take up again a task you skipped or lost."""
    return assignment_read(service.reopen(session, own.assignment, own.access))
