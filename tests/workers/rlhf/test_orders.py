"""Whole weak orders, against sums over everything that could have been said."""

from itertools import permutations, product
from math import exp, factorial, log, prod

import pytest
import torch
from torch import tensor

from workers.rlhf.losses import pair_losses
from workers.rlhf.orders import TIE_SIZES, davidson_luce_losses, first_log_delta, marginal_losses

SCORES = [0.3, -1.1, 0.8, 0.1]
LOG_DELTA = tensor([-0.4, -1.0, 0.2] + [0.0] * (TIE_SIZES - 3))


def weak_orders(count: int) -> list[tuple[int, ...]]:
    """All weak orders as tiers from 0 without gaps: 3, 13, 75 of them for 2, 3, 4."""
    return [tiers for tiers in product(range(count), repeat=count) if set(tiers) == set(range(max(tiers) + 1))]


def plackett_luce(order: tuple[int, ...], scores: list[float]) -> float:
    weights = [exp(scores[place]) for place in order]
    return prod(weight / sum(weights[number:]) for number, weight in enumerate(weights))


def marginal(scores: list[float], tiers: tuple[int, ...]) -> float:
    return float(marginal_losses(tensor([scores]), tensor([tiers]))[0])


def davidson_luce(scores: list[float], tiers: tuple[int, ...], log_delta: torch.Tensor = LOG_DELTA) -> float:
    return float(davidson_luce_losses(tensor([scores]), tensor([tiers]), log_delta)[0])


@pytest.mark.parametrize("tiers", weak_orders(4))
def test_marginal_is_the_sum_over_all_linear_orders_that_the_tiers_allow(tiers: tuple[int, ...]) -> None:
    allowed = [order for order in permutations(range(4)) if list(tiers) == [tiers[p] for p in range(4)]]
    allowed = [order for order in allowed if [tiers[place] for place in order] == sorted(tiers)]
    expected = -log(sum(plackett_luce(order, SCORES) for order in allowed))
    assert marginal(SCORES, tiers) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_davidson_luce_shares_one_among_all_weak_orders(count: int) -> None:
    orders = weak_orders(count)
    assert len(orders) == {2: 3, 3: 13, 4: 75}[count]
    assert sum(exp(-davidson_luce(SCORES[:count], tiers)) for tiers in orders) == pytest.approx(1, abs=1e-5)


def test_davidson_luce_by_hand() -> None:
    # Two tie for the best of four, then the third beats the fourth.
    w, delta = [exp(score) for score in SCORES], [1.0, *LOG_DELTA[:3].exp().tolist()]
    subsets = [[p for p in range(4) if number >> p & 1] for number in range(1, 16)]
    every = [delta[len(s) - 1] * prod(w[p] for p in s) ** (1 / len(s)) for s in subsets]
    first = delta[1] * (w[0] * w[2]) ** 0.5 / sum(every)
    second = w[3] / (w[3] + w[1] + delta[1] * (w[3] * w[1]) ** 0.5)
    assert davidson_luce(SCORES, (0, 2, 0, 1)) == pytest.approx(-log(first * second), rel=1e-5)


def test_two_completions_are_bradley_terry_and_davidson() -> None:
    def davidson(tie: bool) -> float:
        return float(pair_losses(tensor([1.4]), tensor([tie]), ties="davidson", tie_parameter=tensor(-0.4))[0])

    assert marginal(SCORES[:2], (0, 1)) == pytest.approx(log(1 + exp(-1.4)), rel=1e-5)
    assert marginal(SCORES[:2], (0, 0)) == 0
    assert davidson_luce(SCORES[:2], (0, 1)) == pytest.approx(davidson(False), rel=1e-5)
    assert davidson_luce(SCORES[:2], (0, 0)) == pytest.approx(davidson(True), rel=1e-5)


@pytest.mark.parametrize("tiers", [(0, 1, 2, 3), (0, 0, 1, 1), (1, 0, 0, 0)])
def test_undecided_scores_pay_for_the_orders_they_leave_open(tiers: tuple[int, ...]) -> None:
    open_orders = factorial(4) / prod(factorial(tiers.count(tier)) for tier in set(tiers))
    assert marginal([0.7] * 4, tiers) == pytest.approx(log(open_orders), rel=1e-5)


@pytest.mark.parametrize("tiers", [(0, 1, 1, 2), (2, 0, 1, 1), (0, 0, 0, 1)])
def test_the_order_of_completions_and_an_offset_change_nothing(tiers: tuple[int, ...]) -> None:
    turned = [2, 0, 3, 1]
    for likelihood in (marginal, davidson_luce):
        moved = likelihood([SCORES[place] + 5 for place in turned], tuple(tiers[place] for place in turned))
        assert moved == pytest.approx(likelihood(SCORES, tiers), abs=1e-5)


def test_what_was_not_ranked_is_no_alternative_and_sizes_mix_in_a_batch() -> None:
    score = tensor([[0.3, -1.1, 0.8, 0.1], [0.5, 9.0, -0.2, -9.0], [1.0, 0.0, 2.0, 3.0]], requires_grad=True)
    tier = tensor([[0, 1, 1, 2], [1, -1, 0, -1], [0, 0, 0, 0]])
    for likelihood in (marginal_losses, lambda s, t: davidson_luce_losses(s, t, LOG_DELTA)):
        together = likelihood(score, tier)
        assert float(together[1]) == pytest.approx(float(likelihood(tensor([[0.5, -0.2]]), tensor([[1, 0]]))[0]))
        assert float(together[0]) == pytest.approx(float(likelihood(score[:1], tier[:1])[0]))
        (gradient,) = torch.autograd.grad(together.sum(), score)
        assert torch.isfinite(gradient).all()
        assert gradient[1, [1, 3]].tolist() == [0, 0]


def test_gradients_are_those_of_finite_differences() -> None:
    tier = tensor([[0, 0, 1, 2, 1], [3, 2, 1, 0, -1]])
    score = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    delta = LOG_DELTA.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: marginal_losses(s, tier), (score,))
    assert torch.autograd.gradcheck(lambda s, d: davidson_luce_losses(s, tier, d), (score, delta))


def test_nine_completions_and_far_scores_stay_finite() -> None:
    score = torch.linspace(-300, 300, 9)[None].requires_grad_()
    for tier in ([0] * 8 + [1], [8, 7, 6, 5, 4, 3, 2, 1, 0], [0, 0, 0, 1, 1, 1, 2, 2, 2]):
        for loss in (
            marginal_losses(score, tensor([tier])),
            davidson_luce_losses(score, tensor([tier]), tensor(first_log_delta(-1.0))),
        ):
            (gradient,) = torch.autograd.grad(loss.sum(), score)
            assert torch.isfinite(loss).all()
            assert torch.isfinite(gradient).all()


def test_a_tie_parameter_of_each_judgment_is_its_own() -> None:
    score, tier = tensor([SCORES, SCORES]), tensor([[0, 0, 1, 2]] * 2)
    own = torch.stack([LOG_DELTA, LOG_DELTA + 1])
    both = davidson_luce_losses(score, tier, own)
    assert float(both[0]) == pytest.approx(davidson_luce(SCORES, (0, 0, 1, 2)))
    assert float(both[1]) == pytest.approx(davidson_luce(SCORES, (0, 0, 1, 2), LOG_DELTA + 1))


def test_no_judgment_costs_nothing() -> None:
    nothing = torch.zeros((0, 2))
    assert marginal_losses(nothing, nothing.long()).shape == (0,)
    assert davidson_luce_losses(nothing, nothing.long(), LOG_DELTA).shape == (0,)
