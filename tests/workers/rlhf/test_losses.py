from math import exp, log

import pytest
import torch
from torch import tensor

from workers.rlhf.losses import first_tie_parameter, pair_losses, policy_losses, value_losses

DECIDED, TIED = tensor([False]), tensor([True])


def loss(margin: float, tie: bool, ties: str, parameter: float = 0.0) -> float:
    return float(pair_losses(tensor([margin]), tensor([tie]), ties=ties, tie_parameter=tensor(parameter))[0])


def test_bradley_terry_by_hand() -> None:
    assert loss(0.0, False, "drop") == pytest.approx(log(2))
    assert loss(1.0, False, "half") == pytest.approx(log(1 + exp(-1)))
    assert loss(-1.0, False, "half") == pytest.approx(log(1 + exp(1)))
    assert loss(3.0, True, "drop") == 0.0
    assert loss(1.0, True, "half") == pytest.approx((log(1 + exp(-1)) + log(1 + exp(1))) / 2)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_undecided_losses_match_the_tie_rate(rate: float) -> None:
    theta = (1 + rate) / (1 - rate)
    u = first_tie_parameter("rao_kupper", rate)
    assert loss(0.0, False, "rao_kupper", u) == pytest.approx(log(1 + theta), rel=1e-5)
    assert loss(0.0, True, "rao_kupper", u) == pytest.approx(log((theta + 1) / (theta - 1)), rel=1e-5)
    nu = 2 * rate / (1 - rate)
    v = first_tie_parameter("davidson", rate)
    assert loss(0.0, False, "davidson", v) == pytest.approx(log(2 + nu), rel=1e-5)
    assert loss(0.0, True, "davidson", v) == pytest.approx(log((2 + nu) / nu), rel=1e-5)


@pytest.mark.parametrize("ties", ["rao_kupper", "davidson"])
@pytest.mark.parametrize("margin", [-2.0, 0.0, 0.7])
def test_win_loss_and_tie_are_all_there_is(ties: str, margin: float) -> None:
    chances = [exp(-loss(margin, False, ties, 0.3)), exp(-loss(-margin, False, ties, 0.3))]
    assert sum(chances) + exp(-loss(margin, True, ties, 0.3)) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("ties", ["half", "rao_kupper", "davidson"])
def test_a_tie_has_no_direction(ties: str) -> None:
    assert loss(1.3, True, ties, 0.2) == pytest.approx(loss(-1.3, True, ties, 0.2))


def test_large_margins_stay_finite() -> None:
    for ties in ("drop", "half", "rao_kupper", "davidson"):
        margin = tensor([500.0, -500.0], requires_grad=True)
        total = pair_losses(margin, tensor([False, True]), ties=ties, tie_parameter=tensor(0.1)).sum()
        total.backward()
        assert torch.isfinite(total)
        assert torch.isfinite(margin.grad).all()


def test_the_policy_loss_by_hand() -> None:
    ratio = tensor([[1.5, 0.5, 1.1, 9.0]])
    advantage = tensor([[1.0, -1.0, 2.0, 9.0]])
    mask = tensor([[True, True, True, False]])
    # 1.5 is clipped to 1.2; 0.5 with a bad advantage is clipped to 0.8; 1.1 counts as it is.
    expected = -(1.2 * 1 + 0.8 * -1 + 1.1 * 2)
    assert float(policy_losses(ratio.log(), torch.zeros(1, 4), advantage, mask, clip=0.2)) == pytest.approx(expected)


def test_the_policy_loss_is_pessimistic() -> None:
    # A worse-than-old action that became likelier is not clipped: the gradient must push it back.
    logprob = tensor([[log(1.5)]], requires_grad=True)
    policy_losses(logprob, tensor([[0.0]]), tensor([[-1.0]]), tensor([[True]]), clip=0.2).backward()
    assert float(logprob.grad) == pytest.approx(1.5)


def test_the_value_loss_by_hand() -> None:
    value, old, target = tensor([[1.0, 0.1]]), tensor([[0.0, 0.0]]), tensor([[1.0, 1.0]])
    # The first moved past its clip: (0.2 - 1)² counts, not (1 - 1)²; the second moved less than its clip.
    expected = 0.5 * (0.8**2 + 0.9**2)
    mask = tensor([[True, True]])
    assert float(value_losses(value, old, target, mask, clip=0.2)) == pytest.approx(expected)


def test_padding_spoils_no_loss() -> None:
    inf, mask = float("inf"), tensor([[True, False]])
    logprob = tensor([[0.0, -inf]])
    assert torch.isfinite(policy_losses(logprob, tensor([[0.0, 0.0]]), tensor([[1.0, 0.0]]), mask, clip=0.2))
