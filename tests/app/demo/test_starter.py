"""The demo project: everything a first visitor needs is there, as the service itself keeps it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.demo.starter import GUIDELINES, STARTER_DEMONSTRATIONS, make_demo
from app.demonstrations import uploading
from app.guidelines.service import find_newest
from app.projects.settings import ProjectSettings, settings_of
from app.prompts.service import NewPromptSet
from app.prompts.upload import Upload
from app.tasks.tables import Task
from tests.app import cast


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


def test_the_starter_demonstrations_are_of_the_demos_own_prompts(session: Session) -> None:
    project = make_demo(session)
    with STARTER_DEMONSTRATIONS.open("rb") as file:
        sent = uploading.Sent(
            project_id=project.id,
            actor=cast.a_member(session, project, "admin"),
            upload=Upload(file=file, file_name=STARTER_DEMONSTRATIONS.name, limit_bytes=1 << 20),
            new=NewPromptSet(name="Starter", file_name=STARTER_DEMONSTRATIONS.name),
        )
        found = uploading.store_demonstrations(session, sent)
    assert (found.bad, found.duplicates, found.new_prompts) == (0, 0, 0)
    assert found.by_split["train"] >= 30
    assert found.by_split["validation"] >= 3
    longest = session.scalar(select(func.max(func.length(Completion.text))).where(Completion.role == "demonstration"))
    assert longest is not None
    assert longest < 300
