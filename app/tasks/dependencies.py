"""The door of routes addressed by an assignment: it is yours, or it is not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Request
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import idempotency
from app.auth.access import Access, Identity, access_for, find_and_hold, granted, may_see, of_cookie_held
from app.auth.dependencies import ANNOTATORS, BearerDep, IdentityDoor, RankIdentity
from app.auth.reading import TripDoor
from app.auth.trips import Trip, begin
from app.dependencies import SessionDep
from app.errors import NotFound
from app.projects.settings import ProjectSettings, settings_of
from app.projects.tables import Membership, Project
from app.statements import EntityStatement
from app.tasks.slots import HOLD_OWN, hold_person
from app.tasks.tables import Assignment, Task

AssignmentId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The assignment's id.")]


@dataclass(frozen=True, slots=True)
class OwnAssignment:
    """An assignment of the person who asks, and their standing in its project."""

    assignment: Assignment
    access: Access

    @property
    def settings(self) -> ProjectSettings:
        """The project's settings."""
        return settings_of(self.access.project)


OWN: Final = (
    select(Assignment, Project, Membership)
    .join(Project, (Project.id == Assignment.project_id) & Project.archived_at.is_(None))
    .join(Membership, (Membership.project_id == Project.id) & (Membership.user_id == Assignment.annotator_id))
    .where(Assignment.id == bindparam("assignment"), Assignment.annotator_id == bindparam("annotator"))
)


def own_assignment(identity: RankIdentity, session: SessionDep, assignment_id: AssignmentId) -> OwnAssignment:
    """The assignment in the path, if it is this person's own; anybody else's is the same 404 as none."""
    row = session.execute(OWN, {"assignment": assignment_id, "annotator": identity.user.id}).one_or_none()
    if row is None or not may_see(identity, row[1].id):
        raise unknown()
    assignment, project, membership = row
    return OwnAssignment(assignment, granted(identity, project, membership, roles=ANNOTATORS))


def unknown() -> NotFound:
    """The refusal of an assignment that is somebody else's, or nobody's."""
    return NotFound("there is no such assignment, or it is not yours")


OwnAssignmentDep = Annotated[OwnAssignment, Depends(own_assignment)]


@dataclass(frozen=True, slots=True)
class HeldAssignment(OwnAssignment):
    """The same and its task, both locked, as rows that can only be read; the person's lock is taken before.

    `kept`: what the person used the request's Idempotency-Key for before, see `idempotency.kept_under`.
    """

    task: Task
    kept: Mapping[str, Any] | None


HELD_BY_ASSIGNMENT: Final = of_cookie_held(
    select(Assignment.project_id).where(Assignment.id == bindparam("assignment")).scalar_subquery()
)


OWN_HELD: Final = EntityStatement(
    HOLD_OWN.add_columns(idempotency.kept_under(bindparam("annotator"), bindparam("key")).label("kept"))
)


class HeldAssignmentDoor(IdentityDoor, TripDoor):
    """Passes the person whose assignment is in the path, on a trip."""

    async def __call__(  # type: ignore[override]
        self, request: Request, bearer: BearerDep, assignment_id: AssignmentId
    ) -> Trip[HeldAssignment]:
        def find(session: Session, cookie: str) -> Identity | None:
            return find_and_hold(session, cookie, HELD_BY_ASSIGNMENT, {"assignment": assignment_id})

        key = request.headers.get("Idempotency-Key")
        return begin(
            request, bearer, find, lambda session, identity: _held(session, self.admit(identity), assignment_id, key)
        )


def _held(session: Session, identity: Identity, assignment_id: int, key: str | None) -> HeldAssignment:
    if not identity.held:
        own = own_assignment(identity, session, assignment_id)
        hold_person(session, own.assignment.project_id, identity.user.id)
    asked = {"assignment": assignment_id, "annotator": identity.user.id, "key": key}
    found = OWN_HELD.one_or_none(session, asked)
    if found is None:
        raise unknown()
    task, assignment, kept = found
    return HeldAssignment(assignment, access_for(session, identity, task.project_id, roles=ANNOTATORS), task, kept)


HeldAssignmentTrip = Annotated[Trip[HeldAssignment], Depends(HeldAssignmentDoor("rank"))]
