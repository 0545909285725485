"""What every training recipe does around its loss: schedule, clipped step, and stopping on numbers that are none."""

from collections.abc import Iterable, Iterator, Sequence
from math import cos, isfinite, pi
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

ADAM_EPSILON: Final = 1e-5
ADAM_BETAS: Final = (0.9, 0.95)
LAST_RATE: Final = 0.1
WHOLE: Final = frozenset({torch.float32, torch.float64})
Item = TypeVar("Item")


class NonFiniteError(ArithmeticError):
    """A loss or a gradient that is no number: training stops here instead of going on with broken weights."""


def adam(
    groups: Iterable[tuple[Iterable[nn.Parameter], float]], *, weight_decay: float = 0.0, epsilon: float = ADAM_EPSILON
) -> torch.optim.AdamW:
    """AdamW with one learning rate a group. ε = 1e-5 unless told otherwise, as in every PPO that was reproduced.

    On a CPU in one pass over each weight, without a copy of it: that needs weights of 32 bits or more.
    """
    settings: list[dict[str, Any]] = [{"params": list(weights), "lr": rate, "peak": rate} for weights, rate in groups]
    fused = all(weight.is_cpu and weight.dtype in WHOLE for group in settings for weight in group["params"])
    return torch.optim.AdamW(settings, eps=epsilon, betas=ADAM_BETAS, weight_decay=weight_decay, fused=fused or None)


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Set each group's learning rate to a share of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


def warm_cosine(step: int, total: int, warmup_steps: float) -> float:
    """Share of the peak rate at `step` of `total`: linear up, then half a cosine down to a tenth."""
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1.0, total - warmup_steps)
    return LAST_RATE + (1 - LAST_RATE) * (1 + cos(pi * progress)) / 2


def clipped_step(optimizer: Optimizer, gradient_norm: float, *, keep: bool = False) -> float:
    """Scale the whole gradient down to `gradient_norm` if longer, take one step, and return its length before.

    `keep` leaves zeros for the next step to be added to, where every weight has a gradient in every step; without it a
    weight that a step does not reach stays as it is.

    Raises:
        NonFiniteError: the gradient is not finite; no weight has been changed.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    length = float(torch.nn.utils.clip_grad_norm_(weights, gradient_norm))
    if not isfinite(length):
        raise NonFiniteError("the gradient is not finite")
    optimizer.step()
    optimizer.zero_grad(set_to_none=not keep)
    return length


def require_finite(loss: Tensor, name: str) -> float:
    """The loss as a number.

    Raises:
        NonFiniteError: it is infinite or not a number.
    """
    value = float(loss.detach())
    if not isfinite(value):
        raise NonFiniteError(f"{name} is {value}")
    return value


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Consecutive slices of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))
