"""The door of routes addressed by an assignment: it is yours, or it is not there."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Path
from sqlalchemy import bindparam, select

from app.auth.access import Access, granted, may_see
from app.auth.dependencies import ANNOTATORS, RankIdentity
from app.dependencies import SessionDep
from app.errors import NotFound
from app.projects.settings import ProjectSettings, settings_of
from app.projects.tables import Membership, Project
from app.tasks.tables import Assignment

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
        raise NotFound("there is no such assignment, or it is not yours")
    assignment, project, membership = row
    return OwnAssignment(assignment, granted(identity, project, membership, roles=ANNOTATORS))


OwnAssignmentDep = Annotated[OwnAssignment, Depends(own_assignment)]
