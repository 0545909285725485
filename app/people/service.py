"""Pause, change and remove a project's people, together with the work they hold: it goes back at once."""

from sqlalchemy.orm import Session

from app.auth import members
from app.auth.members import Member
from app.auth.roles import Role
from app.auth.tables import User
from app.tasks import changing, slots


def change_member(
    session: Session, *, actor: User, project_id: int, user_id: int, role: Role | None, paused: bool | None
) -> Member:
    """Give a member another role, pause them or let them go on.

    Whoever is paused, or no longer ranks, loses their leases at once; drafts stay, and so does the right to submit.
    What is reserved for them waits until they are back.
    """
    if paused or role == "researcher":
        slots.end_leases_of(session, project_id, user_id)
    return members.change_member(session, actor=actor, project_id=project_id, user_id=user_id, role=role, paused=paused)


def remove_member(session: Session, *, actor: User, project_id: int, user_id: int) -> None:
    """Take a person out of a project: what they ranked stays, what they held or was kept for them goes to others."""
    slots.end_leases_of(session, project_id, user_id)
    changing.give_back_reserved(session, project_id, user_id)
    members.remove_member(session, actor=actor, project_id=project_id, user_id=user_id)
