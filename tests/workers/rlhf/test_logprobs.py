import torch
from torch import nn

from workers.rlhf import logprobs
from workers.rlhf.logprobs import exact_kl, token_logprobs


def head_of(*, frozen: bool) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(8, 40, bias=False).requires_grad_(not frozen)


def test_both_ways_give_what_a_plain_softmax_gives(monkeypatch) -> None:
    monkeypatch.setitem(logprobs.CHUNK, "cpu", 4)
    hidden, token = torch.randn(10, 8), torch.randint(40, (10,))
    weight = torch.randn(10)
    results = []
    for frozen in (True, False):
        head, states = head_of(frozen=frozen), hidden.clone().requires_grad_()
        got = token_logprobs(head, states, token, 0.7)
        (got * weight).sum().backward()
        results.append((got.detach(), states.grad))
    states = hidden.clone().requires_grad_()
    plain = torch.log_softmax(head_of(frozen=True)(states) / 0.7, -1).gather(1, token[:, None])[:, 0]
    (plain * weight).sum().backward()
    for got, gradient in results:
        torch.testing.assert_close(got, plain.detach())
        torch.testing.assert_close(gradient, states.grad)


def test_no_gradient_is_worked_out_where_none_is_wanted() -> None:
    with torch.no_grad():
        assert not token_logprobs(head_of(frozen=True), torch.randn(3, 8), torch.tensor([1, 2, 3]), 1.0).requires_grad


def test_exact_kl_by_hand_and_of_a_model_with_itself() -> None:
    p, q = torch.randn(6, 8), torch.randn(6, 8)
    head = head_of(frozen=True)
    left, right = torch.log_softmax(head(p), -1), torch.log_softmax(head(q), -1)
    torch.testing.assert_close(exact_kl(head, p, head, q, 1.0), (left.exp() * (left - right)).sum(-1).detach())
    assert exact_kl(head, p, head, p, 1.0).abs().max() == 0
