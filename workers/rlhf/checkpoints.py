"""Checkpoints: everything a recipe needs to go on as if it had never stopped, as safetensors and JSON.

Recipes draw all random numbers from (seed, step, …), so the step is the whole state of their generators.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from workers.rlhf.artifacts import BadArtifactError, Seal, fsync, seal, verify, write_json

logger = logging.getLogger(__name__)

TENSORS: Final = "state.safetensors"
STATE: Final = "state.json"
KEPT: Final = 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on the disk."""

    step: int
    path: Path
    seal: Seal


@dataclass(slots=True)
class Training:
    """What changes while a recipe runs: weights by name, the optimizer over them, plain numbers, and kept tensors."""

    weights: Mapping[str, nn.Parameter]
    optimizer: Optimizer
    numbers: dict[str, Any]
    kept: dict[str, Tensor] = field(default_factory=dict)


def save(folder: Path, step: int, training: Training) -> Checkpoint:
    """Write `folder`/step-N so that it is there in full or not at all; only the newest few are kept."""
    aside, path = folder / f".step-{step}", folder / f"step-{step}"
    for stale in (aside, path):
        shutil.rmtree(stale, ignore_errors=True)
    aside.mkdir(parents=True)
    tensors = {f"weight/{name}": weight.detach() for name, weight in training.weights.items()}
    tensors |= {f"optimizer/{name}": value for name, value in _optimizer_tensors(training.optimizer).items()}
    tensors |= {f"kept/{name}": value for name, value in training.kept.items()}
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, aside / TENSORS)
    write_json(aside / STATE, {"step": step, "numbers": training.numbers})
    sealed = seal(aside)
    aside.rename(path)
    fsync(folder)
    for old in sorted(folder.glob("step-*"), key=step_of)[:-KEPT]:
        shutil.rmtree(old)
    return Checkpoint(step, path, sealed)


def load(path: Path, training: Training) -> int:
    """Put a checkpoint's weights, optimizer state and numbers back in place and return its step.

    Raises:
        BadArtifactError: damaged, or of another shape than this training.
    """
    verify(path)
    tensors = load_file(path / TENSORS)
    content = json.loads((path / STATE).read_text(encoding="utf-8"))
    expected = {f"weight/{name}" for name in training.weights}
    if expected != {name for name in tensors if name.startswith("weight/")}:
        raise BadArtifactError(f"{path.name}: holds other weights than this run trains")
    with torch.no_grad():
        for name, weight in training.weights.items():
            weight.copy_(tensors[f"weight/{name}"])
    _restore_optimizer(training.optimizer, tensors)
    training.numbers.clear()
    training.numbers.update(content["numbers"])
    training.kept = {name.removeprefix("kept/"): value for name, value in tensors.items() if name.startswith("kept/")}
    return int(content["step"])


def newest_valid(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; damaged ones are passed over."""
    for path in sorted(folder.glob("step-*"), key=step_of, reverse=True):
        try:
            verify(path)
        except BadArtifactError as damage:
            logger.warning("passed over a damaged checkpoint: %s", damage)
            continue
        return path
    return None


def step_of(path: Path) -> int:
    """The step in a checkpoint's name."""
    return int(path.name.rpartition("-")[2])


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    return {f"{index}/{name}": value for index, entry in state.items() for name, value in entry.items()}


def _restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer/"):
            _, index, field = name.split("/")
            state.setdefault(int(index), {})[field] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
