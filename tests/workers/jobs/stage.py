"""What a job needs around it: a project whose live model has weights, and a recipe that behaves as told."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import transaction
from app.registry.tables import ModelVersion
from app.runs.launching import Launch, launch
from app.runs.tables import Run, RunEvent
from app.storage import store
from tests.app.judgment_rows import World, a_world, submit, take
from tests.workers.jobs import stand_in
from workers.jobs import child, execution

STAND_IN = Path(stand_in.__file__)


def behave(monkeypatch: pytest.MonkeyPatch, behaviour: str) -> None:
    """Let every child of this process behave as told."""
    monkeypatch.setattr(child, "RECIPE", [sys.executable, str(STAND_IN), behaviour])


def a_stocked_world(session: Session, folder: Path, *, prompts: int = 3, **settings: Any) -> World:
    """A project with prompts and a live base model whose artifact is stored."""
    world = a_world(session, **settings)
    sha256, _ = stand_in.write_artifact(folder, kind="base", weights="base")
    stored = store().put(folder)
    assert stored.sha256 == sha256
    world.model.artifact_sha256, world.model.artifact_bytes = stored.sha256, stored.size
    for _ in range(prompts):
        world.prompt()
    session.flush()
    return world


def with_judgments(world: World, how_many: int = 1) -> World:
    """The same world after people have ranked tasks."""
    annotator = world.person()
    for _ in range(how_many):
        world.task()
    for _ in range(how_many):
        submit(world.session, take(world, annotator), annotator)
    return world


def with_demonstrations(world: World, how_many: int = 1) -> World:
    """The same world after a person has written answers to new prompts."""
    author = world.person()
    for _ in range(how_many):
        world.completions(world.prompt(), 1, author=author)
    return world


def launched(world: World, kind: str, **wanted: Any) -> int:
    """The id of a newly launched run."""
    run = launch(world.session, Launch(project_id=world.project.id, kind=kind, **wanted), actor=None)
    return run.id


def read_run(run_id: int) -> Run:
    """The run as it is in the database."""
    with transaction() as session:
        return session.get_one(Run, run_id)


def events_of(run_id: int, kind: str | None = None) -> list[RunEvent]:
    """The run's events, in order."""
    with transaction() as session:
        query = select(RunEvent).where(RunEvent.run_id == run_id).order_by(RunEvent.seq)
        return [one for one in session.scalars(query) if kind in {None, one.type}]


def made_by(run_id: int) -> ModelVersion:
    """The model version that a run registered."""
    with transaction() as session:
        return session.scalars(select(ModelVersion).where(ModelVersion.run_id == run_id)).one()


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something to become true and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


class Working:
    """A job at work in a thread."""

    def __init__(self, run_id: int) -> None:
        self.worked_on: int | None = None
        self._run_id = run_id
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        self.worked_on = execution.execute(self._run_id)

    def start(self) -> "Working":
        self._thread.start()
        return self

    def join(self, seconds: float = 30.0) -> int | None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the job did not end"
        return self.worked_on
