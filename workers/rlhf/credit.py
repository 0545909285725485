"""Credit: what each token of a rollout was worth, by values of the policy's own states or of a critic's.

Shapes: N = completions, R = reply tokens, M = real tokens, d = width. Masks are True on real tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from workers.rlhf import advantages, rollout
from workers.rlhf.cast import SLIGHT_RIDGE, Cast, ridge
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.prefix import States, take
from workers.rlhf.rollout import Answers, Judged, Part

# By then values have learnt twice from what they were fitted to once.
CHECKED_AT: Final = 3
# One-sided, 95 %.
SURELY: Final = 1.645
FEWEST_PROMPTS: Final = 4


class BlindValueError(RuntimeError):
    """The values explain nothing of the returns, so that PPO is a noisier policy gradient without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout(Judged):
    """What was written, with values, advantages and returns; constant while the policy improves on it.

    `centre_N` is the level of each prompt that a critic's values are counted from.
    """

    value_NR: Tensor
    advantage_NR: Tensor
    return_NR: Tensor
    centre_N: Tensor


@torch.no_grad()
def credit(cast: Cast, answers: Answers, config: PpoConfig, *, kl_coefficient: float, fit_values: bool) -> Rollout:
    """Score the answers, charge for the distance from the reference, and estimate every token's advantage."""
    seen = rollout.look(cast, answers, config)
    mask_NR = seen.mask_NR
    earned_N = earned(seen.score_N, answers, config)
    # Values of the policy's own states learn around the prompt's level; those of a reward model know the level.
    centre_N = torch.zeros_like(earned_N)
    if cast.critic is not None:
        centre_N = rollout.paid(seen.score_N, answers, config) - earned_N
    reward_NR = advantages.shape_rewards(earned_N, seen.kl_NR, mask_NR, kl_coefficient=kl_coefficient)
    if fit_values:
        value_NR = first_values(cast, answers, reward_NR, centre_N, config)
    else:
        value_NR = levelled(cast, values_of(cast, answers, centre_N, config), reward_NR, mask_NR, config)
    advantage_NR = advantages.estimate_advantages(
        reward_NR, value_NR, mask_NR, discount=config.discount, trace=config.trace
    )
    return Rollout(
        answers=answers,
        mask_NR=mask_NR,
        logprob_NR=seen.logprob_NR,
        kl_NR=seen.kl_NR,
        entropy_NR=seen.entropy_NR,
        score_N=seen.score_N,
        spread_N=seen.spread_N,
        value_NR=value_NR,
        advantage_NR=advantages.whiten(advantage_NR, mask_NR),
        return_NR=advantage_NR + value_NR,
        centre_N=centre_N,
    )


def earned(score_N: Tensor, answers: Answers, config: PpoConfig) -> Tensor:
    """What a completion is paid [N], as it is or against the prompt's other completions."""
    paid_N = rollout.paid(score_N, answers, config)
    if config.prompt_baseline == "siblings":
        return advantages.without_siblings_mean(paid_N, answers.batch.owner_N)
    return paid_N


def values_of(cast: Cast, answers: Answers, centre_N: Tensor, config: PpoConfig) -> Tensor:
    """Values [N, R] before each action: as noted while the policy wrote, or by a pass of the critic's."""
    mask_NR = answers.action_NR
    if cast.critic is None:
        return rollout.padded([done.values for done in answers.completions], mask_NR)
    value_M = cast.value_head(rollout.action_states(cast.critic, answers, config))
    return torch.zeros_like(centre_N)[:, None].expand(mask_NR.shape).masked_scatter(mask_NR, value_M) - (
        centre_N[:, None] * mask_NR
    )


@torch.no_grad()
def levelled(cast: Cast, value_NR: Tensor, reward_NR: Tensor, mask_NR: Tensor, config: PpoConfig) -> Tensor:
    """The values and their head, moved as one to the mean of this rollout's returns.

    A policy that learns earns more every round, and a head that follows by small steps says too little. Values that are
    c too low leave c·(γλ)^(T-t) in the advantage of token t of T (Schulman et al. 2016, eq. 16): most of it in the
    last one's, so that the policy would learn to end early.
    """
    return_NR = advantages.estimate_advantages(
        reward_NR, torch.zeros_like(reward_NR), mask_NR, discount=config.discount, trace=1.0
    )
    shift = advantages.masked_mean(return_NR - value_NR, mask_NR)
    cast.value_head.bias.add_(shift)
    return value_NR + shift * mask_NR


def part_values(cast: Cast, seen: Rollout, part: Part, states: States) -> Tensor:
    """Values [N, R] of some completions, with gradient; `states` are the policy's own."""
    if cast.critic is None:
        value_NR: Tensor = cast.value_head(states.before(part.batch.owner_N))
        return value_NR
    batch, _ = take(seen.answers.seen_by(cast.critic), part.prompts)
    hidden_NRd = cast.critic.states(batch).before(batch.owner_N)
    raw_NR: Tensor = cast.value_head(hidden_NRd)
    return raw_NR - seen.centre_N[part.row_N, None]


@torch.no_grad()
def first_values(cast: Cast, answers: Answers, reward_NR: Tensor, centre_N: Tensor, config: PpoConfig) -> Tensor:
    """Fit the value head to the first rollout's returns, and value that rollout without letting it see itself.

    Each half of the prompts is valued by a regression on the other half; the head keeps the regression on all. Of the
    policy's states every weight is fitted, of a critic, which has seen scores before, only a factor and a shift.
    """
    mask_NR = answers.action_NR
    return_NR = advantages.estimate_advantages(
        reward_NR, torch.zeros_like(reward_NR), mask_NR, discount=config.discount, trace=1.0
    )
    centre_M = centre_N[:, None].expand_as(return_NR)[mask_NR]
    target_M = return_NR[mask_NR] + centre_M
    half_M = (answers.batch.owner_N % 2 == 0)[:, None].expand_as(mask_NR)[mask_NR]
    if cast.critic is None:
        hidden_Md = rollout.action_states(cast.policy, answers, config).float()
        value_M = across_halves(hidden_Md, target_M, half_M, ridge)
        cast.value_head.fit(hidden_Md, target_M)
    else:
        score_M1 = cast.value_head(rollout.action_states(cast.critic, answers, config))[:, None]
        value_M = across_halves(score_M1, target_M, half_M, _line)
        factor, shift = _line(score_M1, target_M)
        cast.value_head.rescale(factor[0], shift)
    return torch.zeros_like(reward_NR).masked_scatter(mask_NR, value_M - centre_M)


def across_halves(
    x_Md: Tensor, y_M: Tensor, half_M: Tensor, regress: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
) -> Tensor:
    """Predictions [M] of each half by a regression on the other; 0 where the other is empty."""
    value_M = torch.zeros_like(y_M)
    for side_M in (half_M, ~half_M):
        if bool(side_M.any()) and bool((~side_M).any()):
            weight_d, bias = regress(x_Md[~side_M], y_M[~side_M])
            value_M[side_M] = x_Md[side_M] @ weight_d + bias
    return value_M


def describe_values(seen: Rollout) -> dict[str, float]:
    """How good the values were before anything was learnt from this rollout."""
    return {
        "val/mean": float(advantages.masked_mean(seen.value_NR, seen.mask_NR)),
        "val/explained_var": float(advantages.explained_variance(seen.value_NR, seen.return_NR, seen.mask_NR)),
    }


def require_sight(seen: Rollout, update: int, config: PpoConfig) -> None:
    """At the third update the values must not surely be worse than none.

    Raises:
        BlindValueError: they explain nothing of the returns, beyond what chance could do to a few prompts.
    """
    if update != CHECKED_AT or config.blind_value == "warn":
        return
    explained, error = explained_with_error(seen)
    if explained + SURELY * error <= 0:
        raise BlindValueError(
            f"at update {update} the values explain {explained:.2f} ± {error:.2f} of the variance of returns: nothing"
        )


def explained_with_error(seen: Rollout) -> tuple[float, float]:
    """Explained variance of the returns by the values, and its standard error by leaving out a prompt at a time."""
    explained = float(advantages.explained_variance(seen.value_NR, seen.return_NR, seen.mask_NR))
    owner_N = seen.answers.batch.owner_N
    prompts = sorted(set(owner_N.tolist()))
    if len(prompts) < FEWEST_PROMPTS:
        return explained, float("inf")
    without = [
        float(advantages.explained_variance(seen.value_NR, seen.return_NR, seen.mask_NR & (owner_N != one)[:, None]))
        for one in prompts
    ]
    spread = torch.tensor(without).std(correction=0)
    return explained, float(spread) * (len(prompts) - 1) ** 0.5


def _line(x_M1: Tensor, y_M: Tensor) -> tuple[Tensor, Tensor]:
    return ridge(x_M1, y_M, SLIGHT_RIDGE)
