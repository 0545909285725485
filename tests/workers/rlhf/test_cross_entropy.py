import pytest
import torch
from torch import nn

from workers.rlhf import cross_entropy
from workers.rlhf.cross_entropy import summed_nll


@pytest.mark.parametrize("bias", [False, True])
def test_value_and_gradients_are_those_of_the_plain_formula(bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cross_entropy.CHUNK, "cpu", 4)
    torch.manual_seed(0)
    head = nn.Linear(8, 50, bias=bias).double()
    hidden = torch.randn(11, 8, dtype=torch.float64, requires_grad=True)
    tokens = torch.randint(50, (11,))
    expected = nn.functional.cross_entropy(head(hidden), tokens, reduction="sum") / 3
    wanted = torch.autograd.grad(expected, [hidden, head.weight])
    loss = summed_nll(head, hidden, tokens) / 3
    got = torch.autograd.grad(loss, [hidden, head.weight])
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    for mine, plain in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, plain, atol=1e-6, rtol=1e-5)


def test_a_frozen_head_gets_no_gradient_and_costs_none() -> None:
    head = nn.Linear(8, 50, bias=False).requires_grad_(requires_grad=False)
    hidden = torch.randn(3, 8, requires_grad=True)
    summed_nll(head, hidden, torch.tensor([1, 2, 3])).backward()
    assert hidden.grad is not None
    assert head.weight.grad is None


def test_far_logits_stay_finite() -> None:
    head = nn.Linear(1, 3, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1e4], [0.0], [-1e4]]))
    assert float(summed_nll(head, torch.ones(1, 1), torch.tensor([2]))) == pytest.approx(2e4)
