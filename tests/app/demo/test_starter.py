"""The demo project: everything a first visitor needs is there, as the service itself keeps it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.demo.starter import GUIDELINES, make_demo
from app.guidelines.service import find_newest
from app.projects.settings import ProjectSettings, settings_of
from app.tasks.tables import Task


def test_the_demo_starts_with_guidelines_as_a_version_and_tasks_to_rank(session: Session) -> None:
    project = make_demo(session)
    newest = find_newest(session, project.id)
    assert newest is not None
    assert (newest.row.number, newest.author) == (1, None)
    assert newest.row.text == GUIDELINES.read_text(encoding="utf-8").strip()
    settings = settings_of(project)
    assert settings.loop.promotion == "automatic"
    assert settings.model_dump(exclude={"loop"}) == ProjectSettings().model_dump(exclude={"loop"})
    assert session.scalar(select(func.count()).where(Task.project_id == project.id)) > 0
