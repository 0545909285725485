"""Rewards and advantages for PPO.

Shapes: B = rollouts in the batch, T = response tokens. Masks are True on real tokens.
"""

from typing import Final

import torch
from torch import Tensor

# Equal scores have no spread; without this their rounding would become the advantage.
SMALLEST_SPREAD: Final = 1e-4


def masked_sum(x_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Sum over real tokens; what stands in padding can't even spoil it by being infinite."""
    return torch.where(mask_BT, x_BT, torch.zeros_like(x_BT)).sum()


def masked_mean(x_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Mean over all real tokens of the batch."""
    return masked_sum(x_BT, mask_BT) / mask_BT.sum().clamp(min=1)


def whiten(x_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Zero mean and unit variance over the batch's real tokens, zero elsewhere."""
    mean = masked_mean(x_BT, mask_BT)
    variance = masked_mean((x_BT - mean) ** 2, mask_BT)
    return torch.where(mask_BT, (x_BT - mean) * torch.rsqrt(variance + 1e-8), torch.zeros_like(x_BT))


def shape_rewards(score_B: Tensor, kl_BT: Tensor, mask_BT: Tensor, *, kl_coefficient: float) -> Tensor:
    """Pay the KL penalty (k1, signed) at every token and the reward model's score at the last real one."""
    reward_BT = -kl_coefficient * torch.where(mask_BT, kl_BT, torch.zeros_like(kl_BT))
    last_B = mask_BT.sum(dim=1) - 1
    reward_BT[torch.arange(len(last_B), device=last_B.device), last_B] += score_B
    return reward_BT


def estimate_advantages(
    reward_BT: Tensor, value_BT: Tensor, mask_BT: Tensor, *, discount: float, trace: float
) -> Tensor:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16) with γ = `discount`, λ = `trace`.

    Masks may have holes: a masked position hands on what came after it, unchanged.
    """
    advantage_BT = torch.zeros_like(reward_BT)
    next_advantage_B = torch.zeros_like(reward_BT[:, 0])
    next_value_B = torch.zeros_like(reward_BT[:, 0])
    for t in reversed(range(reward_BT.size(1))):
        surprise_B = reward_BT[:, t] + discount * next_value_B - value_BT[:, t]
        advantage_B = surprise_B + discount * trace * next_advantage_B
        next_advantage_B = torch.where(mask_BT[:, t], advantage_B, next_advantage_B)
        next_value_B = torch.where(mask_BT[:, t], value_BT[:, t], next_value_B)
        advantage_BT[:, t] = torch.where(mask_BT[:, t], advantage_B, torch.zeros_like(advantage_B))
    return advantage_BT


def without_siblings_mean(score_B: Tensor, owner_B: Tensor) -> Tensor:
    """Each score minus the mean score of the same prompt's other rollouts; a lone rollout keeps its score.

    The others' mean doesn't depend on what this rollout did, so the policy gradient stays unbiased
    (Kool et al. 2019), and an offset that all answers to one prompt share cancels.
    """
    same_BB = (owner_B[:, None] == owner_B[None, :]).float()
    siblings_B = same_BB.sum(dim=1) - 1
    others_B = same_BB @ score_B - score_B
    return score_B - others_B / siblings_B.clamp(min=1)


def group_advantages(score_B: Tensor, owner_B: Tensor, *, scaled: bool) -> Tensor:
    """Each score minus the mean of its prompt's scores and, if `scaled`, divided by their SD (Shao et al. 2024)."""
    same_BB = (owner_B[:, None] == owner_B[None, :]).float()
    count_B = same_BB.sum(dim=1)
    around_B = score_B - same_BB @ score_B / count_B
    if not scaled:
        return around_B
    variance_B = same_BB @ around_B**2 / (count_B - 1).clamp(min=1)
    return around_B / (variance_B.sqrt() + SMALLEST_SPREAD)


def explained_variance(value_BT: Tensor, return_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """1 - Var(return - value) / Var(return) over real tokens: 1 is perfect, 0 is no better than a constant."""
    variance = masked_mean((return_BT - masked_mean(return_BT, mask_BT)) ** 2, mask_BT)
    rest_BT = return_BT - value_BT
    return 1 - masked_mean((rest_BT - masked_mean(rest_BT, mask_BT)) ** 2, mask_BT) / variance.clamp(min=1e-8)
