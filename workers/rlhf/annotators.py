"""Annotators as parameters: how sharply each sees differences (a_j) and how readily each ties (θ_j).

P = f(a_j · Δr, θ_j) with log a_j ~ N(0, τ²), mean 0, and each person's shift of the tie parameter shrunk likewise, so
that somebody with few judgments stays near everybody else. Shapes: J = annotators, M = pairs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from workers.rlhf.losses import TieMode, pair_losses
from workers.rlhf.pairs import RankedPrompt

FIT_STEPS: Final = 200
NORMAL_95: Final = 1.959964


class AnnotatorParameters(nn.Module):
    """Learnt a_j and tie shifts; everybody starts alike, and people it does not know count as average."""

    def __init__(self, names: Sequence[str], spread: float) -> None:
        super().__init__()
        self.names = list(names)
        self.spread = spread
        self.log_scale_J = nn.Parameter(torch.zeros(len(names)))
        self.tie_shift_J = nn.Parameter(torch.zeros(len(names)))

    def scale(self, annotator_M: Tensor) -> Tensor:
        """a_j [M] of each pair's annotator; the mean of log a_j over all annotators is 0."""
        return _looked_up(self.log_scale_J - self.log_scale_J.mean(), annotator_M).exp()

    def tie_shift(self, annotator_M: Tensor) -> Tensor:
        """What each pair's annotator adds to the tie parameter [M]."""
        return _looked_up(self.tie_shift_J, annotator_M)

    def penalty(self) -> Tensor:
        """-log of the prior, in nats, without constants."""
        return prior(self.log_scale_J, self.tie_shift_J, self.spread)

    def described(self, counts: Counter[str]) -> list[dict[str, Any]]:
        """What was learnt about each annotator, the most active first."""
        places = torch.arange(len(self.names), device=self.log_scale_J.device)
        learnt = zip(self.names, self.scale(places).tolist(), self.tie_shift_J.tolist(), strict=True)
        rows = [{"annotator": name, "scale": a, "tie_shift": t, "judgments": counts[name]} for name, a, t in learnt]
        return sorted(rows, key=lambda row: -int(row["judgments"]))


@dataclass(frozen=True, slots=True)
class Fit:
    """Annotators' parameters given fixed scores: modes and standard errors, with the shared tie parameter."""

    log_scale_J: Tensor
    log_scale_error_J: Tensor
    tie_shift_J: Tensor
    tie_parameter: float

    def intervals(self) -> Tensor:
        """95 % intervals [J, 2] of log a_j."""
        half_J = NORMAL_95 * self.log_scale_error_J
        return torch.stack([self.log_scale_J - half_J, self.log_scale_J + half_J], dim=1)


def names_of(prompts: Sequence[RankedPrompt]) -> list[str]:
    """Everybody who judged, in a fixed order."""
    return sorted({entry.annotator for prompt in prompts for entry in prompt.judgments})


def judgment_counts(prompts: Sequence[RankedPrompt]) -> Counter[str]:
    """How many judgments each annotator gave."""
    return Counter(entry.annotator for prompt in prompts for entry in prompt.judgments)


def prior(log_scale_J: Tensor, tie_shift_J: Tensor, spread: float) -> Tensor:
    """-log density of independent N(0, τ²), without constants."""
    return ((log_scale_J**2).sum() + (tie_shift_J**2).sum()) / (2 * spread**2)


def fit(
    margin_M: Tensor, tie_M: Tensor, annotator_M: Tensor, *, ties: TieMode, spread: float, tie_parameter: float
) -> Fit:
    """The most probable a_j and tie shifts for known score differences, by L-BFGS in fp64.

    Standard errors of log a_j come from the curvature at the mode (Laplace), each annotator's own 2 × 2 block.
    """
    count = int(annotator_M.max()) + 1
    margin_M = margin_M.double()
    # Scale, shift and the shared parameter are fitted together.
    unknown = torch.zeros(2 * count + 1, dtype=torch.float64)
    unknown[-1] = tie_parameter
    unknown.requires_grad_()

    def cost() -> Tensor:
        log_scale_J, tie_shift_J = unknown[:count], unknown[count:-1]
        parameter_M = unknown[-1] + tie_shift_J[annotator_M]
        scaled_M = log_scale_J.exp()[annotator_M] * margin_M
        losses_M = pair_losses(scaled_M, tie_M, ties=ties, tie_parameter=parameter_M)
        return losses_M.sum() + prior(log_scale_J, tie_shift_J, spread)

    optimizer = torch.optim.LBFGS([unknown], max_iter=FIT_STEPS, line_search_fn="strong_wolfe", tolerance_grad=1e-8)

    def closure() -> float:
        optimizer.zero_grad()
        loss = cost()
        torch.autograd.backward(loss)
        return float(loss.detach())

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    error_J = _standard_errors(cost(), unknown, count)
    found = unknown.detach()
    return Fit(found[:count], error_J, found[count:-1], float(found[-1]))


def _standard_errors(cost: Tensor, unknown: Tensor, count: int) -> Tensor:
    """Errors [J] of log a_j. An annotator's block touches no other's, so that sums of rows are its entries."""
    (gradient,) = torch.autograd.grad(cost, unknown, create_graph=True)
    (of_scale,) = torch.autograd.grad(gradient[:count].sum(), unknown, retain_graph=True)
    (of_shift,) = torch.autograd.grad(gradient[count:-1].sum(), unknown)
    aa_J, ab_J, bb_J = of_scale[:count], of_scale[count:-1], of_shift[count:-1]
    return (bb_J / (aa_J * bb_J - ab_J**2)).clamp(min=0).sqrt()


def _looked_up(value_J: Tensor, annotator_M: Tensor) -> Tensor:
    # The last entry is for ABSENT (-1): people who are in no training judgment.
    return torch.cat([value_J, value_J.new_zeros(1)])[annotator_M]
