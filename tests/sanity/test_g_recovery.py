"""Control g: 2,000 simulated rankings give back what they were simulated from, with intervals that can be believed.

Pairs are judged as Rao and Kupper's people would, rankings of four as Davidson and Luce's, by code of its own; the
engine's likelihood is fitted to them, and 95 % intervals come from its curvature.

Shapes: I = prompts, K = completions of each, J = annotators, Q = numbers to be recovered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, hessian, jacrev

from tests.sanity.conftest import SEEDS, Tell, only_in_full
from workers.rlhf.course import Likelihood
from workers.rlhf.pairs import RankedPrompt, Weighing, ranked_prompt
from workers.rlhf.reward_configs import RewardConfig

RANKINGS, PEOPLE, SPREAD = 2000, 10, 0.4
THETA, DELTAS = 1.6, (0.6, 0.3, 0.15)
NORMAL_95 = 1.959964
Draw = np.random.Generator


@dataclass(frozen=True)
class Truth:
    """Scores around their prompt's mean, log a_j around 0, and each person's own tie parameter."""

    score_IK: np.ndarray
    log_scale_J: np.ndarray
    tie_J: np.ndarray

    def numbers(self) -> Tensor:
        return torch.tensor(np.concatenate([self.score_IK.ravel(), self.log_scale_J, self.tie_J]))


def truth(draw: Draw, prompts: int, completions: int, tie: float) -> Truth:
    score_IK = draw.normal(0, 1.2, (prompts, completions))
    log_scale_J = draw.normal(0, SPREAD, PEOPLE)
    return Truth(
        score_IK - score_IK.mean(axis=1, keepdims=True),
        log_scale_J - log_scale_J.mean(),
        tie + draw.normal(0, SPREAD, PEOPLE),
    )


def rao_kupper(world: Truth, prompt: int, person: int, draw: Draw) -> list[int]:
    """P(first) = 1 / (1 + θ e^(-aΔ)), a tie where neither wins; the person's log θ is log(1 + e^u)."""
    theta = 1 + np.exp(world.tie_J[person])
    margin = np.exp(world.log_scale_J[person]) * (world.score_IK[prompt, 0] - world.score_IK[prompt, 1])
    win, lose = 1 / (1 + theta * np.exp(-margin)), 1 / (1 + theta * np.exp(margin))
    roll = draw.random()
    return [1, 2] if roll < win else [2, 1] if roll < win + lose else [1, 1]


def davidson_luce(world: Truth, prompt: int, person: int, draw: Draw) -> list[int]:
    """Tier after tier: of what is left, a set of s members is taken in proportion to δ_s · (∏ worth)^(1/s)."""
    worth = np.exp(np.exp(world.log_scale_J[person]) * world.score_IK[prompt])
    own = np.exp(world.tie_J[person]) / DELTAS[0]
    ranks, left, rank = [0] * len(worth), list(range(len(worth))), 0
    while left:
        rank += 1
        sets = [chosen for size in range(1, len(left) + 1) for chosen in combinations(left, size)]
        weight = np.array([np.prod(worth[list(s)]) ** (1 / len(s)) * _delta(len(s), own) for s in sets])
        for place in sets[draw.choice(len(sets), p=weight / weight.sum())]:
            ranks[place] = rank
            left.remove(place)
    return ranks


def _delta(size: int, own: float) -> float:
    return 1.0 if size == 1 else DELTAS[size - 2] * own


def judged(world: Truth, rank: Callable[..., list[int]], draw: Draw) -> list[RankedPrompt]:
    """Every prompt judged equally often, by everybody in turn."""
    prompts, completions = world.score_IK.shape
    rows = []
    for prompt in range(prompts):
        people = [number % PEOPLE for number in range(RANKINGS // prompts)]
        said = [{"annotator": f"{person:02d}", "ranks": rank(world, prompt, person, draw)} for person in people]
        texts = [{"text": f"completion {place}"} for place in range(completions)]
        row = {"prompt_id": prompt, "split": "train", "messages": [], "completions": texts, "annotations": said}
        rows.append(ranked_prompt(row))
    return rows


class Posterior(nn.Module):
    """-log posterior of scores and people, by the likelihood that reward models learn with."""

    def __init__(self, prompts: list[RankedPrompt], config: RewardConfig) -> None:
        super().__init__()
        names = [f"{person:02d}" for person in range(PEOPLE)]
        self.prompts = prompts
        self.completions = len(prompts[0].texts)
        self.likelihood = Likelihood(config, tie_rate=0.3, annotators=names).double()
        self.weighing = Weighing(correlation=0.0, numbers={name: place for place, name in enumerate(names)})
        # The first completion's score is 0: a prompt's own level says nothing.
        self.ahead = nn.Parameter(torch.zeros(len(prompts), self.completions - 1, dtype=torch.float64))

    def scores(self) -> Tensor:
        score_IK = nn.functional.pad(self.ahead, (1, 0))
        return score_IK - score_IK.mean(dim=1, keepdim=True)

    def numbers(self) -> Tensor:
        """What is to be recovered [Q], in the order of `Truth.numbers`."""
        people = self.likelihood.annotators
        tie_J = self.likelihood.tie_parameter.reshape(-1)[0] + people.tie_shift_J
        return torch.cat([self.scores().flatten(), people.log_scale_J - people.log_scale_J.mean(), tie_J])

    def forward(self, *, numbers: bool = False) -> Tensor:
        if numbers:
            return self.numbers()
        # A prompt's loss is a mean over its distinct pairs; the likelihood is the sum.
        pairs = self.completions * (self.completions - 1) / 2
        loss_I = self.likelihood.of_prompts(self.scores().flatten(), self.prompts, self.weighing)
        return loss_I.sum() * pairs + self.likelihood.penalty()


def recovered(posterior: Posterior) -> tuple[Tensor, Tensor]:
    """The most probable numbers [Q] and their standard errors [Q] from the curvature there (Laplace)."""
    optimizer = torch.optim.LBFGS(posterior.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = posterior()
        loss.backward()
        return loss

    optimizer.step(closure)
    weights = {name: weight.detach() for name, weight in posterior.named_parameters()}
    sizes = [weight.numel() for weight in weights.values()]

    def at(vector: Tensor, **asked: bool) -> Tensor:
        parts = zip(weights.items(), vector.split(sizes), strict=True)
        return functional_call(posterior, {name: part.view_as(weight) for (name, weight), part in parts}, (), asked)

    vector = torch.cat([weight.flatten() for weight in weights.values()])
    curvature = hessian(at)(vector)
    # Sizes of ties that can't happen with so few completions have no curvature, and nothing depends on them.
    seen = curvature.diagonal().abs() > 1e-9
    spread = torch.zeros_like(curvature)
    spread[seen.nonzero(), seen.nonzero().T] = torch.linalg.inv(curvature[seen][:, seen])
    slope = jacrev(lambda where: at(where, numbers=True))(vector)
    return at(vector, numbers=True), (slope @ spread @ slope.T).diagonal().sqrt()


@pytest.mark.parametrize(
    ("rank", "prompts", "completions", "tie", "config"),
    [
        (rao_kupper, 50, 2, np.log(THETA - 1), {"ties": "rao_kupper"}),
        pytest.param(davidson_luce, 25, 4, np.log(DELTAS[0]), {"likelihood": "davidson_luce"}, marks=only_in_full()),
    ],
    ids=["rao_kupper", "davidson_luce"],
)
def test_g_scores_people_and_ties_are_recovered(rank, prompts, completions, tie, config, tell: Tell) -> None:
    covered, far, sharp = [], [], []
    for seed in SEEDS:
        draw = np.random.default_rng(seed)
        world = truth(draw, prompts, completions, tie)
        settings = RewardConfig(annotators="parameters", annotator_spread=SPREAD, **config)
        found, error = recovered(Posterior(judged(world, rank, draw), settings))
        off = (found - world.numbers()).abs()
        covered.append((off <= NORMAL_95 * error).double())
        far.append((off / error) ** 2)
        sharp.append(error)
    share, size = float(torch.cat(covered).mean()), float(torch.cat(far).mean())
    tell(covered=share, squared_error_over_variance=size, mean_standard_error=float(torch.cat(sharp).mean()))
    assert share >= 0.9
    # Neither too sure nor too modest, and sharp enough to be of use: scores have an SD of 1.2.
    assert 0.7 < size < 1.4
    assert float(torch.cat(sharp).mean()) < 0.25
