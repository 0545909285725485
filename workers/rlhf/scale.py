"""A scale for rewards that survives retraining: within a prompt the SD is 1, over all prompts the mean is 0.

Losses over pairs leave every prompt's offset free, so only differences within a prompt have a size worth fixing.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from workers.rlhf.heads import ScoreHead

SMALLEST_DEVIATION: Final = 1e-3


def within_prompt_deviation(scores: Sequence[Tensor]) -> float:
    """Pooled standard deviation of scores around their own prompt's mean (one tensor a prompt)."""
    squares = sum(float(((prompt - prompt.mean()) ** 2).sum()) for prompt in scores)
    freedom = sum(len(prompt) - 1 for prompt in scores)
    return float((squares / freedom) ** 0.5) if freedom else 0.0


def anchor(head: ScoreHead, raw_scores: Sequence[Tensor]) -> None:
    """Set gain and bias so that these raw scores get within-prompt SD 1 and mean 0."""
    deviation = max(within_prompt_deviation(raw_scores), SMALLEST_DEVIATION)
    mean = float(torch.cat(list(raw_scores)).mean())
    head.gain.fill_(1 / deviation)
    head.bias.fill_(-mean / deviation)
