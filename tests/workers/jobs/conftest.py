"""Fixtures of the job tests: a database of their own, short leases, a world to work in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.db import transaction
from tests.app.judgment_rows import World
from tests.conftest import Database
from tests.workers.jobs import stage
from workers.jobs import execution


@pytest.fixture
def database(committed_database: Database, use_settings: Callable[..., object]) -> Database:
    """A database of the test's own, with leases of two seconds."""
    use_settings(run_lease_seconds=2, run_max_stalls=2, torch_threads=1, isolation="off")
    return committed_database


@pytest.fixture
def make_world(database: Database, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A function that makes a committed world; with so many tasks ranked and demonstrations written already."""

    def make(*, judgments: int = 0, demonstrations: int = 0, prompts: int = 3, **settings: object) -> World:
        with transaction() as session:
            world = stage.a_stocked_world(session, tmp_path / "base", prompts=prompts, **settings)
            if judgments:
                stage.with_judgments(world, judgments)
            if demonstrations:
                stage.with_demonstrations(world, demonstrations)
        return world

    yield make
    execution.stopping.clear()


@pytest.fixture
def start(make_world: Callable[..., World]) -> Callable[..., int]:
    """A function that launches a run in a new world and returns its id."""

    def launch(kind: str, **world: object) -> int:
        made = make_world(**{"judgments": 1, **world})
        with transaction() as session:
            made.session = session
            return stage.launched(made, kind, seed=7)

    return launch
