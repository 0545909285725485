"""What every recipe does that lets a policy write, judges it and improves it, round after round.

Shapes: N = completions, R = reply tokens. Masks are True on real tokens.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import torch
from torch import Tensor

from workers.rlhf.advantages import masked_mean, masked_sum
from workers.rlhf.cast import Cast
from workers.rlhf.checkpoints import Training
from workers.rlhf.losses import probability_ratio
from workers.rlhf.policy_configs import Rounds
from workers.rlhf.rollout import Judged, Question, rounds_apart
from workers.rlhf.training import chunks, clipped_step

FIRST_RATE: Final = 0.1
# The first pass over a rollout sees the policy that wrote it, so every ratio is 1 up to rounding.
RATIO_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 0.2}
KL_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 0.05}
# Of these numbers a minibatch has the largest of its chunks; of all others the sum.
WORST: Final = "policy/ratio_error"

Accumulate = Callable[[Sequence[int], int], dict[str, float]]


class BrokenInvariantError(RuntimeError):
    """The numbers contradict the algorithm: going on would train on something else than what was meant."""


@dataclass(frozen=True, slots=True)
class Step:
    """One update: what the policy did, and what it learnt from it."""

    number: int
    total: int
    metrics: dict[str, float]


def improve(
    cast: Cast, count: int, config: Rounds, training: Training, accumulate: Accumulate, *, seed: int
) -> dict[str, float]:
    """A few passes over the same `count` prompts, in a new order each time, until the policy has moved enough.

    `accumulate` adds the gradient of a minibatch of prompts, of the step with a number, and returns what it saw.
    """
    order = torch.Generator().manual_seed(seed)
    steps: list[dict[str, float]] = []
    rate = {"learning_rate": training.optimizer.param_groups[0]["lr"]}
    for _ in range(config.epochs):
        for mini in minibatches(cast, count, config, order):
            with cast.lean():
                numbers = accumulate(mini, len(steps))
            if not steps:
                require_same_policy(cast, numbers["policy/ratio_error"])
            if 0 < config.stop_kl < numbers["policy/approxkl"]:
                training.optimizer.zero_grad(set_to_none=True)
                return averages(steps) | rate | {"policy/stopped_early": 1.0}
            numbers["gradient_norm"] = clipped_step(training.optimizer, config.gradient_norm)
            steps.append(numbers)
    return averages(steps) | rate | {"policy/stopped_early": 0.0}


def minibatches(cast: Cast, count: int, config: Rounds, order: torch.Generator) -> Iterator[Sequence[int]]:
    """One pass over so many prompts in a new order.

    Where numbers depend on the batch, prompts that were read together stay together, and in their own order.
    """
    together = config.prompts_per_chunk if rounds_apart(cast.policy) else 1
    blocks = list(chunks(range(count), together))
    shuffled = [blocks[place] for place in torch.randperm(len(blocks), generator=order).tolist()]
    for mini in chunks(shuffled, -(-len(blocks) // config.minibatches)):
        # The one block that may be shorter comes last, so that the others are cut out as they were.
        yield [prompt for block in sorted(mini, key=len, reverse=True) for prompt in block]


def added_up(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    """The numbers of a minibatch from those of its chunks."""
    total: dict[str, float] = {}
    for numbers in parts:
        for name, value in numbers.items():
            before = total.get(name, 0.0)
            total[name] = max(before, value) if name == WORST else before + value
    return total


def movement(logprob_NR: Tensor, old_NR: Tensor, mask_NR: Tensor, clip: float, tokens: int) -> dict[str, float]:
    """How far the policy is from the one that wrote the rollout: k3 (Schulman 2020) in nats per token, and clipping."""
    ratio_NR = probability_ratio(logprob_NR, old_NR)
    moved_NR = (ratio_NR - 1).abs()
    return {
        "policy/approxkl": float(masked_sum(ratio_NR - 1 - (logprob_NR - old_NR), mask_NR)) / tokens,
        "policy/clipfrac": float(masked_sum((moved_NR > clip).float(), mask_NR)) / tokens,
        WORST: float((moved_NR * mask_NR).max()),
    }


def describe(seen: Judged, kl_coefficient: float) -> dict[str, float]:
    """The rollout in numbers: sums over a completion, means over completions, unless the name says otherwise."""
    mask_NR = seen.mask_NR
    kl_N = seen.kl_NR.sum(dim=1)
    doubt = {} if seen.spread_N is None else {"objective/score_spread": float(seen.spread_N.mean())}
    return doubt | {
        "objective/kl": float(kl_N.mean()),
        "objective/kl_per_token": float(masked_mean(seen.kl_NR, mask_NR)),
        "objective/entropy": float(masked_mean(seen.entropy_NR, mask_NR)),
        "objective/scores": float(seen.score_N.mean()),
        "objective/rlhf_reward": float((seen.score_N - kl_coefficient * kl_N).mean()),
        "objective/kl_coefficient": kl_coefficient,
        "response/tokens": float(mask_NR.sum(dim=1).float().mean()),
        "response/stopped": float(seen.answers.stopped_N.float().mean()),
    }


def questions_of(update: int, questions: Sequence[Question], config: Rounds, seed: int) -> list[Question]:
    """An update's prompts: passes over all prompts in a new order each, one after the other."""
    size = min(config.prompts_per_update, len(questions))
    chosen: list[Question] = []
    for place in range(update * size, (update + 1) * size):
        epoch, index = divmod(place, len(questions))
        order = torch.randperm(len(questions), generator=torch.Generator().manual_seed(seed + epoch))
        chosen.append(questions[int(order[index])])
    return chosen


def warm(update: int, config: Rounds) -> float:
    """Share of the peak learning rate: from a tenth up to all of it, then constant."""
    if update >= config.warmup_updates:
        return 1.0
    return FIRST_RATE + (1 - FIRST_RATE) * update / config.warmup_updates


def require_same_policy(cast: Cast, ratio_error: float) -> None:
    """Before a rollout's first step the learning policy must be the one that wrote it."""
    tolerance = RATIO_TOLERANCE[cast.policy.model.causal.dtype]
    if ratio_error > tolerance:
        raise BrokenInvariantError(f"the policy differs from itself: |ratio - 1| is {ratio_error:.2g} > {tolerance}")


def require_no_distance(cast: Cast, seen: Judged) -> None:
    """Before the first update policy and reference must be the same model."""
    worst = float((seen.kl_NR.abs() * seen.mask_NR).max())
    tolerance = KL_TOLERANCE[cast.policy.model.causal.dtype]
    if worst > tolerance:
        raise BrokenInvariantError(f"policy and reference differ at the start: {worst:.2g} nats > {tolerance}")


def averages(steps: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of every number over steps."""
    return {name: fmean(step[name] for step in steps) for name in steps[0]} if steps else {}
