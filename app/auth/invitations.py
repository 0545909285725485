"""Links into the service: the first admin's, and those an admin sends. Registration is closed otherwise."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app import audit
from app.auth import service
from app.auth.keys import hash_secret, new_secret
from app.auth.roles import Role
from app.auth.tables import Invitation, User
from app.config import get_settings
from app.errors import Conflict, Forbidden, NotFound, Unprocessable
from app.pagination import PageRequest, Rows, page_by_id
from app.projects.tables import Membership, Project

FIRST_ADMIN_LINK_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and the secret of its link, told once."""

    invitation: Invitation
    token: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a person types to accept an invitation."""

    name: str
    email: str
    password: str


def issue_first_admin_link(session: Session) -> str:
    """The token of a link that works once, for an hour, and makes whoever opens it the admin of this instance.

    Links issued before stop working. It also lets an operator back in who forgot the password.
    """
    pending = (Invitation.kind == "first_admin", Invitation.redeemed_at.is_(None), Invitation.revoked_at.is_(None))
    session.execute(update(Invitation).where(*pending).values(revoked_at=func.now()))
    invited = _issue(session, Invitation(kind="first_admin", role="admin"), FIRST_ADMIN_LINK_LASTS)
    audit.record(
        session, actor=None, action="admin_link.issued", object_type="invitation", object_id=invited.invitation.id
    )
    return invited.token


def invite(session: Session, *, inviter: User, project_id: int, role: Role, email: str | None) -> Invited:
    """Invite one person into a project. With `email`, only that address may accept."""
    invitation = Invitation(kind="member", project_id=project_id, role=role, email=email, created_by=inviter.id)
    invited = _issue(session, invitation, timedelta(hours=get_settings().invitation_hours))
    audit.record(
        session,
        actor=inviter,
        action="invitation.created",
        object_type="invitation",
        object_id=invitation.id,
        project_id=project_id,
        detail={"role": role, "email": email},
    )
    return invited


def list_invitations(session: Session, project_id: int, page: PageRequest) -> Rows[Invitation]:
    """Invitations of a project that can still be accepted, newest first."""
    query = select(Invitation).where(Invitation.project_id == project_id, *_is_open())
    return page_by_id(session, query, Invitation.id, page)


def revoke_invitation(session: Session, *, actor: User, project_id: int, invitation_id: int) -> None:
    """Make an invitation's link stop working."""
    invitation = session.scalar(
        select(Invitation)
        .where(Invitation.id == invitation_id, Invitation.project_id == project_id, *_is_open())
        .with_for_update()
    )
    if invitation is None:
        raise NotFound("there is no such open invitation in this project")
    invitation.revoked_at = func.now()
    audit.record(
        session,
        actor=actor,
        action="invitation.revoked",
        object_type="invitation",
        object_id=invitation.id,
        project_id=project_id,
    )


def get_invitation(session: Session, token: str) -> Invitation:
    """The invitation of a link, held until the transaction ends; `NotFound` when the link does not work (any more)."""
    query = select(Invitation).where(Invitation.token_hash == hash_secret(token)).with_for_update()
    invitation = session.scalar(query)
    if invitation is None:
        raise NotFound("this invitation link is not complete", type="invitation-unknown", advice="Copy the whole link.")
    if invitation.redeemed_at is not None:
        raise NotFound("this invitation was used already", type="invitation-used", advice="Sign in instead.")
    if session.scalar(select(Invitation.id).where(Invitation.id == invitation.id, *_is_open())) is None:
        raise NotFound(
            "this invitation ran out or was taken back", type="invitation-expired", advice="Ask for a new link."
        )
    return invitation


def find_project(session: Session, invitation: Invitation) -> Project | None:
    """The project that an invitation leads to."""
    return session.get(Project, invitation.project_id) if invitation.project_id else None


def redeem(session: Session, invitation: Invitation, account: Account, *, address: str | None) -> User | None:
    """The person who accepted: a new account, or their own if they have one and gave its password.

    None when the password of an existing account was wrong; the caller lets the session commit, it counts the try.
    """
    if invitation.email and invitation.email.lower() != account.email.strip().lower():
        raise Unprocessable("this invitation is for another address", type="other-address", field="email")
    user = _first_admin(session, account) if invitation.kind == "first_admin" else _member(session, account, address)
    if user is None:
        return None
    invitation.redeemed_at = func.now()
    invitation.redeemed_by = user.id
    _join(session, invitation, user)
    audit.record(
        session,
        actor=user,
        action="invitation.redeemed",
        object_type="invitation",
        object_id=invitation.id,
        project_id=invitation.project_id,
    )
    session.flush()
    return user


def _issue(session: Session, invitation: Invitation, lasts: timedelta) -> Invited:
    token = new_secret()
    invitation.token_hash = hash_secret(token)
    invitation.expires_at = func.now() + lasts
    session.add(invitation)
    session.flush()
    return Invited(invitation=invitation, token=token)


def _is_open() -> tuple[ColumnElement[bool], ...]:
    return (
        Invitation.redeemed_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > func.now(),
    )


def _first_admin(session: Session, account: Account) -> User:
    user = service.find_user(session, account.email)
    if user is None:
        return service.create_user(
            session, name=account.name, email=account.email, password=account.password, is_operator=True
        )
    user.is_operator, user.disabled_at, user.name = True, None, account.name
    service.set_password(session, user, account.password)
    return user


def _member(session: Session, account: Account, address: str | None) -> User | None:
    if service.find_user(session, account.email) is None:
        return service.create_user(session, name=account.name, email=account.email, password=account.password)
    return service.verify(session, email=account.email, password=account.password, address=address)


def _join(session: Session, invitation: Invitation, user: User) -> None:
    if invitation.kind == "first_admin":
        for project_id in _projects_without_members(session):
            session.add(Membership(project_id=project_id, user_id=user.id, role="admin"))
        return
    project = find_project(session, invitation)
    if project is None or project.archived_at is not None:
        raise Forbidden("this project is closed", type="project-archived")
    if session.get(Membership, (project.id, user.id)):
        raise Conflict("you are a member of this project already", type="already-member", advice="Sign in instead.")
    session.add(Membership(project_id=project.id, user_id=user.id, role=invitation.role))


def _projects_without_members(session: Session) -> list[int]:
    has_members = select(Membership.user_id).where(Membership.project_id == Project.id).exists()
    return list(session.scalars(select(Project.id).where(~has_members)))
