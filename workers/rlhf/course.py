"""What people said, as one loss: the likelihood that a reward run learns by, and how much each prompt counts in it.

Shapes: N = completions, H = heads, M = pairs, J = judgments, B = prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Self

import torch
from torch import Tensor, nn

from workers.rlhf.annotators import AnnotatorParameters, names_of
from workers.rlhf.losses import first_tie_parameter, pair_losses
from workers.rlhf.orders import davidson_luce_losses, first_log_delta, marginal_losses
from workers.rlhf.pairs import PairBatch, RankedPrompt, Weighing, majority, order_batch, pair_batch
from workers.rlhf.reward_configs import RewardConfig


class Likelihood(nn.Module):
    """How probable what people said is, given scores: with tie parameters and, if asked for, annotators' own."""

    def __init__(self, config: RewardConfig, *, tie_rate: float, annotators: Sequence[str] = ()) -> None:
        super().__init__()
        self.config = config
        if config.likelihood == "davidson_luce":
            start = torch.tensor(first_log_delta(first_tie_parameter("davidson", tie_rate)))
        else:
            start = torch.tensor(first_tie_parameter(config.ties, tie_rate))
        self.tie_parameter = nn.Parameter(start)
        people = annotators if config.annotators == "parameters" else ()
        self.annotators = AnnotatorParameters(people, config.annotator_spread) if people else None

    def of_prompts(self, score_N: Tensor, prompts: Sequence[RankedPrompt], weighing: Weighing) -> Tensor:
        """Weighted -log-likelihood [B] of each prompt, from the scores of all their completions."""
        if self.config.likelihood == "pairs":
            pairs = pair_batch(prompts, weighing).to(score_N.device)
            loss, owner = self.of_pairs(score_N, pairs) * pairs.weight_M, pairs.prompt_M
        else:
            orders = order_batch(prompts, weighing).to(score_N.device)
            score_JK = score_N[orders.place_JK] * self._scale(orders.annotator_J)[:, None]
            loss = self._of_orders(score_JK, orders.tier_JK, orders.annotator_J) * orders.weight_J
            owner = orders.prompt_J
        return score_N.new_zeros(len(prompts)).index_add(0, owner, loss)

    def of_pairs(self, score_N: Tensor, pairs: PairBatch) -> Tensor:
        """-log-likelihood [M] of each pair."""
        margin_M = (score_N[pairs.first_M] - score_N[pairs.second_M]) * self._scale(pairs.annotator_M)
        return pair_losses(
            margin_M,
            pairs.tie_M,
            ties=self.config.ties,
            tie_parameter=self.tie_parameter + self._tie_shift(pairs.annotator_M),
            asked_M=self.config.margin * (pairs.strength_M - 1).clamp(min=0) if self.config.margin else None,
        )

    def penalty(self) -> Tensor:
        """-log prior of the annotators' parameters."""
        return self.tie_parameter.new_zeros(()) if self.annotators is None else self.annotators.penalty()

    def _of_orders(self, score_JK: Tensor, tier_JK: Tensor, annotator_J: Tensor) -> Tensor:
        if self.config.likelihood == "plackett_luce":
            return marginal_losses(score_JK, tier_JK)
        log_delta_JD = self.tie_parameter + self._tie_shift(annotator_J)[:, None]
        return davidson_luce_losses(score_JK, tier_JK, log_delta_JD)

    def _scale(self, annotator: Tensor) -> Tensor:
        return (
            self.tie_parameter.new_ones(()).expand(len(annotator))
            if self.annotators is None
            else (self.annotators.scale(annotator))
        )

    def _tie_shift(self, annotator: Tensor) -> Tensor:
        return (
            self.tie_parameter.new_zeros(()).expand(len(annotator))
            if self.annotators is None
            else (self.annotators.tie_shift(annotator))
        )


@dataclass(frozen=True, slots=True)
class Course:
    """The prompts of a run and how they count: the same through all its steps.

    `mean_weight` is that of a prompt, so that the loss of undecided scores does not grow with the overlap.
    `share_PH` are each head's own weights of the prompts, 1 on average.
    """

    config: RewardConfig
    prompts: Sequence[RankedPrompt]
    weighing: Weighing
    mean_weight: float
    share_PH: Tensor
    place: dict[int, int] = field(repr=False)

    @classmethod
    def of(cls, prompts: Sequence[RankedPrompt], config: RewardConfig, *, seed: int) -> Self:
        """Keep the prompts that say something and weigh them."""
        told = [majority(prompt) for prompt in prompts] if config.overlap == "majority" else list(prompts)
        usable = [prompt for prompt in told if says_something(prompt, config)]
        weighing = weighing_of(usable, config)
        return cls(
            config=config,
            prompts=usable,
            weighing=weighing,
            mean_weight=fmean(sum(weighing.of(prompt)) for prompt in usable) if usable else 1.0,
            share_PH=head_shares(len(usable), config.heads, seed=seed),
            place={id(prompt): number for number, prompt in enumerate(usable)},
        )

    def loss(self, likelihood: Likelihood, score_NH: Tensor, prompts: Sequence[RankedPrompt]) -> Tensor:
        """Sum over some prompts of their loss, each about 1 prompt's worth; the mean over heads."""
        share_BH = self.share_PH[[self.place[id(prompt)] for prompt in prompts]].to(score_NH.device)
        losses = [
            (likelihood.of_prompts(score_NH[:, head], prompts, self.weighing) * share_BH[:, head]).sum()
            for head in range(score_NH.size(1))
        ]
        return torch.stack(losses).mean() / self.mean_weight

    def penalty(self, likelihood: Likelihood) -> Tensor:
        """A prompt's part of the annotators' prior: added once for every prompt of a step, it counts once a pass."""
        return likelihood.penalty() / (self.mean_weight * max(1, len(self.prompts)))


def weighing_of(prompts: Sequence[RankedPrompt], config: RewardConfig) -> Weighing:
    """How judgments count under a configuration; annotators get numbers where they have parameters."""
    numbers = {name: number for number, name in enumerate(names_of(prompts))}
    return Weighing(
        correlation=config.overlap_correlation,
        own_weights=config.annotators == "weights",
        numbers=numbers if config.annotators == "parameters" else None,
    )


def head_shares(prompts: int, heads: int, *, seed: int) -> Tensor:
    """Weights [P, H] of a Bayesian bootstrap (Rubin 1981), one a head: exponential draws, 1 on average."""
    if heads == 1:
        return torch.ones(prompts, 1)
    generator = torch.Generator().manual_seed(seed)
    share_PH = torch.empty(prompts, heads).exponential_(generator=generator)
    return share_PH / share_PH.mean(dim=0).clamp(min=1e-6)


def says_something(prompt: RankedPrompt, config: RewardConfig) -> bool:
    """Whether a prompt has a pair that the loss can learn from."""
    ties_count = config.likelihood == "davidson_luce" or (config.likelihood == "pairs" and config.ties != "drop")
    return any(ties_count or not pair.tie for pair in prompt.pairs)
