"""Proximal policy optimisation against a learned reward: act, credit, improve, yield.

Shapes: B = prompts, N = completions, R = reply tokens. Masks are True on real tokens.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import torch

from workers.rlhf.averaging import average
from workers.rlhf.cast import Cast, critic_weights, policy_weights
from workers.rlhf.checkpoints import Training
from workers.rlhf.credit import Rollout, credit, describe_values, part_values, require_sight
from workers.rlhf.losses import policy_losses, value_losses
from workers.rlhf.mixing import Mix, beside, length_of, weights_of
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.rollout import Part, Question, action_logprobs, answer, passes
from workers.rlhf.rounds import Step, added_up, describe, improve, movement, questions_of, require_no_distance, warm
from workers.rlhf.training import adam, require_finite, set_rate

LARGEST_KL_ERROR: Final = 0.2


def training_of(cast: Cast, config: PpoConfig) -> Training:
    """The optimizer over policy, value head and critic, each at its rate, and the numbers that a resumed run needs."""
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    groups = [
        (policy_weights(cast.policy).values(), rate),
        (cast.value_head.parameters(), config.value_learning_rate),
    ]
    if cast.critic is not None:
        of_critic = config.full_learning_rate if cast.critic.adapter is None else config.learning_rate
        groups.append((critic_weights(cast.critic).values(), of_critic))
    return Training(cast.trained(), adam(groups), {"kl_coefficient": config.kl_coefficient})


def train(
    cast: Cast,
    questions: Sequence[Question],
    config: PpoConfig,
    training: Training,
    *,
    seed: int,
    done: int = 0,
    mix: Mix | None = None,
) -> Iterator[Step]:
    """Improve the policy, one yield an update; a resumed run starts at update `done`.

    Raises:
        NonFiniteError: a loss or gradient is no number.
        BrokenInvariantError: at the start the policy differs from the reference, or from itself.
        BlindValueError: at the third update the values explain nothing of the returns.
    """
    for update in range(done, config.updates):
        set_rate(training.optimizer, warm(update, config))
        kl_coefficient = float(training.numbers["kl_coefficient"])
        asked = questions_of(update, questions, config, seed)
        answers = answer(cast, asked, config, count=config.samples_per_prompt, seed=(seed, update))
        seen = credit(cast, answers, config, kl_coefficient=kl_coefficient, fit_values=update == 0)
        if update == 0:
            require_no_distance(cast, seen)
        require_sight(seen, update + 1, config)
        gradient = beside(mix, update, partial(accumulate, cast, seen, config))
        learnt = improve(cast, len(asked), config, training, gradient, seed=seed + update)
        training.numbers["kl_coefficient"] = adapted(kl_coefficient, seen, config)
        average(training, config.ema)
        yield Step(update + 1, config.updates, describe(seen, kl_coefficient) | describe_values(seen) | learnt)


def accumulate(cast: Cast, seen: Rollout, config: PpoConfig, prompts: Sequence[int]) -> dict[str, float]:
    """The gradient of one minibatch's loss: a mean over all its tokens, whatever chunks they come in."""
    row_N = torch.isin(seen.answers.batch.owner_N, torch.tensor(prompts, device=seen.mask_NR.device))
    tokens = int(seen.mask_NR[row_N].sum())
    parts = passes(cast.policy, seen.answers, config, prompts, team=cast.team)
    own = added_up(backward_part(cast, seen, part, config, tokens) for part in parts)
    numbers = added_up(cast.team.gathered([own]))
    cast.team.sum_gradients(cast.trained().values())
    values = [weight for name, weight in cast.trained().items() if not name.startswith("policy/")]
    # A value head on the policy's own states pulls at the policy's weights too: there the two terms have one gradient.
    names = ("policy", "value") if cast.critic is not None else ("policy_and_value", "value_head")
    lengths = dict(zip(names, (length_of(weights_of(cast.policy)), length_of(values)), strict=True))
    return numbers | {f"gradient_norm/{name}": length for name, length in lengths.items()}


def backward_part(cast: Cast, seen: Rollout, part: Part, config: PpoConfig, tokens: int) -> dict[str, float]:
    """Add the gradient of some completions, and return their share of the minibatch's means."""
    mask_NR, old_NR = part.of(seen.mask_NR), part.of(seen.logprob_NR)
    states = cast.policy.states(part.batch)
    logprob_NR = action_logprobs(cast.policy, seen.answers, part, states, config.temperature)
    for_policy = policy_losses(logprob_NR, old_NR, part.of(seen.advantage_NR), mask_NR, clip=config.policy_clip)
    require_finite(for_policy, "the policy's loss")
    if cast.critic is not None:
        # To read as the critic switches the policy's adapter off, and with it its gradient.
        torch.autograd.backward(for_policy / tokens)
    value_NR = part_values(cast, seen, part, states)
    old_value_NR, return_NR = part.of(seen.value_NR), part.of(seen.return_NR)
    for_value = value_losses(value_NR, old_value_NR, return_NR, mask_NR, clip=config.value_clip)
    require_finite(for_value, "the value's loss")
    loss = config.value_weight * for_value + (for_policy if cast.critic is None else 0.0)
    torch.autograd.backward(loss / tokens)
    return {
        "loss/policy": float(for_policy.detach()) / tokens,
        "loss/value": float(for_value.detach()) / tokens,
    } | movement(logprob_NR.detach(), old_NR, mask_NR, config.policy_clip, tokens)


def adapted(kl_coefficient: float, seen: Rollout, config: PpoConfig) -> float:
    """β for the next update: steered towards the KL target (Ziegler et al. 2019, §2.2), or as it was."""
    if config.kl_target == 0:
        return kl_coefficient
    kl = float(seen.kl_NR.sum(dim=1).mean())
    error = min(max(kl / config.kl_target - 1, -LARGEST_KL_ERROR), LARGEST_KL_ERROR)
    # As many as there are: where prompts are few, an update asks fewer than the configuration allows.
    episodes = config.updates * len(seen.score_N)
    return kl_coefficient * (1 + error * len(seen.score_N) / (config.kl_horizon * episodes))
