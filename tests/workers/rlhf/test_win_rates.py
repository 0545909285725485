import numpy as np
import pytest

from workers.rlhf.win_rates import Comparisons, balanced


def drawn(seed: int, shorter: float, prompts: int = 256):
    """Lengths of two models' completions, the first's shorter by a factor, with a length of its own a prompt."""
    draw = np.random.default_rng(seed)
    level = draw.lognormal(4, 0.3, (prompts, 1))
    own, other = (level * draw.lognormal(0, 0.5, (prompts, 4)) * factor for factor in (shorter, 1.0))
    return own.round(), other.round()


def test_equal_models_win_half_and_a_better_one_more() -> None:
    draw = np.random.default_rng(0)
    length = np.ones((200, 3))
    even = Comparisons.of(draw.normal(0, 1, (200, 3)), draw.normal(0, 1, (200, 3)), length, length).win_rate()
    assert even.low < 0.5 < even.high
    better = Comparisons.of(draw.normal(1, 1, (200, 3)), draw.normal(0, 1, (200, 3)), length, length).win_rate()
    # P(N(1, 1) > N(0, 1)) is Φ(1 / √2).
    assert better.value == pytest.approx(0.760, abs=0.04)
    assert better.low > 0.5


def test_a_draw_is_half_a_win_and_prompts_count_alike() -> None:
    said = Comparisons.of([[1.0, 1.0, 1.0], [0.0]], [[1.0], [1.0]], [[1, 1, 1], [1]], [[1], [1]])
    assert said.win_rate().value == pytest.approx(0.25)
    assert said.shares() == [0.5, 0.0]


@pytest.mark.parametrize("shorter", [1.0, 0.7, 0.4])
def test_a_judge_of_length_alone_sees_no_difference_at_matched_lengths(shorter: float) -> None:
    own, other = drawn(1, shorter)
    said = Comparisons.of(-own, -other, own, other)
    matched = said.length_matched()
    assert matched.value == pytest.approx(0.5, abs=1e-9)
    if shorter < 1:
        assert said.win_rate().value > 0.65


def test_without_the_balance_it_would() -> None:
    own, other = drawn(1, 0.4)
    said = Comparisons.of(-own, -other, own, other)
    near = np.abs(said.longer_M) <= 0.1
    assert said.won_M[near].mean() > 0.51


def test_a_judge_that_looks_past_length_is_heard_at_matched_lengths() -> None:
    draw = np.random.default_rng(2)
    own, other = drawn(2, 0.6)
    quality = draw.normal(0, 1, own.shape) + 1, draw.normal(0, 1, other.shape)
    matched = Comparisons.of(*quality, own, other).length_matched()
    assert matched.value == pytest.approx(0.760, abs=0.05)
    assert matched.low > 0.5


def test_a_side_without_its_opposite_says_nothing() -> None:
    won, side = np.array([1.0, 1.0, 0.5]), np.array([-1.0, -1.0, 0.0])
    assert balanced(won, side, np.ones(3)) == 0.5
    assert balanced(won[:2], side[:2], np.ones(2)) is None
    assert Comparisons.of([], [], [], []).win_rate().value is None
    assert Comparisons.of([[1.0]], [[0.0]], [[10]], [[99]]).length_matched().value is None
