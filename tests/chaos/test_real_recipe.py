"""A real training run whose worker is killed twice ends with the same weights, bit by bit, as one left in peace."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch
from sqlalchemy import func, select

from app.config import get_settings
from app.db import transaction
from app.registry.tables import ModelVersion
from app.runs.tables import RunCheckpoint
from app.storage import store
from tests.app.judgment_rows import a_world, submit, take
from tests.chaos import other_worker
from tests.chaos.killing import wait_until
from tests.conftest import Database
from tests.tiny_model import EXCHANGES, build_tiny_model
from tests.workers.jobs.stage import launched, made_by, read_run
from workers import scheduler
from workers.jobs import execution

pytestmark = [pytest.mark.commits, pytest.mark.servers, pytest.mark.timeout(900)]

KILLS = 2
CONFIG = {
    "minimum_steps": 300,
    "prompts_per_step": 2,
    "checkpoint_every": 25,
    "lora_layers": 1,
    "likelihood": "pairs",
}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch's threads wait for each other by spinning, which is slow where others work too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_runs(
    one_thread: None, database: Database, use_settings: Callable[..., object], tmp_path: Path
) -> tuple[int, int]:
    """The same run twice, in a project whose eight prompts were judged once each."""
    use_settings(run_lease_seconds=5, run_max_stalls=10, torch_threads=1)
    with transaction() as session:
        world = a_world(session)
        stored = store().put(build_tiny_model(tmp_path / "tiny", steps=4))
        world.model.artifact_sha256, world.model.artifact_bytes = stored.sha256, stored.size
        annotator = world.person(name="Simulated annotator 1")
        for asked, _ in EXCHANGES:
            prompt = world.prompt(text=asked)
            world.task(prompt=prompt, completion_ids=world.completions(prompt, 2))
        for _ in EXCHANGES:
            submit(session, take(world, annotator), annotator)
        left, killed = (launched(world, "reward", seed=11, config=CONFIG) for _ in range(2))
    return left, killed


def newest_checkpoint(run_id: int) -> int:
    """Step of the run's newest checkpoint; 0 before the first."""
    with transaction() as session:
        query = select(func.max(RunCheckpoint.step)).where(RunCheckpoint.run_id == run_id)
        return session.scalar(query) or 0


def kill_after_a_checkpoint(run_id: int) -> int:
    """Kill a worker that has stored a new checkpoint, and see its child die with it; that checkpoint's step."""
    known = newest_checkpoint(run_id)
    worker = other_worker.start(run_id)
    wait_until(lambda: newest_checkpoint(run_id) > known, "a new checkpoint", 300)
    children = psutil.Process(worker.pid).children(recursive=True)
    assert children, "the recipe was over before it could be killed"
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(30)
    psutil.wait_procs(children, timeout=30)
    wait_until(lambda: scheduler.reap() or read_run(run_id).state == "queued", "the end of the lease", 30)
    wait_until(lambda: other_worker.is_due(run_id), "the run's turn", 30)
    return newest_checkpoint(run_id)


def weights_of(version: ModelVersion) -> dict[str, bytes]:
    """Every file of weights of a model version."""
    sha256 = version.artifact_sha256 or ""
    folder = get_settings().artifacts_dir / sha256[:2] / sha256
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


def test_a_real_run_killed_twice_leaves_the_weights_of_one_left_in_peace(two_runs: tuple[int, int]) -> None:
    left, killed = two_runs
    # A doorbell wakes a queue, and the older run goes first.
    assert execution.execute(left) == left
    steps = [kill_after_a_checkpoint(killed) for _ in range(KILLS)]
    assert execution.execute(killed) == killed
    assert 0 < steps[0] < steps[1] < CONFIG["minimum_steps"]
    assert (read_run(killed).state, read_run(killed).attempt) == ("succeeded", KILLS + 1)
    assert weights_of(made_by(left)) == weights_of(made_by(killed)) != {}
