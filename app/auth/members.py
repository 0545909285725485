"""Who works in a project, as what. A project keeps at least one admin."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.auth.roles import Role
from app.auth.tables import AuditEvent, User
from app.errors import Conflict, NotFound
from app.pagination import PageRequest, Rows, page_by_id
from app.projects.tables import Membership, Project


@dataclass(frozen=True, slots=True)
class Member:
    """A person and their membership."""

    user: User
    membership: Membership


@dataclass(frozen=True, slots=True)
class Deed:
    """An audit event with the name of who did it; None: the service itself."""

    event: AuditEvent
    actor: User | None


def list_members(session: Session, project_id: int, page: PageRequest) -> Rows[Member]:
    """A project's people, in the order of their accounts."""
    query = select(Membership).where(Membership.project_id == project_id)
    rows = page_by_id(session, query, Membership.user_id, page, newest_first=False)
    users = users_by_id(session, {membership.user_id for membership in rows.items})
    return Rows(items=[Member(users[one.user_id], one) for one in rows.items], next_cursor=rows.next_cursor)


def change_member(
    session: Session, *, actor: User, project_id: int, user_id: int, role: Role | None, paused: bool | None
) -> Member:
    """Give a member another role, pause them or let them go on."""
    member = _get_member(session, project_id, user_id)
    if role is not None and role != "admin":
        _keep_an_admin(session, member.membership)
    if role is not None:
        member.membership.role = role
    if paused is not None:
        member.membership.paused_at = func.now() if paused else None
    _record(session, actor, "member.changed", member, {"role": role, "paused": paused})
    session.flush()
    session.refresh(member.membership)
    return member


def remove_member(session: Session, *, actor: User, project_id: int, user_id: int) -> None:
    """Take a person out of a project; what they ranked stays."""
    member = _get_member(session, project_id, user_id)
    _keep_an_admin(session, member.membership)
    session.delete(member.membership)
    _record(session, actor, "member.removed", member, {"role": member.membership.role})


def list_audit_events(session: Session, project_id: int, page: PageRequest) -> Rows[Deed]:
    """What was done in a project, newest first."""
    rows = page_by_id(session, select(AuditEvent).where(AuditEvent.project_id == project_id), AuditEvent.id, page)
    actors = users_by_id(session, {event.actor_id for event in rows.items if event.actor_id is not None})
    deeds = [Deed(event, actors.get(event.actor_id) if event.actor_id else None) for event in rows.items]
    return Rows(items=deeds, next_cursor=rows.next_cursor)


def users_by_id(session: Session, ids: set[int]) -> dict[int, User]:
    """The accounts with these ids."""
    return {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}


def _get_member(session: Session, project_id: int, user_id: int) -> Member:
    # The project's row is the lock: of two admins who demote each other at the same moment, one has to wait. People at
    # work, whose rows only refer to it, do not.
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True))
    row = session.execute(
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.project_id == project_id, Membership.user_id == user_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound("there is no such member in this project")
    return Member(user=row[0], membership=row[1])


def _keep_an_admin(session: Session, leaving: Membership) -> None:
    others = select(func.count()).where(
        Membership.project_id == leaving.project_id, Membership.role == "admin", Membership.user_id != leaving.user_id
    )
    if leaving.role == "admin" and not session.scalar(others):
        raise Conflict(
            "this is the project's last admin", type="last-admin", advice="Make somebody else an admin first."
        )


def _record(session: Session, actor: User, action: str, member: Member, detail: dict[str, Any]) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="user",
        object_id=member.user.id,
        project_id=member.membership.project_id,
        detail={name: value for name, value in detail.items() if value is not None},
    )
