"""The chaos suite's project: a live model, prompts, tasks that two are to judge, and simulated people."""

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth import tokens
from app.auth.access import Identity
from app.auth.tables import User
from app.projects.tables import Membership

# All tables, so that rows can be written from a process in which nothing else of the service runs.
from app.schema import projects, prompts, registry
from app.schema import tasks as tasks_and_slots
from app.storage import store
from tests.app.judgment_rows import World, a_world
from tests.workers.jobs.stand_in import write_artifact

CAST = "cast.json"
COOKIE = "plackett_session"
# Whoever reads the data later must not take these for judgments of people.
NAME = "Simulated {role} {number}"
SETTINGS: dict[str, Any] = {
    "overlap": 2,
    "completions_per_task": 3,
    "edit_window_minutes": 600,
    "loop": {"keep_tasks_ready": 8},
}


@dataclass(frozen=True)
class Actor:
    """A simulated person and the headers that say who it is."""

    user_id: int
    headers: dict[str, str]


@dataclass(frozen=True)
class Cast:
    """The project, who judges, and who launches runs."""

    project_id: int
    annotators: list[Actor]
    admin: Actor

    def to_json(self) -> str:
        """For the file that the suite reads."""
        return json.dumps(asdict(self))


def read_cast(folder: Path) -> Cast:
    """Who is there, as the service's first start wrote it."""
    known = json.loads((folder / CAST).read_text())
    people = [Actor(**one) for one in known["annotators"]]
    return Cast(known["project_id"], people, Actor(**known["admin"]))


def make(session: Session, folder: Path, *, annotators: int, tasks: int) -> Cast:
    """The project, with as many simulated annotators and open tasks as asked for."""
    world = a_world(session, **SETTINGS)
    write_artifact(folder / "base", kind="base", weights="base")
    stored = store().put(folder / "base")
    world.model.artifact_sha256, world.model.artifact_bytes = stored.sha256, stored.size
    people = [actor(world, "annotator", number) for number in range(1, annotators + 1)]
    add_tasks(world, tasks)
    return Cast(world.project.id, people, actor(world, "admin", 1))


def keep_open(session: Session, cast: Cast, how_many: int) -> None:
    """Make as many tasks as are missing of so many open ones."""
    missing = how_many - (session.scalar(select(func.count()).where(tasks_and_slots.Task.state == "open")) or 0)
    project = session.get_one(projects.Project, cast.project_id)
    prompt_set = session.scalars(select(prompts.PromptSet)).one()
    model = session.scalars(select(registry.ModelVersion).where(registry.ModelVersion.run_id.is_(None))).one()
    add_tasks(World(session, project, prompt_set, model), missing)


def add_tasks(world: World, how_many: int) -> None:
    """Tasks over three completions each, to be judged by two people."""
    for _ in range(how_many):
        prompt = world.prompt(text=f"Question {uuid.uuid4()}?")
        world.task(overlap=2, prompt=prompt, completion_ids=world.completions(prompt, 3))


def actor(world: World, role: str, number: int) -> Actor:
    """A simulated member; every other one comes with a browser's cookie, the rest with a program's token."""
    session = world.session
    user = User(name=NAME.format(role=role, number=number), email=f"simulated-{role}-{number}@example.org")
    session.add(user)
    session.flush()
    session.add(Membership(project_id=world.project.id, user_id=user.id, role=role))
    session.flush()
    if number % 2:
        signed_in = auth.sign_in(session, user)
        cookie = {"Cookie": f"{COOKIE}={signed_in.cookie}", "X-CSRF-Token": signed_in.identity.csrf_token or ""}
        return Actor(user.id, cookie)
    scopes = ["read", "rank", "runs"]
    issued = tokens.issue_token(
        session, Identity(user=user), name="simulated", scopes=scopes, project_id=world.project.id, expires_in_days=366
    )
    return Actor(user.id, {"Authorization": f"Bearer {issued.text}"})
