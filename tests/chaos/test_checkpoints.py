"""kill -9 in the middle of saving, again and again: the newest checkpoint is whole and no older than what was told.

The control writes straight to the place that is read from; it must leave torn ones.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from pickle import UnpicklingError
from random import SystemRandom

import pytest
import torch
from torch import nn

from workers.rlhf import checkpoints
from workers.rlhf.checkpoints import Training

MOST_KILLS = 200
SIZE = 250_000
LONGEST_SECONDS = 0.03


@pytest.fixture(autouse=True)
def ready_to_fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread, because a fork has no others; and a first save, because torch imports for seconds during that."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    save_well(tmp_path_factory.mktemp("first"), 1)
    yield
    torch.set_num_threads(before)


def training(step: int) -> Training:
    """A training whose every weight is the number of its step; the optimizer has state of the same size."""
    weight = nn.Parameter(torch.full((SIZE,), float(step)))
    return Training(weights={"w": weight}, optimizer=torch.optim.SGD([weight]), numbers={"step": step})


def save_well(folder: Path, step: int) -> None:
    checkpoints.save(folder, step, training(step))


def save_naively(folder: Path, step: int) -> None:
    """What one would write first."""
    folder.mkdir(exist_ok=True)
    torch.save({"weight/w": training(step).weights["w"].detach()}, folder / f"step-{step}.pt")


def killed_while_saving(folder: Path, save: Callable[[Path, int], None], first: int) -> int:
    """Save step after step in a process of its own until it is killed; the last step that it told was saved."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            for step in range(first, first + 1_000_000):
                save(folder, step)
                os.write(writing, f"{step}\n".encode())
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as told:
        told.readline()
        time.sleep(SystemRandom().uniform(0, LONGEST_SECONDS))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        steps = told.read().split()
    return int(steps[-1]) if steps else first


@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_no_kill_leaves_a_torn_checkpoint_or_loses_one_that_was_told(tmp_path: Path, kills: int) -> None:
    told = 0
    for _ in range(kills):
        told = killed_while_saving(tmp_path, save_well, told + 1)
        newest = checkpoints.newest_valid(tmp_path)
        assert newest is not None
        assert newest == max(tmp_path.glob("step-*"), key=checkpoints.step_of), "the newest one is torn"
        assert checkpoints.step_of(newest) in {told, told + 1}
        again = training(0)
        assert checkpoints.load(newest, again) == checkpoints.step_of(newest)
        assert torch.equal(again.weights["w"], torch.full((SIZE,), float(checkpoints.step_of(newest))))
        told = checkpoints.step_of(newest)


def test_the_control_leaves_torn_ones(tmp_path: Path) -> None:
    told = 0
    for _ in range(MOST_KILLS):
        told = killed_while_saving(tmp_path, save_naively, told + 1)
        newest = max(tmp_path.glob("step-*"), key=lambda path: int(path.stem.rpartition("-")[2]))
        told = int(newest.stem.rpartition("-")[2])
        if is_torn(newest, told):
            return
        for old in tmp_path.glob("step-*"):
            old.unlink()
    pytest.fail(f"{MOST_KILLS} kills in the middle of naive saves left nothing torn")


def is_torn(path: Path, step: int) -> bool:
    """Whether a file cannot be read, or holds another step than its name says."""
    try:
        return not torch.equal(torch.load(path)["weight/w"], torch.full((SIZE,), float(step)))
    except (RuntimeError, EOFError, OSError, UnpicklingError):
        return True
