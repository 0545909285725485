"""Plackett–Luce for whole weak orders: people choose the best of what is left, again and again.

Shapes: J = judgments, K = completions of one judgment, S = choices of one tier, D = sizes of ties from 2 on.
`tier_JK` counts tiers from 0; negative entries are padding or were not ranked, and are not among the alternatives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import torch
from torch import Tensor

# Davidson–Luce looks at every subset of the alternatives.
MOST_COMPLETIONS: Final = 12
TIE_SIZES: Final = MOST_COMPLETIONS - 1


@dataclass(frozen=True, slots=True)
class Choices:
    """Every choice of a tier among what was left: its judgment, who was chosen, and who was passed over."""

    judgment_S: Tensor
    chosen_SK: Tensor
    rest_SK: Tensor


def marginal_losses(score_JK: Tensor, tier_JK: Tensor) -> Tensor:
    """-log P [J] of each weak order: the sum of Plackett–Luce over all linear orders that its tiers allow.

    For a tier T before the rest R, f(A) is the probability that the set A ⊆ T was drawn first, in any order:
    f(∅) = 1, f(A) = Σ_{i ∈ A} f(A∖i) · e^{s_i} / Σ_{j ∈ (T∖A) ∪ i ∪ R} e^{s_j}; the tier contributes f(T). Exact, at
    2^|T| steps. Undecided scores pay log(K! / Π |T|!). An order with one tier only says nothing and costs nothing.
    """
    choices = choices_of(tier_JK)
    score_SK = score_JK[choices.judgment_S]
    rest_S = _log_sum(score_SK, choices.rest_SK)
    loss_J = score_JK.new_zeros(len(score_JK))
    for size, place_S in _by_size(choices.chosen_SK):
        tied_St = score_SK[place_S][choices.chosen_SK[place_S]].view(-1, size)
        loss_J = loss_J.index_add(0, choices.judgment_S[place_S], -log_drawn_first(tied_St, rest_S[place_S]))
    return loss_J


def log_drawn_first(tied_St: Tensor, rest_S: Tensor) -> Tensor:
    """Log-probability [S] that t alternatives are drawn before all others, whose summed weight has log `rest_S`."""
    size = tied_St.size(1)
    left: list[Tensor] = []
    reached = [torch.zeros_like(rest_S)]
    for drawn in range(2**size - 1):
        missing = [item for item in range(size) if not drawn >> item & 1]
        left.append(torch.logaddexp(rest_S, torch.logsumexp(tied_St[:, missing], dim=1)))
    for drawn in range(1, 2**size):
        ways = [
            reached[drawn ^ 1 << item] + tied_St[:, item] - left[drawn ^ 1 << item]
            for item in range(size)
            if drawn >> item & 1
        ]
        reached.append(torch.logsumexp(torch.stack(ways), dim=0))
    return reached[-1]


def davidson_luce_losses(score_JK: Tensor, tier_JK: Tensor, log_delta: Tensor) -> Tensor:
    """-log P [J] of each weak order where a choice may be a tie (Firth, Kosmidis & Turner 2019, "Davidson–Luce").

    From the alternatives A the tier T is chosen in proportion to δ_|T| · (Π_{i ∈ T} e^{s_i})^{1/|T|},
    against all non-empty subsets of A; δ_1 = 1. `log_delta` is log δ_2 … for all ([D]) or for each judgment ([J, D]).
    Two completions give Davidson (1970) with ν = δ_2.
    """
    choices = choices_of(tier_JK, last=True)
    score_SK = score_JK[choices.judgment_S]
    delta_JD = torch.nn.functional.pad(log_delta, (1, 0)).expand(len(score_JK), -1)
    open_SK = choices.chosen_SK | choices.rest_SK
    loss_J = score_JK.new_zeros(len(score_JK))
    for size, place_S in _by_size(open_SK):
        open_Sa = score_SK[place_S][open_SK[place_S]].view(-1, size)
        delta_SD = delta_JD[choices.judgment_S[place_S]]
        chosen_Sa = choices.chosen_SK[place_S][open_SK[place_S]].view(-1, size)
        loss_S = _log_all_ties(open_Sa, delta_SD) - _log_one_tie(open_Sa, chosen_Sa, delta_SD)
        loss_J = loss_J.index_add(0, choices.judgment_S[place_S], loss_S)
    return loss_J


def first_log_delta(log_nu: float) -> list[float]:
    """Log δ_2, log δ_3 … to start from: each further member makes a tie rarer by ν, as the second one does."""
    return [log_nu * more for more in range(1, 1 + TIE_SIZES)]


def choices_of(tier_JK: Tensor, *, last: bool = False) -> Choices:
    """All choices that say something; the last tier is one only if a tie of it was not certain (`last`)."""
    judgment, chosen, rest = [], [], []
    for tier in range(int(tier_JK.max()) + 1 if tier_JK.numel() else 0):
        chosen_JK, rest_JK = tier_JK == tier, tier_JK > tier
        said_J = rest_JK.any(dim=1) | (chosen_JK.sum(dim=1) > 1 if last else False)
        judgment.append((chosen_JK.any(dim=1) & said_J).nonzero()[:, 0])
        chosen.append(chosen_JK[judgment[-1]])
        rest.append(rest_JK[judgment[-1]])
    if not judgment:
        none_SK = torch.zeros((0, tier_JK.size(1)), dtype=torch.bool, device=tier_JK.device)
        return Choices(torch.zeros(0, dtype=torch.long, device=tier_JK.device), none_SK, none_SK)
    return Choices(torch.cat(judgment), torch.cat(chosen), torch.cat(rest))


def _by_size(member_SK: Tensor) -> Iterator[tuple[int, Tensor]]:
    size_S = member_SK.sum(dim=1)
    for size in sorted(set(size_S.tolist())):
        yield int(size), (size_S == size).nonzero()[:, 0]


def _log_sum(score_SK: Tensor, member_SK: Tensor) -> Tensor:
    return torch.logsumexp(score_SK.masked_fill(~member_SK, -torch.inf), dim=1)


def _log_all_ties(open_Sa: Tensor, delta_SD: Tensor) -> Tensor:
    share_Ca, size_C = subsets(open_Sa.size(1))
    share_Ca, size_C = share_Ca.to(open_Sa), size_C.to(open_Sa.device)
    return torch.logsumexp(open_Sa @ share_Ca.T + delta_SD[:, size_C - 1], dim=1)


def _log_one_tie(open_Sa: Tensor, chosen_Sa: Tensor, delta_SD: Tensor) -> Tensor:
    size_S = chosen_Sa.sum(dim=1)
    mean_S = (open_Sa * chosen_Sa).sum(dim=1) / size_S
    return mean_S + delta_SD.gather(1, (size_S - 1)[:, None])[:, 0]


@cache
def subsets(count: int) -> tuple[Tensor, Tensor]:
    """Shares [C, count] of the members of every non-empty subset, and the subsets' sizes [C]."""
    member_Ca = torch.tensor([[number >> item & 1 for item in range(count)] for number in range(1, 2**count)])
    size_C = member_Ca.sum(dim=1)
    return member_Ca / size_C[:, None], size_C
