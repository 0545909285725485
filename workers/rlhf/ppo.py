"""Proximal policy optimisation against a learned reward: act, credit, improve, yield.

Shapes: B = prompts, N = completions, R = reply tokens. Masks are True on real tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import torch
from torch import Tensor

from workers.rlhf.advantages import explained_variance, masked_mean, masked_sum
from workers.rlhf.cast import Cast, policy_weights
from workers.rlhf.checkpoints import Training
from workers.rlhf.configs import PpoConfig
from workers.rlhf.losses import policy_losses, probability_ratio, value_losses
from workers.rlhf.rollout import Part, Question, Rollout, action_logprobs, answer, credit, passes, rounds_apart
from workers.rlhf.training import adam, chunks, clipped_step, require_finite, set_rate

FIRST_RATE: Final = 0.1
# The first pass over a rollout sees the policy that wrote it, so every ratio is 1 up to rounding.
RATIO_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 0.2}
KL_TOLERANCE: Final = {torch.float32: 1e-4, torch.bfloat16: 0.05}
LARGEST_KL_ERROR: Final = 0.2


class BrokenInvariantError(RuntimeError):
    """The numbers contradict the algorithm: going on would train on something else than what was meant."""


@dataclass(frozen=True, slots=True)
class Step:
    """One update: what the policy did, and what it learnt from it."""

    number: int
    total: int
    metrics: dict[str, float]


def training_of(cast: Cast, config: PpoConfig) -> Training:
    """The optimizer over policy and value head, each at its own rate, and the numbers that a resumed run needs."""
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    groups = [
        (policy_weights(cast.policy).values(), rate),
        (cast.value_head.parameters(), config.value_learning_rate),
    ]
    return Training(cast.trained(), adam(groups), {"kl_coefficient": config.kl_coefficient})


def train(
    cast: Cast, questions: Sequence[Question], config: PpoConfig, training: Training, *, seed: int, done: int = 0
) -> Iterator[Step]:
    """Improve the policy, one yield an update; a resumed run starts at update `done`.

    Raises:
        NonFiniteError: a loss or gradient is no number.
        BrokenInvariantError: at the start the policy differs from the reference, or from itself.
    """
    for update in range(done, config.updates):
        set_rate(training.optimizer, warm(update, config))
        kl_coefficient = float(training.numbers["kl_coefficient"])
        asked = questions_of(update, questions, config, seed)
        answers = answer(cast, asked, config, count=config.samples_per_prompt, seed=(seed, update))
        rollout = credit(cast, answers, config, kl_coefficient=kl_coefficient, fit_values=update == 0)
        if update == 0:
            require_no_distance(cast, rollout)
        learnt = improve(cast, rollout, config, training, seed=seed + update)
        training.numbers["kl_coefficient"] = adapted(kl_coefficient, rollout, config)
        yield Step(update + 1, config.updates, describe(rollout, kl_coefficient) | learnt)


def improve(cast: Cast, rollout: Rollout, config: PpoConfig, training: Training, *, seed: int) -> dict[str, float]:
    """A few clipped passes over the same rollout, in a new order each time, until the policy has moved enough."""
    order = torch.Generator().manual_seed(seed)
    steps: list[dict[str, float]] = []
    rate = {"learning_rate": training.optimizer.param_groups[0]["lr"]}
    for _ in range(config.epochs):
        for mini in minibatches(cast, len(rollout.answers.batch.prompt), config, order):
            numbers = accumulate(cast, rollout, mini, config)
            if not steps:
                require_same_policy(cast, numbers["policy/ratio_error"])
            if 0 < config.stop_kl < numbers["policy/approxkl"]:
                training.optimizer.zero_grad(set_to_none=True)
                return averages(steps) | rate | {"policy/stopped_early": 1.0}
            numbers["gradient_norm"] = clipped_step(training.optimizer, config.gradient_norm)
            steps.append(numbers)
    return averages(steps) | rate | {"policy/stopped_early": 0.0}


def minibatches(cast: Cast, count: int, config: PpoConfig, order: torch.Generator) -> Iterator[Sequence[int]]:
    """One pass over so many prompts in a new order.

    Where numbers depend on the batch, prompts that were read together stay together, and in their own order.
    """
    together = config.prompts_per_chunk if rounds_apart(cast.policy) else 1
    blocks = list(chunks(range(count), together))
    shuffled = [blocks[place] for place in torch.randperm(len(blocks), generator=order).tolist()]
    for mini in chunks(shuffled, -(-len(blocks) // config.minibatches)):
        # The one block that may be shorter comes last, so that the others are cut out as they were.
        yield [prompt for block in sorted(mini, key=len, reverse=True) for prompt in block]


def accumulate(cast: Cast, rollout: Rollout, prompts: Sequence[int], config: PpoConfig) -> dict[str, float]:
    """The gradient of one minibatch's loss: a mean over all its tokens, whatever chunks they come in."""
    row_N = torch.isin(rollout.answers.batch.owner_N, torch.tensor(prompts, device=rollout.mask_NR.device))
    tokens = int(rollout.mask_NR[row_N].sum())
    total: dict[str, float] = {}
    for numbers in (
        backward_part(cast, rollout, part, config, tokens)
        for part in passes(cast.policy, rollout.answers, config, prompts)
    ):
        for name, value in numbers.items():
            worst = name == "policy/ratio_error"
            total[name] = max(total.get(name, 0.0), value) if worst else total.get(name, 0.0) + value
    return total


def backward_part(cast: Cast, rollout: Rollout, part: Part, config: PpoConfig, tokens: int) -> dict[str, float]:
    """Add the gradient of some completions, and return their share of the minibatch's means."""
    mask_NR, old_NR = part.of(rollout.mask_NR), part.of(rollout.logprob_NR)
    states = cast.policy.states(part.batch)
    logprob_NR = action_logprobs(cast.policy, rollout.answers, part, states, config.temperature)
    value_NR = cast.value_head(states.before(part.batch.owner_N))
    old_value_NR, return_NR = part.of(rollout.value_NR), part.of(rollout.return_NR)
    for_policy = policy_losses(logprob_NR, old_NR, part.of(rollout.advantage_NR), mask_NR, clip=config.policy_clip)
    for_value = value_losses(value_NR, old_value_NR, return_NR, mask_NR, clip=config.value_clip)
    loss = (for_policy + config.value_weight * for_value) / tokens
    require_finite(loss, "the policy's loss")
    torch.autograd.backward(loss)
    return {
        "loss/policy": float(for_policy.detach()) / tokens,
        "loss/value": float(for_value.detach()) / tokens,
    } | movement(logprob_NR.detach(), old_NR, mask_NR, config.policy_clip, tokens)


def movement(logprob_NR: Tensor, old_NR: Tensor, mask_NR: Tensor, clip: float, tokens: int) -> dict[str, float]:
    """How far the policy is from the one that wrote the rollout: k3 (Schulman 2020) in nats per token, and clipping."""
    ratio_NR = probability_ratio(logprob_NR, old_NR)
    moved_NR = (ratio_NR - 1).abs()
    return {
        "policy/approxkl": float(masked_sum(ratio_NR - 1 - (logprob_NR - old_NR), mask_NR)) / tokens,
        "policy/clipfrac": float(masked_sum((moved_NR > clip).float(), mask_NR)) / tokens,
        "policy/ratio_error": float((moved_NR * mask_NR).max()),
    }


def describe(rollout: Rollout, kl_coefficient: float) -> dict[str, float]:
    """The rollout in numbers: sums over a completion, means over completions, unless the name says otherwise."""
    mask_NR = rollout.mask_NR
    kl_N = rollout.kl_NR.sum(dim=1)
    return {
        "objective/kl": float(kl_N.mean()),
        "objective/kl_per_token": float(masked_mean(rollout.kl_NR, mask_NR)),
        "objective/entropy": float(masked_mean(rollout.entropy_NR, mask_NR)),
        "objective/scores": float(rollout.score_N.mean()),
        "objective/rlhf_reward": float((rollout.score_N - kl_coefficient * kl_N).mean()),
        "objective/kl_coefficient": kl_coefficient,
        "val/mean": float(masked_mean(rollout.value_NR, mask_NR)),
        "val/explained_var": float(explained_variance(rollout.value_NR, rollout.return_NR, mask_NR)),
        "response/tokens": float(mask_NR.sum(dim=1).float().mean()),
        "response/stopped": float(rollout.answers.stopped_N.float().mean()),
    }


def questions_of(update: int, questions: Sequence[Question], config: PpoConfig, seed: int) -> list[Question]:
    """An update's prompts: passes over all prompts in a new order each, one after the other."""
    size = min(config.prompts_per_update, len(questions))
    chosen: list[Question] = []
    for place in range(update * size, (update + 1) * size):
        epoch, index = divmod(place, len(questions))
        order = torch.randperm(len(questions), generator=torch.Generator().manual_seed(seed + epoch))
        chosen.append(questions[int(order[index])])
    return chosen


def warm(update: int, config: PpoConfig) -> float:
    """Share of the peak learning rate: from a tenth up to all of it, then constant."""
    if update >= config.warmup_updates:
        return 1.0
    return FIRST_RATE + (1 - FIRST_RATE) * update / config.warmup_updates


def adapted(kl_coefficient: float, rollout: Rollout, config: PpoConfig) -> float:
    """β for the next update: steered towards the KL target (Ziegler et al. 2019, §2.2), or as it was."""
    if config.kl_target == 0:
        return kl_coefficient
    kl = float(rollout.kl_NR.sum(dim=1).mean())
    error = min(max(kl / config.kl_target - 1, -LARGEST_KL_ERROR), LARGEST_KL_ERROR)
    episodes = config.updates * config.prompts_per_update * config.samples_per_prompt
    return kl_coefficient * (1 + error * len(rollout.score_N) / (config.kl_horizon * episodes))


def require_same_policy(cast: Cast, ratio_error: float) -> None:
    """Before a rollout's first step the learning policy must be the one that wrote it."""
    tolerance = RATIO_TOLERANCE[cast.policy.model.causal.dtype]
    if ratio_error > tolerance:
        raise BrokenInvariantError(f"the policy differs from itself: |ratio - 1| is {ratio_error:.2g} > {tolerance}")


def require_no_distance(cast: Cast, rollout: Rollout) -> None:
    """Before the first update policy and reference must be the same model."""
    worst = float((rollout.kl_NR.abs() * rollout.mask_NR).max())
    tolerance = KL_TOLERANCE[cast.policy.model.causal.dtype]
    if worst > tolerance:
        raise BrokenInvariantError(f"policy and reference differ at the start: {worst:.2g} nats > {tolerance}")


def averages(steps: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of every number over steps."""
    return {name: fmean(step[name] for step in steps) for name in steps[0]} if steps else {}
