"""A checkpoint that finds no room leaves the one before as it was. The fault is the system's: a limit of file size."""

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from workers.rlhf.artifacts import BadArtifactError, verify
from workers.rlhf.checkpoints import TENSORS, Training, load, newest_valid, save

ROOM = 64 * 1024


@contextmanager
def room_for(size: int) -> Generator[None]:
    """No file of this process may become larger than `size` bytes meanwhile."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


def a_training() -> Training:
    weight = torch.nn.Parameter(torch.zeros(ROOM))
    return Training(weights={"w": weight}, optimizer=torch.optim.SGD([weight], lr=1.0), numbers={"seen": 1})


def test_a_checkpoint_that_finds_no_room_loses_none(tmp_path: Path) -> None:
    training = a_training()
    save(tmp_path, 1, training)
    with torch.no_grad():
        training.weights["w"].add_(1.0)
    with room_for(ROOM), pytest.raises((OSError, SafetensorError)):
        save(tmp_path, 2, training)
    newest = newest_valid(tmp_path)
    assert newest == tmp_path / "step-1"
    assert load(newest, training) == 1
    assert float(training.weights["w"].detach().sum()) == 0.0
    assert save(tmp_path, 2, training).step == 2, "with room again it goes on"


def test_one_that_overwrites_the_one_before_loses_it(tmp_path: Path) -> None:
    """The control: a checkpoint that is written in its predecessor's place is lost with it."""
    training = a_training()
    place = save(tmp_path, 1, training).path
    with room_for(ROOM), pytest.raises(OSError, match="too large"):
        (place / TENSORS).write_bytes(b"1" * (2 * ROOM))
    with pytest.raises(BadArtifactError):
        verify(place)
