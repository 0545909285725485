"""Projects over HTTP."""

from fastapi import APIRouter

from app.auth.dependencies import Operator, ProjectAdmin, ProjectMember, ReadIdentity
from app.dependencies import PageDep, SessionDep
from app.pagination import Page
from app.projects import service
from app.projects.schemas import NewProject, ProjectChange, ProjectRead, project_read
from app.projects.service import SeenProject

router = APIRouter(prefix="/projects", tags=["projects"])


@router.get("")
def list_projects(identity: ReadIdentity, session: SessionDep, page: PageDep) -> Page[ProjectRead]:
    """Your projects, oldest first."""
    rows = service.list_projects(session, identity, page)
    return Page(items=[project_read(seen) for seen in rows.items], next_cursor=rows.next_cursor)


@router.post("", status_code=201)
def create_project(new: NewProject, operator: Operator, session: SessionDep) -> ProjectRead:
    """Make a project and become its admin."""
    project = service.create_project(
        session, creator=operator.user, name=new.name, description=new.description, settings=new.settings
    )
    return project_read(SeenProject(project=project, role="admin"))


@router.get("/{project_id}")
def get_project(access: ProjectMember) -> ProjectRead:
    """A project with its settings and your role in it."""
    return project_read(SeenProject(project=access.project, role=access.role))


@router.patch("/{project_id}")
def update_project(change: ProjectChange, access: ProjectAdmin, session: SessionDep) -> ProjectRead:
    """Change a project; settings may be given in part."""
    project = service.update_project(
        session,
        actor=access.user,
        project_id=access.project.id,
        name=change.name,
        description=change.description,
        settings=change.settings,
    )
    return project_read(SeenProject(project=project, role=access.role))
