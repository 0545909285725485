"""Figures about predictions of people's judgments, as functions of plain arrays.

Shapes: M = pairs, D = decided pairs, J = judgments. `margin` is the preferred score minus the other one (for a tie in
any order), on any scale; `chance` is the probability given to what is asked about.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from workers.rlhf.losses import first_tie_parameter, pair_losses
from workers.rlhf.resampling import Numbers

Flags = NDArray[np.bool_]
BINS: Final = 10
NULL_DRAWS: Final = 200
FIT_STEPS: Final = 100
NEWTON_STEPS: Final = 25
# Half a tie and half a decision among equals keep θ finite where nobody tied, or everybody.
UNSEEN: Final = 0.5
RIDGE: Final = 1e-2


@dataclass(frozen=True, slots=True)
class Reading:
    """How scores are read as probabilities: Rao–Kupper on `factor` · Δr with tie parameter u, log θ = softplus(u)."""

    factor: float
    tie_parameter: float

    @property
    def theta(self) -> float:
        """How readily people tie: equal scores tie with probability (θ - 1) / (θ + 1)."""
        return float(softplus(torch.tensor(self.tie_parameter, dtype=torch.float64)).exp())

    def losses(self, margin_M: Numbers, tie_M: Flags) -> Numbers:
        """-log-likelihood of each pair."""
        losses_M = _losses(torch.tensor(margin_M) * self.factor, torch.tensor(tie_M), torch.tensor(self.tie_parameter))
        return np.asarray(losses_M.numpy())

    def log_odds(self, margin_D: Numbers) -> Numbers:
        """Log-odds that the first is preferred, given that the pair is decided."""
        margin = torch.tensor(margin_D) * self.factor
        log_theta = softplus(torch.tensor(self.tie_parameter, dtype=torch.float64))
        return np.asarray((softplus(log_theta + margin) - softplus(log_theta - margin)).numpy())


def refit(margin_M: Numbers, tie_M: Flags, weight_M: Numbers) -> Reading:
    """The temperature and the tie parameter under which these judgments are likeliest (L-BFGS, fp64)."""
    margin, tie, weight = torch.tensor(margin_M), torch.tensor(tie_M), torch.tensor(weight_M)
    size = float(margin.abs().mean()) if len(margin_M) else 0.0
    start = -np.log(size) if size > 0 else 0.0
    rate = float((weight_M * tie_M).sum() / max(weight_M.sum(), 1e-9))
    unknown = torch.tensor([start, first_tie_parameter("rao_kupper", rate)], dtype=torch.float64, requires_grad=True)
    even, said = torch.zeros(2, dtype=torch.float64), torch.tensor([True, False])

    def cost() -> Tensor:
        seen = (_losses(margin * unknown[0].exp(), tie, unknown[1]) * weight).sum()
        return seen + UNSEEN * _losses(even, said, unknown[1]).sum() + RIDGE * (unknown[0] - start) ** 2

    optimizer = torch.optim.LBFGS([unknown], max_iter=FIT_STEPS, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        loss = cost()
        torch.autograd.backward(loss)
        return float(loss.detach())

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    log_factor, tie_parameter = unknown.detach().tolist()
    return Reading(float(np.exp(log_factor)), tie_parameter)


def right(margin_D: Numbers) -> Numbers:
    """1 where the order of the scores is that of the person, ½ where they are equal, else 0."""
    return np.where(margin_D > 0, 1.0, np.where(margin_D == 0, 0.5, 0.0))


def tie_auc(margin_M: Numbers, tie_M: Flags, weight_M: Numbers | None = None) -> float | None:
    """Probability that a tied pair's scores lie closer together than a decided pair's (equal distances count half)."""
    weight_M = np.ones(len(tie_M)) if weight_M is None else weight_M
    distance, place = np.unique(np.abs(margin_M), return_inverse=True)
    tied = np.bincount(place, weights=weight_M * tie_M, minlength=len(distance))
    decided = np.bincount(place, weights=weight_M * ~tie_M, minlength=len(distance))
    if tied.sum() == 0 or decided.sum() == 0:
        return None
    farther = decided.sum() - np.cumsum(decided)
    return float((tied * (farther + decided / 2)).sum() / (tied.sum() * decided.sum()))


def tau_b(margin_M: Numbers, tie_M: Flags, judgment_M: NDArray[np.int64]) -> tuple[Numbers, NDArray[np.int64]]:
    """Kendall's τ-b of scores and ranks for each judgment, and the judgments that have one."""
    count = int(judgment_M.max()) + 1 if len(judgment_M) else 0
    agree = np.bincount(judgment_M, weights=np.sign(margin_M) * ~tie_M, minlength=count)
    pairs = np.bincount(judgment_M, minlength=count)
    ranked = pairs - np.bincount(judgment_M, weights=tie_M.astype(float), minlength=count)
    scored = pairs - np.bincount(judgment_M, weights=(margin_M == 0).astype(float), minlength=count)
    known = np.flatnonzero(ranked * scored > 0)
    return agree[known] / np.sqrt(ranked[known] * scored[known]), known


def oriented(margin_D: Numbers, *, seed: int) -> tuple[Numbers, Numbers]:
    """The same pairs in random order: differences, and 1 where the first was preferred."""
    turned = np.random.default_rng(seed).random(len(margin_D)) < 0.5
    return np.where(turned, -margin_D, margin_D), (~turned).astype(float)


def calibration_line(
    logit_D: Numbers, won_D: Numbers, weight_D: Numbers | None = None
) -> tuple[float, float] | tuple[None, None]:
    """Slope and intercept of a logistic regression of what happened on the predicted log-odds; ideal are 1 and 0."""
    weight_D = np.ones(len(won_D)) if weight_D is None else weight_D
    if len(won_D) < 2 or np.ptp(logit_D) == 0:
        return None, None
    design = np.stack([logit_D, np.ones(len(logit_D))], axis=1)
    line = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        slope = design.T @ (weight_D * (won_D - chance)) - RIDGE * (line - [1.0, 0.0])
        bend = design.T @ (design * (weight_D * chance * (1 - chance))[:, None]) + RIDGE * np.eye(2)
        step = np.linalg.solve(bend, slope)
        line = line + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(line[0]), float(line[1])


def brier(chance_D: Numbers, won_D: Numbers) -> Numbers:
    """Squared error of each probability."""
    return np.asarray((chance_D - won_D) ** 2)


def calibration_error(chance_D: Numbers, won_D: Numbers) -> float:
    """Expected calibration error over ten bins of equal width (Guo et al. 2017)."""
    place = np.minimum((chance_D * BINS).astype(int), BINS - 1)
    gap = np.bincount(place, weights=chance_D - won_D, minlength=BINS)
    return float(np.abs(gap).sum() / max(1, len(chance_D)))


def null_calibration_errors(chance_D: Numbers, *, seed: int) -> Numbers:
    """What a perfect model's calibration error would be at these probabilities and this many pairs, many times."""
    draw = np.random.default_rng(seed)
    return np.array(
        [calibration_error(chance_D, (draw.random(len(chance_D)) < chance_D).astype(float)) for _ in range(NULL_DRAWS)]
    )


def calibration_curve(chance_D: Numbers, won_D: Numbers) -> list[dict[str, Any]]:
    """For each bin that has pairs: its bounds, how many there are, what was predicted and what happened."""
    place = np.minimum((chance_D * BINS).astype(int), BINS - 1)
    rows = []
    for number in sorted(set(place.tolist())):
        inside = place == number
        share, count = float(won_D[inside].mean()), int(inside.sum())
        # Wilson's interval stays in [0, 1] for few pairs.
        centre, spread = (share + 1.92 / count) / (1 + 3.84 / count), 1.96 / (1 + 3.84 / count)
        half = spread * float(np.sqrt(share * (1 - share) / count + 0.96 / count**2))
        rows.append(
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "pairs": count,
                "predicted": float(chance_D[inside].mean()),
                "observed": share,
                "low": max(0.0, centre - half),
                "high": min(1.0, centre + half),
            }
        )
    return rows


def _losses(margin: Tensor, tie: Tensor, tie_parameter: Tensor) -> Tensor:
    return pair_losses(margin, tie, ties="rao_kupper", tie_parameter=tie_parameter.to(margin))
