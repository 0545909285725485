"""A project's people, its invitations and its audit trail over HTTP; changing people is in `app/people`."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.auth import invitations, members
from app.auth.dependencies import ProjectAdmin
from app.auth.schemas import (
    AuditEventRead,
    InvitationIssued,
    InvitationRead,
    MemberRead,
    NewInvitation,
    audit_event_read,
    member_read,
)
from app.config import get_settings
from app.dependencies import PageDep, SessionDep
from app.pagination import Page

router = APIRouter(prefix="/projects/{project_id}", tags=["people"])
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/members")
def list_members(access: ProjectAdmin, session: SessionDep, page: PageDep) -> Page[MemberRead]:
    """Who works in the project, as what."""
    rows = members.list_members(session, access.project.id, page)
    return Page(items=[member_read(member) for member in rows.items], next_cursor=rows.next_cursor)


@router.get("/invitations")
def list_invitations(access: ProjectAdmin, session: SessionDep, page: PageDep) -> Page[InvitationRead]:
    """Invitations that can still be accepted, newest first."""
    rows = invitations.list_invitations(session, access.project.id, page)
    return Page(items=[InvitationRead.model_validate(row) for row in rows.items], next_cursor=rows.next_cursor)


@router.post("/invitations", status_code=201)
def invite(new: NewInvitation, request: Request, access: ProjectAdmin, session: SessionDep) -> InvitationIssued:
    """Make a link that lets one person in. The answer is the only place where the link is ever shown."""
    invited = invitations.invite(
        session, inviter=access.user, project_id=access.project.id, role=new.role, email=new.email
    )
    read = InvitationRead.model_validate(invited.invitation)
    return InvitationIssued(link=f"{base_url(request)}/welcome#{invited.token}", **read.model_dump())


@router.delete("/invitations/{invitation_id}", status_code=204)
def revoke_invitation(invitation_id: RowId, access: ProjectAdmin, session: SessionDep) -> None:
    """Take an invitation back."""
    invitations.revoke_invitation(session, actor=access.user, project_id=access.project.id, invitation_id=invitation_id)


@router.get("/audit-events")
def list_audit_events(access: ProjectAdmin, session: SessionDep, page: PageDep) -> Page[AuditEventRead]:
    """What was done in the project, newest first."""
    rows = members.list_audit_events(session, access.project.id, page)
    return Page(items=[audit_event_read(deed) for deed in rows.items], next_cursor=rows.next_cursor)


def base_url(request: Request) -> str:
    """The address people type, without a slash at its end."""
    return (get_settings().public_url or str(request.base_url)).rstrip("/")
