"""Make projects, change them, list a person's."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.auth.access import Identity, visible_projects
from app.auth.roles import Role
from app.auth.tables import User
from app.pagination import PageRequest, Rows, page_by_id
from app.projects.settings import checked, merged
from app.projects.tables import Membership, Project


@dataclass(frozen=True, slots=True)
class SeenProject:
    """A project with the role of the person who looks at it."""

    project: Project
    role: Role


def create_project(
    session: Session,
    *,
    creator: User | None,
    name: str,
    description: str = "",
    settings: dict[str, Any] | None = None,
) -> Project:
    """A new project; `creator`, if there is one (the demo has none yet), becomes its admin."""
    project = Project(
        name=name, description=description, settings=checked(settings or {}), created_by=creator.id if creator else None
    )
    session.add(project)
    session.flush()
    if creator:
        session.add(Membership(project_id=project.id, user_id=creator.id, role="admin"))
        session.flush()
    audit.record(
        session,
        actor=creator,
        action="project.created",
        object_type="project",
        object_id=project.id,
        project_id=project.id,
        detail={"name": name},
    )
    return project


def update_project(
    session: Session,
    *,
    actor: User,
    project_id: int,
    name: str | None = None,
    description: str | None = None,
    settings: dict[str, Any] | None = None,
) -> Project:
    """The project, changed; settings are merged under a lock, so two changes at once both count."""
    project = session.execute(
        select(Project).where(Project.id == project_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()
    before = dict(project.settings)
    project.name = name if name is not None else project.name
    project.description = description if description is not None else project.description
    project.settings = checked(merged(before, settings or {}))
    audit.record(
        session,
        actor=actor,
        action="project.changed",
        object_type="project",
        object_id=project.id,
        project_id=project.id,
        detail={"settings_before": before, "settings_after": project.settings},
    )
    session.flush()
    return project


def list_projects(session: Session, identity: Identity, page: PageRequest) -> Rows[SeenProject]:
    """The person's projects, oldest first."""
    query = select(Membership).where(
        Membership.user_id == identity.user.id, Membership.project_id.in_(visible_projects(identity))
    )
    rows = page_by_id(session, query, Membership.project_id, page, newest_first=False)
    roles = {membership.project_id: membership.role for membership in rows.items}
    projects = session.scalars(select(Project).where(Project.id.in_(roles)).order_by(Project.id))
    return Rows(items=[SeenProject(project=one, role=roles[one.id]) for one in projects], next_cursor=rows.next_cursor)
