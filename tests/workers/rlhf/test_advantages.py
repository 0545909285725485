import pytest
import torch
from torch import tensor

from workers.rlhf.advantages import (
    estimate_advantages,
    explained_variance,
    masked_mean,
    shape_rewards,
    whiten,
    without_siblings_mean,
)

ALL = torch.ones(1, 3, dtype=torch.bool)


def test_advantages_by_hand() -> None:
    reward, value = tensor([[0.0, 0.0, 1.0]]), tensor([[0.5, 0.4, 0.6]])
    # δ = (-0.1, 0.2, 0.4); A = δ + 0.95 · next A
    expected = [[-0.1 + 0.95 * (0.2 + 0.95 * 0.4), 0.2 + 0.95 * 0.4, 0.4]]
    got = estimate_advantages(reward, value, ALL, discount=1.0, trace=0.95)
    torch.testing.assert_close(got, tensor(expected))


def test_with_trace_one_returns_are_sums_of_rewards() -> None:
    reward, value = torch.randn(2, 5), torch.randn(2, 5)
    mask = tensor([[True] * 5, [True] * 3 + [False] * 2])
    got = estimate_advantages(reward, value, mask, discount=1.0, trace=1.0) + value
    expected = torch.flip(torch.flip(reward * mask, [1]).cumsum(1), [1])
    torch.testing.assert_close(got[mask], expected[mask])


def test_padding_behind_the_end_changes_nothing() -> None:
    reward, value = torch.randn(1, 3), torch.randn(1, 3)
    alone = estimate_advantages(reward, value, ALL, discount=0.9, trace=0.8)
    padded = estimate_advantages(
        torch.cat([reward, torch.full((1, 2), 7.0)], 1),
        torch.cat([value, torch.full((1, 2), 9.0)], 1),
        tensor([[True] * 3 + [False] * 2]),
        discount=0.9,
        trace=0.8,
    )
    torch.testing.assert_close(padded[:, :3], alone)
    assert padded[:, 3:].tolist() == [[0.0, 0.0]]


def test_a_hole_in_the_mask_hands_on_what_came_after() -> None:
    reward, value = torch.randn(1, 2), torch.randn(1, 2)
    alone = estimate_advantages(reward, value, ALL[:, :2], discount=0.9, trace=0.8)
    spread = lambda x: tensor([[float(x[0, 0]), 5.0, float(x[0, 1])]])  # noqa: E731
    holed = estimate_advantages(spread(reward), spread(value), tensor([[True, False, True]]), discount=0.9, trace=0.8)
    torch.testing.assert_close(holed[:, [0, 2]], alone)


def test_the_score_is_paid_at_the_last_real_token() -> None:
    mask = tensor([[True, True, False], [True, True, True]])
    kl = tensor([[0.1, 0.2, 9.0], [0.0, 0.0, 0.3]])
    got = shape_rewards(tensor([2.0, -1.0]), kl, mask, kl_coefficient=0.5)
    torch.testing.assert_close(got, tensor([[-0.05, 2.0 - 0.1, 0.0], [0.0, 0.0, -1.0 - 0.15]]))


def test_whitening_is_over_real_tokens_only() -> None:
    x, mask = tensor([[1.0, 3.0, 100.0], [5.0, 7.0, 9.0]]), tensor([[True, True, False], [True, True, True]])
    white = whiten(x, mask)
    assert float(white[mask].mean()) == pytest.approx(0, abs=1e-6)
    assert float(white[mask].var(unbiased=False)) == pytest.approx(1, rel=1e-5)
    assert float(white[0, 2]) == 0.0
    # Not even a number that is none comes through.
    x[0, 2] = float("nan")
    torch.testing.assert_close(whiten(x, mask), white)
    assert float(masked_mean(x, mask)) == 5.0


def test_a_prompts_own_offset_cancels() -> None:
    score, owner = tensor([1.0, 2.0, 6.0, 0.0, 4.0]), tensor([0, 0, 0, 1, 1])
    got = without_siblings_mean(score, owner)
    torch.testing.assert_close(got, tensor([1 - 4.0, 2 - 3.5, 6 - 1.5, 0 - 4.0, 4 - 0.0]))
    torch.testing.assert_close(without_siblings_mean(score + tensor([5.0, 5, 5, -5, -5]), owner), got)
    assert without_siblings_mean(tensor([3.0]), tensor([0])).tolist() == [3.0]


def test_explained_variance_of_a_perfect_and_of_a_constant_value() -> None:
    returns, mask = tensor([[1.0, 2.0, 4.0]]), ALL
    assert float(explained_variance(returns, returns, mask)) == 1.0
    assert float(explained_variance(torch.zeros(1, 3), returns, mask)) == pytest.approx(0.0)
