"""An exponential moving average of a policy's weights, one step an update (Ouyang et al. 2022, appendix C.4)."""

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from workers.rlhf.checkpoints import Training

POLICY: Final = "policy/"
KEPT: Final = "ema/"


@torch.no_grad()
def average(training: Training, share: float) -> None:
    """Move the average towards the policy's weights; `share` of it stays. 0 keeps none."""
    if share == 0:
        return
    for name, weight in _policy(training):
        mean = training.kept.get(KEPT + name)
        now = weight.detach().float()
        training.kept[KEPT + name] = now.clone() if mean is None else torch.lerp(now, mean.to(now.device), share)


@torch.no_grad()
def settle(training: Training) -> None:
    """Put the average, if one is kept, in the policy's place."""
    for name, weight in _policy(training):
        mean: Tensor | None = training.kept.get(KEPT + name)
        if mean is not None:
            weight.copy_(mean)


def _policy(training: Training) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, weight) for name, weight in training.weights.items() if name.startswith(POLICY))
