"""Improve a policy by comparing each completion with the same prompt's others, without values: RLOO and GRPO.

RLOO (Ahmadian et al. 2024): the whole completion is one action, paid its score less β · KL, against the mean of what
the others were paid. GRPO (Shao et al. 2024, eq. 3 and 4): scores are put on the group's own scale, each token counts
alike in its completion, and the distance from the reference is a term of the loss.

Shapes: N = completions, R = reply tokens. Masks are True on real tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from workers.rlhf.advantages import group_advantages, without_siblings_mean
from workers.rlhf.averaging import average
from workers.rlhf.cast import Cast, policy_weights
from workers.rlhf.checkpoints import Training
from workers.rlhf.losses import completion_losses, group_losses, probability_ratio
from workers.rlhf.mixing import Mix, beside
from workers.rlhf.policy_configs import GrpoConfig, Online
from workers.rlhf.rollout import Judged, Part, Question, action_logprobs, answer, look, paid, passes
from workers.rlhf.rounds import Step, added_up, describe, improve, movement, questions_of, require_no_distance, warm
from workers.rlhf.training import adam, require_finite, set_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was written, and by how much each completion beats its siblings [N]; constant while the policy improves."""

    seen: Judged
    advantage_N: Tensor


def training_of(cast: Cast, config: Online) -> Training:
    """The optimizer over the policy."""
    rate = config.learning_rate if config.method == "lora" else config.full_learning_rate
    weights = policy_weights(cast.policy)
    return Training(
        {f"policy/{name}": weight for name, weight in weights.items()}, adam([(weights.values(), rate)]), {}
    )


def train(
    cast: Cast,
    questions: Sequence[Question],
    config: Online,
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
    """
    for update in range(done, config.updates):
        set_rate(training.optimizer, warm(update, config))
        asked = questions_of(update, questions, config, seed)
        answers = answer(cast, asked, config, count=config.samples_per_prompt, seed=(seed, update))
        seen = look(cast, answers, config)
        if update == 0:
            require_no_distance(cast, seen)
        compared = Compared(seen=seen, advantage_N=advantages_of(seen, config))
        gradient = beside(mix, update, partial(accumulate, cast, compared, config))
        learnt = improve(cast, len(asked), config, training, gradient, seed=seed + update)
        average(training, config.ema)
        yield Step(update + 1, config.updates, describe(seen, config.kl_coefficient) | learnt)


def advantages_of(seen: Judged, config: Online) -> Tensor:
    """By how much each completion [N] beats the prompt's others."""
    owner_N, paid_N = seen.answers.batch.owner_N, paid(seen.score_N, seen.answers, config)
    if isinstance(config, GrpoConfig):
        return group_advantages(paid_N, owner_N, scaled=config.scale == "group")
    return without_siblings_mean(paid_N - config.kl_coefficient * seen.kl_NR.sum(dim=1), owner_N)


def accumulate(cast: Cast, compared: Compared, config: Online, prompts: Sequence[int]) -> dict[str, float]:
    """The gradient of one minibatch's loss: a mean over its completions, whatever chunks they come in."""
    seen = compared.seen
    row_N = torch.isin(seen.answers.batch.owner_N, torch.tensor(prompts, device=seen.mask_NR.device))
    parts = passes(cast.policy, seen.answers, config, prompts, team=cast.team)
    own = added_up(backward_part(cast, compared, part, config, row_N) for part in parts)
    cast.team.sum_gradients(policy_weights(cast.policy).values())
    return added_up(cast.team.gathered([own]))


def backward_part(cast: Cast, compared: Compared, part: Part, config: Online, row_N: Tensor) -> dict[str, float]:
    """Add the gradient of some of the completions `row_N`, and return their share of the minibatch's means."""
    seen = compared.seen
    mask_NR, old_NR = part.of(seen.mask_NR), part.of(seen.logprob_NR)
    logprob_NR = action_logprobs(cast.policy, seen.answers, part, cast.policy.states(part.batch), config.temperature)
    advantage_N = compared.advantage_N[part.row_N]
    if isinstance(config, GrpoConfig):
        loss = group_losses(
            logprob_NR,
            old_NR,
            old_NR - part.of(seen.kl_NR),
            advantage_N,
            mask_NR,
            clip=config.policy_clip,
            kl_coefficient=config.kl_coefficient,
            longest=config.max_new_tokens if config.length == "sum" else None,
        )
    else:
        loss = completion_losses(logprob_NR, old_NR, advantage_N, mask_NR, clip=config.policy_clip)
    require_finite(loss, "the policy's loss")
    completions, tokens = int(row_N.sum()), int(seen.mask_NR[row_N].sum())
    torch.autograd.backward(loss / completions)
    moved = movement(logprob_NR.detach(), old_NR, mask_NR, config.policy_clip, tokens)
    if not isinstance(config, GrpoConfig):
        moved["policy/clipfrac"] = clipped(logprob_NR.detach(), old_NR, mask_NR, config.policy_clip) / completions
    return {"loss/policy": float(loss.detach()) / completions} | moved


def clipped(logprob_NR: Tensor, old_NR: Tensor, mask_NR: Tensor, clip: float) -> int:
    """How many completions moved further than the clip as a whole, which their single tokens may hide."""
    ratio_N = probability_ratio(((logprob_NR - old_NR) * mask_NR).sum(dim=1), torch.zeros_like(old_NR[:, 0]))
    return int(((ratio_N - 1).abs() > clip).sum())
