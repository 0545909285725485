"""Projects on the wire."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.auth.roles import Role
from app.inputs import Input, Line, Prose
from app.projects.service import SeenProject
from app.projects.settings import ProjectSettings, settings_of


class ProjectRead(BaseModel):
    """A project as one of its members sees it; `role` is that member's."""

    id: int
    name: str
    description: str
    settings: ProjectSettings
    role: Role
    created_at: datetime


class NewProject(Input):
    """A project to make; settings that are left out take their defaults."""

    name: Line
    description: Prose = ""
    settings: dict[str, Any] = Field(default_factory=dict, description="Any part of the settings.")


class ProjectChange(Input):
    """What to change; `settings` is merged into those there, null brings a default back."""

    name: Line | None = None
    description: Prose | None = None
    settings: dict[str, Any] = Field(default_factory=dict, description="Any part of the settings.")


def project_read(seen: SeenProject) -> ProjectRead:
    """The wire form of a project."""
    project = seen.project
    return ProjectRead(
        id=project.id,
        name=project.name,
        description=project.description,
        settings=settings_of(project),
        role=seen.role,
        created_at=project.created_at,
    )
