"""A project's people and the work they hold: where they stand; what goes back when they pause or leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Date, and_, cast, func, select
from sqlalchemy.orm import Session

from app.auth import members
from app.auth.members import Member
from app.auth.roles import Role
from app.auth.tables import User
from app.projects.tables import Membership
from app.tasks import changing, slots
from app.tasks.tables import AnnotatorDay


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member did on this UTC day, and how far they are with the practice round."""

    user_id: int
    judged_today: int
    written_today: int
    practice_attempt: int
    practice_passed_at: datetime | None


def list_standings(session: Session, project_id: int) -> Sequence[Standing]:
    """Where every member of a project stands, in the order of their accounts."""
    today = cast(func.timezone("UTC", func.now()), Date)
    same_day = and_(
        AnnotatorDay.annotator_id == Membership.user_id,
        AnnotatorDay.project_id == Membership.project_id,
        AnnotatorDay.day == today,
    )
    rows = session.execute(
        select(
            Membership.user_id,
            func.coalesce(AnnotatorDay.judged, 0),
            func.coalesce(AnnotatorDay.written, 0),
            Membership.practice_attempt,
            Membership.practice_passed_at,
        )
        .outerjoin(AnnotatorDay, same_day)
        .where(Membership.project_id == project_id)
        .order_by(Membership.user_id)
    )
    return [Standing(*row) for row in rows]


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
