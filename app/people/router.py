"""Changing a project's people over HTTP, and where they stand; who they are is in `app/auth/people_router.py`."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.auth.dependencies import ProjectAdmin
from app.auth.schemas import MemberChange, MemberRead, member_read
from app.dependencies import SessionDep
from app.people import service
from app.people.schemas import StandingRead, StandingsRead

router = APIRouter(prefix="/projects/{project_id}", tags=["people"])
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/members/standing")
def list_standings(access: ProjectAdmin, session: SessionDep) -> StandingsRead:
    """How much each member did today, and how far they are with the practice round."""
    rows = service.list_standings(session, access.project.id)
    return StandingsRead(items=[StandingRead.model_validate(row) for row in rows])


@router.patch("/members/{user_id}")
def change_member(user_id: RowId, change: MemberChange, access: ProjectAdmin, session: SessionDep) -> MemberRead:
    """Change a member's role, or pause them: what they hold goes to others. A project keeps at least one admin."""
    member = service.change_member(
        session,
        actor=access.user,
        project_id=access.project.id,
        user_id=user_id,
        role=change.role,
        paused=change.paused,
    )
    return member_read(member)


@router.delete("/members/{user_id}", status_code=204)
def remove_member(user_id: RowId, access: ProjectAdmin, session: SessionDep) -> None:
    """Take a person out of the project; their rankings stay, what they hold goes to others."""
    service.remove_member(session, actor=access.user, project_id=access.project.id, user_id=user_id)
