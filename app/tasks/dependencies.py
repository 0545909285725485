"""The door of routes addressed by an assignment: it is yours, or it is not there."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path
from sqlalchemy import select

from app.auth.access import Access
from app.auth.dependencies import ANNOTATORS, RankIdentity, access_for, visible_projects
from app.dependencies import SessionDep
from app.errors import NotFound
from app.projects.settings import ProjectSettings, settings_of
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


def own_assignment(identity: RankIdentity, session: SessionDep, assignment_id: AssignmentId) -> OwnAssignment:
    """The assignment in the path, if it is this person's own; anybody else's is the same 404 as none."""
    assignment = session.scalars(
        select(Assignment).where(
            Assignment.id == assignment_id,
            Assignment.annotator_id == identity.user.id,
            Assignment.project_id.in_(visible_projects(identity)),
        )
    ).one_or_none()
    if assignment is None:
        raise NotFound("there is no such assignment, or it is not yours")
    access = access_for(session, identity, assignment.project_id, roles=ANNOTATORS, what="assignment")
    return OwnAssignment(assignment, access)


OwnAssignmentDep = Annotated[OwnAssignment, Depends(own_assignment)]
