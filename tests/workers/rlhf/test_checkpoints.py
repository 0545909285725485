from pathlib import Path

import pytest
import torch
from torch import nn

from workers.rlhf import checkpoints
from workers.rlhf.artifacts import BadArtifactError
from workers.rlhf.checkpoints import Training
from workers.rlhf.training import adam, clipped_step


def training() -> Training:
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    return Training(dict(layer.named_parameters()), adam([(layer.parameters(), 0.1)]), {"kl_coefficient": 0.3})


def advance(state: Training, steps: int) -> None:
    for _ in range(steps):
        sum((weight**2).sum() for weight in state.weights.values()).backward()
        clipped_step(state.optimizer, 1.0)


def test_a_loaded_checkpoint_goes_on_bit_for_bit(tmp_path: Path) -> None:
    straight = training()
    advance(straight, 3)
    straight.numbers["kl_coefficient"] = 0.1 + 0.2
    written = checkpoints.save(tmp_path, 3, straight)
    advance(straight, 2)
    resumed = training()
    assert checkpoints.load(written.path, resumed) == 3
    assert resumed.numbers == {"kl_coefficient": 0.1 + 0.2}
    advance(resumed, 2)
    for name, weight in straight.weights.items():
        assert torch.equal(weight, resumed.weights[name])


def test_a_checkpoint_has_no_pickle_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    state = training()
    advance(state, 1)
    for step in (1, 2, 3):
        checkpoints.save(tmp_path, step, state)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-2", "step-3"]
    assert sorted(path.name for path in (tmp_path / "step-3").iterdir()) == [
        "MANIFEST.json",
        "state.json",
        "state.safetensors",
    ]


def test_a_damaged_checkpoint_is_passed_over_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = training()
    advance(state, 1)
    assert checkpoints.newest_valid(tmp_path) is None
    good = checkpoints.save(tmp_path, 9, state)
    bad = checkpoints.save(tmp_path, 10, state)
    with (bad.path / "state.safetensors").open("r+b") as file:
        file.truncate(50)
    assert checkpoints.newest_valid(tmp_path) == good.path
    assert "passed over a damaged checkpoint" in caplog.text
    with pytest.raises(BadArtifactError):
        checkpoints.load(bad.path, training())


def test_a_checkpoint_of_other_weights_is_refused(tmp_path: Path) -> None:
    state = training()
    advance(state, 1)
    written = checkpoints.save(tmp_path, 1, state)
    other = training()
    other.weights = {"more": nn.Parameter(torch.zeros(1)), **other.weights}
    with pytest.raises(BadArtifactError, match="other weights"):
        checkpoints.load(written.path, other)
