"""Real Celery workers on real Redis: doorbells, kill -9, SIGTERM."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from redis import Redis

from app.config import get_settings
from app.db import transaction
from app.runs import leases
from tests.workers.jobs.stage import read_run, until
from workers import scheduler
from workers.jobs import child

pytestmark = [pytest.mark.commits, pytest.mark.servers]

Start = Callable[..., int]


@contextmanager
def a_worker(behaviour: str, log: Path, *, remap: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the training queue, killed at the end if it still lives."""
    command = [sys.executable, "-m", "celery", "-A", "tests.workers.jobs.worker", "worker", "-Q", "training"]
    command += [
        "--without-gossip",
        "--without-mingle",
        "--loglevel",
        "info",
        "--pool",
        "prefork",
        "-n",
        f"{log.name}@%h",
    ]
    environment = {**os.environ, "STAND_IN_BEHAVIOUR": behaviour} | ({"REMAP_SIGTERM": remap} if remap else {})
    with log.open("wb") as output:
        worker = subprocess.Popen(command, cwd=child.ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def pid_of(run_id: int) -> int:
    """The process id of the run's child."""
    return int((get_settings().runs_dir / str(run_id) / "pid").read_text())


def test_a_doorbell_wakes_a_worker(start: Start, tmp_path: Path) -> None:
    run_id = start("reward")
    with a_worker("behave_well", tmp_path / "log"):
        until(lambda: read_run(run_id).state == "succeeded", 30)


def test_a_lost_doorbell_is_rung_again(start: Start, tmp_path: Path) -> None:
    run_id = start("reward")
    with Redis.from_url(get_settings().redis_url.get_secret_value()) as client:
        client.flushall()
    scheduler.ring()
    with a_worker("behave_well", tmp_path / "log"):
        until(lambda: read_run(run_id).state == "succeeded", 30)


def test_a_killed_worker_loses_its_run_and_another_goes_on(start: Start, tmp_path: Path) -> None:
    run_id = start("reward")
    with a_worker("save_then_work_for_ever", tmp_path / "first") as worker:
        until(lambda: read_run(run_id).progress, 30)
        first, pid = read_run(run_id), pid_of(run_id)
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 5)
    scheduler.reap()
    assert read_run(run_id).state == "running", "the lease holds until it has run out"

    until(lambda: scheduler.reap() or read_run(run_id).state == "queued", 10)
    taken = read_run(run_id)
    assert (taken.stalls, taken.fence > first.fence, taken.lease_owner) == (1, True, None)

    with a_worker("save_then_work_for_ever", tmp_path / "second"):
        until(lambda: scheduler.ring() or read_run(run_id).state == "succeeded", 30)
    assert read_run(run_id).attempt == 2


def test_a_run_that_keeps_losing_its_worker_fails(start: Start) -> None:
    run_id = start("reward")
    for _ in range(2):
        with transaction() as session:
            run = session.get_one(type(read_run(run_id)), run_id)
            run.run_after = leases.in_seconds(-1)
        with transaction() as session:
            assert leases.claim(session, run_id, owner="gone", lease_seconds=-1) is not None
        scheduler.reap()
    run = read_run(run_id)
    assert (run.state, run.reason, run.stalls) == ("failed", "stalled", 2)
    assert run.advice


@pytest.mark.parametrize("remap", ["", "SIGQUIT"])
def test_a_worker_asked_to_end_hands_its_run_back(start: Start, tmp_path: Path, remap: str) -> None:
    run_id = start("reward")
    with a_worker("work_for_ever", tmp_path / "log", remap=remap) as worker:
        until(lambda: read_run(run_id).progress, 30)
        pid = pid_of(run_id)
        worker.send_signal(signal.SIGTERM)
        worker.wait(10)
    run = read_run(run_id)
    assert (run.state, run.stalls) == ("queued", 0)
    assert not psutil.pid_exists(pid)
