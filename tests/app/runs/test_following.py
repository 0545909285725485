"""The event stream: everything once and in order, from wherever a reader comes back, with and without Redis."""

import asyncio
import json
import threading
import time
from collections.abc import Callable

import pytest

from app.db import transaction
from app.runs import events, following, leases
from app.runs.tables import Run
from tests.app.judgment_rows import a_world
from tests.conftest import Database

pytestmark = pytest.mark.commits


@pytest.fixture
def run_id(committed_database: Database) -> int:
    """A queued run with three events."""
    with transaction() as session:
        world = a_world(session)
        run = Run(
            project_id=world.project.id, kind="reward", queue="training", config={}, inputs={"models": {}}, seed=1
        )
        session.add(run)
        session.flush()
        events.append(session, run.id, *(events.note(f"line {number}\nbreak") for number in (1, 2, 3)))
    return run.id


def finish(run_id: int) -> None:
    with transaction() as session:
        held = leases.claim(session, run_id, owner="one", lease_seconds=60)
        assert held is not None
        leases.start(session, held)
        leases.succeed(session, held, {})


def read_all(run_id: int, after: int = 0) -> list[str]:
    """The frames of the stream until it ends."""

    async def collect() -> list[str]:
        return [frame async for frame in following.stream(run_id, after) if not frame.startswith(":")]

    return asyncio.run(asyncio.wait_for(collect(), 15))


def numbers(frames: list[str]) -> list[int]:
    return [int(frame.splitlines()[0].removeprefix("id: ")) for frame in frames if frame.startswith("id: ")]


def test_a_finished_run_is_told_from_the_start_and_ends(run_id: int) -> None:
    finish(run_id)
    frames = read_all(run_id)
    assert numbers(frames) == [1, 2, 3, 4, 5, 6]
    first = frames[0].splitlines()
    assert first[:2] == ["id: 1", "event: log"]
    assert json.loads(first[2].removeprefix("data: ")) == {"level": "info", "text": "line 1\nbreak"}
    assert frames[0].endswith("\n\n")
    assert frames[-1] == "event: end\ndata: {}\n\n"


@pytest.mark.parametrize("after", [0, 2, 5, 6])
def test_a_reader_that_comes_back_misses_and_repeats_nothing(run_id: int, after: int) -> None:
    finish(run_id)
    assert numbers(read_all(run_id, after)) == list(range(after + 1, 7))


@pytest.mark.parametrize("redis", ["there", "absent", "gone"])
def test_what_happens_while_somebody_watches_arrives(
    run_id: int, redis: str, monkeypatch: pytest.MonkeyPatch, use_settings: Callable[..., object]
) -> None:
    if redis == "gone":
        use_settings(redis_url="redis://127.0.0.1:1/0")
    if redis == "absent":
        monkeypatch.setattr(following, "redis_address", lambda: None)
    monkeypatch.setattr(following, "LOOK_SECONDS", 10.0 if redis == "there" else 0.2)
    later = threading.Timer(1.0, finish, [run_id])
    later.start()
    began = time.monotonic()
    frames = read_all(run_id)
    later.join()
    assert numbers(frames) == [1, 2, 3, 4, 5, 6]
    assert frames[-1].startswith("event: end")
    assert time.monotonic() - began < 8
