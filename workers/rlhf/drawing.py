"""How the next token is chosen: temperature, penalties, the likeliest few, and one uniform number a row.

Shapes: N = rows, V = vocabulary, K = candidates.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

NUCLEUS_GUESS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to choose tokens. Temperature 0 takes the likeliest one.

    `top_k` keeps that many of the likeliest (0: all), then `top_p` the smallest set that holds so much of what is
    left. The penalties lower a token's logit by what it was written: `presence_penalty` once, `frequency_penalty`
    each time. A completion ends before any of `stop_strings`.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop_strings: tuple[str, ...] = ()
    max_new_tokens: int

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters what was written before."""
        return self.presence_penalty != 0 or self.frequency_penalty != 0


def listed(strings: str) -> tuple[str, ...]:
    """Strings as a setting has them: with | between, spaces around them left out, and \\n for a line break."""
    parts = (part.strip().replace("\\n", "\n") for part in strings.split("|"))
    return tuple(part for part in parts if part)


def penalty(count_NV: Tensor, plan: Sampling) -> Tensor:
    """What is taken off each logit for having been written so many times."""
    return plan.frequency_penalty * count_NV + plan.presence_penalty * (count_NV > 0)


def draw(logprob_NV: Tensor, uniform_N: Tensor, plan: Sampling) -> Tensor:
    """Tokens [N] by inverting the cumulative distribution at one uniform number a row."""
    if plan.temperature == 0:
        return logprob_NV.argmax(dim=-1)
    prob_NV = logprob_NV.exp()
    if plan.top_k > 0:
        prob_NK, token_NK = likeliest(prob_NV, plan.top_k, plan.top_p)
    elif plan.top_p < 1:
        prob_NK, token_NK = nucleus(prob_NV, plan.top_p)
    else:
        return _invert(prob_NV, uniform_N)
    return token_NK.gather(1, _invert(prob_NK, uniform_N)[:, None])[:, 0]


def likeliest(prob_NV: Tensor, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """The `top_k` likeliest tokens, and of these the nucleus of their own distribution: probabilities and tokens."""
    prob_NK, token_NK = prob_NV.topk(min(top_k, prob_NV.size(1)), dim=1)
    prob_NK = prob_NK / prob_NK.sum(dim=1, keepdim=True)
    return _up_to(prob_NK, top_p), token_NK


def nucleus(prob_NV: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The smallest sets of likeliest tokens that hold `top_p` of each row: probabilities (0 outside) and tokens."""
    size = prob_NV.size(1)
    prob_NK, token_NK = prob_NV.topk(min(NUCLEUS_GUESS, size), dim=1)
    if bool((prob_NK.sum(dim=1) < top_p).any()):
        prob_NK, token_NK = prob_NV.topk(size, dim=1)
    return _up_to(prob_NK, top_p), token_NK


def uniforms(seed: int, count: int) -> Tensor:
    """A row's own random numbers, one for each token that it may write."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _up_to(prob_NK: Tensor, top_p: float) -> Tensor:
    before_NK = prob_NK.cumsum(dim=1) - prob_NK
    return prob_NK * (before_NK < top_p)


def _invert(prob_NV: Tensor, uniform_N: Tensor) -> Tensor:
    # In fp64: fifty thousand fp32 additions would move the borders between rare tokens.
    sum_NV = prob_NV.double().cumsum(dim=1)
    return torch.searchsorted(sum_NV, uniform_N[:, None] * sum_NV[:, -1:], right=True)[:, 0].clamp(
        max=prob_NV.size(1) - 1
    )
