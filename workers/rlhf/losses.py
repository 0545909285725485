"""The losses of RLHF, as functions of tensors.

Shapes: M = pairs, B = rollouts, T = response tokens. Masks are True on real tokens.
"""

from math import log
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from workers.rlhf.advantages import masked_sum

TieMode = Literal["drop", "half", "rao_kupper", "davidson"]
LARGEST_LOG_RATIO: Final = 20.0
TIE_RATE_BOUNDS: Final = (0.01, 0.95)


def pair_losses(
    margin_M: Tensor, tie_M: Tensor, *, ties: TieMode, tie_parameter: Tensor, asked_M: Tensor | None = None
) -> Tensor:
    """Negative log-likelihood [M] of what people said about each pair.

    `margin_M` is the preferred score minus the other one (for a tie in any order). Undecided models pay log 2
    (Bradley–Terry), log(1 + θ) or log((θ + 1) / (θ - 1)) (Rao & Kupper 1967), log(2 + ν) or log((2 + ν) / ν)
    (Davidson 1970). `tie_parameter` is u with log θ = softplus(u), or log ν, for all or for each pair; the other modes
    ignore it. `asked_M` is a lead that a decided pair must have before it counts as even (Touvron et al. 2023, eq. 2).
    """
    if asked_M is not None:
        margin_M = torch.where(tie_M, margin_M, margin_M - asked_M)
    match ties:
        case "rao_kupper":
            decided_M, tied_M = _rao_kupper(margin_M, softplus(tie_parameter))
        case "davidson":
            decided_M, tied_M = _davidson(margin_M, tie_parameter)
        case "half":
            decided_M = softplus(-margin_M)
            tied_M = (softplus(-margin_M) + softplus(margin_M)) / 2
        case "drop":
            decided_M, tied_M = softplus(-margin_M), torch.zeros_like(margin_M)
    return torch.where(tie_M, tied_M, decided_M)


def first_tie_parameter(ties: TieMode, tie_rate: float) -> float:
    """The parameter under which equal scores tie as often as people did."""
    low, high = TIE_RATE_BOUNDS
    rate = min(max(tie_rate, low), high)
    if ties == "rao_kupper":
        log_theta = log((1 + rate) / (1 - rate))
        return float(torch.tensor(log_theta, dtype=torch.float64).expm1().log())
    return log(2 * rate / (1 - rate)) if ties == "davidson" else 0.0


def policy_losses(
    logprob_BT: Tensor, old_logprob_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor, *, clip: float
) -> Tensor:
    """Sum over tokens of the clipped surrogate (Schulman et al. 2017, eq. 7), negated so that we minimise.

    A sum, because the mean is over all tokens of the batch and not over those of one chunk.
    """
    ratio_BT = probability_ratio(logprob_BT, old_logprob_BT)
    surrogate_BT = torch.minimum(ratio_BT * advantage_BT, ratio_BT.clamp(1 - clip, 1 + clip) * advantage_BT)
    return -masked_sum(surrogate_BT, mask_BT)


def completion_losses(
    logprob_BT: Tensor, old_logprob_BT: Tensor, advantage_B: Tensor, mask_BT: Tensor, *, clip: float
) -> Tensor:
    """Sum over rollouts of the clipped surrogate of whole completions, negated; its ratio is that of all their tokens.

    Where the policy has not moved, the gradient is that of REINFORCE, -A ∇ log π(completion), with the advantages of
    RLOO (Ahmadian et al. 2024, eq. 6 and 7): a completion is one action.
    """
    zero_BT = torch.zeros_like(logprob_BT)
    logprob_B = torch.where(mask_BT, logprob_BT, zero_BT).sum(dim=1)
    ratio_B = probability_ratio(logprob_B, torch.where(mask_BT, old_logprob_BT, zero_BT).sum(dim=1))
    surrogate_B = torch.minimum(ratio_B * advantage_B, ratio_B.clamp(1 - clip, 1 + clip) * advantage_B)
    return -surrogate_B.sum()


def group_losses(
    logprob_BT: Tensor,
    old_logprob_BT: Tensor,
    reference_BT: Tensor,
    advantage_B: Tensor,
    mask_BT: Tensor,
    *,
    clip: float,
    kl_coefficient: float,
    longest: int | None = None,
) -> Tensor:
    """Sum over rollouts of the objective of GRPO (Shao et al. 2024, eq. 3), negated.

    Of each rollout the mean over its tokens of the clipped surrogate less β times k3 to the reference (eq. 4); with
    `longest` the sum over its tokens divided by that (Liu et al. 2025), so that length has no say.
    """
    ratio_BT, advantage_B1 = probability_ratio(logprob_BT, old_logprob_BT), advantage_B[:, None]
    surrogate_BT = torch.minimum(ratio_BT * advantage_B1, ratio_BT.clamp(1 - clip, 1 + clip) * advantage_B1)
    distance_BT = probability_ratio(reference_BT, logprob_BT) - (reference_BT - logprob_BT) - 1
    gain_BT = torch.where(mask_BT, surrogate_BT - kl_coefficient * distance_BT, torch.zeros_like(logprob_BT))
    length_B = mask_BT.sum(dim=1).clamp(min=1) if longest is None else longest
    return -(gain_BT.sum(dim=1) / length_B).sum()


def value_losses(value_BT: Tensor, old_value_BT: Tensor, return_BT: Tensor, mask_BT: Tensor, *, clip: float) -> Tensor:
    """Sum over tokens of half the squared error, pessimistic about moving further than `clip` from the old value."""
    clipped_BT = old_value_BT + (value_BT - old_value_BT).clamp(-clip, clip)
    error_BT = torch.maximum((value_BT - return_BT) ** 2, (clipped_BT - return_BT) ** 2)
    return 0.5 * masked_sum(error_BT, mask_BT)


def probability_ratio(logprob_BT: Tensor, old_logprob_BT: Tensor) -> Tensor:
    """How much likelier each token became; bounded so that one odd token can't overflow."""
    return (logprob_BT - old_logprob_BT).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp()


def _rao_kupper(margin_M: Tensor, log_theta: Tensor) -> tuple[Tensor, Tensor]:
    decided_M = softplus(log_theta - margin_M)
    # P(tie) = (θ² - 1) · σ(margin - log θ) · σ(-margin - log θ)
    tied_M = decided_M + softplus(log_theta + margin_M) - torch.log(torch.expm1(2 * log_theta))
    return decided_M, tied_M


def _davidson(margin_M: Tensor, log_nu: Tensor) -> tuple[Tensor, Tensor]:
    options = torch.stack([margin_M / 2, -margin_M / 2, log_nu.expand_as(margin_M)])
    total_M = torch.logsumexp(options, dim=0)
    return total_M - margin_M / 2, total_M - log_nu
