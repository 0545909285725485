"""The gate of policies before a judge: its rule on figures worked by hand, and its errors on simulated answers."""

from math import log
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from app.loop.gate import error_of
from app.loop.judge_gate import FEWEST_PROMPTS, judge, log_wealth

TRIALS = 400
ANSWERS = 4
"""Of each policy to each prompt; all pairs of them are compared."""
SPREAD = 0.6
"""SD over prompts of how much better the candidate is, beside 1 between answers of one policy to one prompt."""


def answers(draw: np.random.Generator, prompts: int, win_rate: float) -> Any:
    """Shares of wins of a policy whose answers are better with this probability, before a judge with one score."""
    ahead = NormalDist().inv_cdf(win_rate) * np.sqrt(2 + SPREAD**2)
    shift = draw.normal(ahead, SPREAD, prompts)
    own = draw.normal(size=(prompts, ANSWERS)) + shift[:, None]
    other = draw.normal(size=(prompts, ANSWERS))
    return (np.sign(own[:, :, None] - other[:, None, :]).reshape(prompts, -1).mean(axis=1) + 1) / 2


def is_promoted(shares: Any, number: int) -> bool:
    """What `judge` says at less cost; that it is the same is tested below."""
    return len(shares) >= FEWEST_PROMPTS and log_wealth(shares, 0.5) > -log(error_of(number))


@pytest.mark.parametrize("win_rate", [0.4, 0.5, 0.58, 0.65])
def test_the_short_way_to_the_verdict_is_the_verdict(win_rate: float) -> None:
    draw = np.random.default_rng(8)
    for _ in range(10):
        shares = answers(draw, 96, win_rate)
        assert (judge(list(shares), 2).verdict == "better") is is_promoted(shares, 2)


def test_the_simulated_policies_win_as_often_as_is_said() -> None:
    assert answers(np.random.default_rng(1), 40_000, 0.6).mean() == pytest.approx(0.6, abs=0.005)


def test_an_equal_policy_is_hardly_ever_promoted_however_often_one_looks() -> None:
    """A look after every prompt from the fiftieth on; a plain 95 % interval looked at as often shows the damage."""
    draw, promoted, by_plain_interval = np.random.default_rng(2), 0, 0
    for _ in range(TRIALS):
        shares = answers(draw, 200, 0.5)
        looks = range(FEWEST_PROMPTS, 201, 10)
        promoted += any(is_promoted(shares[:seen], 1) for seen in looks)
        by_plain_interval += any(
            shares[:seen].mean() - 1.96 * shares[:seen].std(ddof=1) / np.sqrt(seen) > 0.5 for seen in looks
        )
    assert promoted / TRIALS <= 0.03
    assert by_plain_interval / TRIALS > 0.06


def test_a_project_whose_policies_are_all_equal_hardly_ever_promotes_one() -> None:
    """Eight cycles, eight candidates that are no better than live."""
    draw, promoted = np.random.default_rng(3), 0
    for _ in range(TRIALS):
        promoted += any(is_promoted(answers(draw, 100, 0.5), number) for number in range(1, 9))
    assert promoted / TRIALS <= 0.05


def test_a_policy_that_wins_three_in_five_is_promoted_on_256_prompts() -> None:
    draw = np.random.default_rng(4)
    for number, least in ((1, 0.95), (4, 0.8)):
        passed = sum(is_promoted(answers(draw, 256, 0.6), number) for _ in range(TRIALS))
        assert passed / TRIALS >= least


def test_shares_that_are_nearly_all_the_same_do_not_fool_it() -> None:
    """A little better on 19 of 20 prompts and lost on the twentieth: equal on the whole.

    The standard error is then often that of no loss at all, and an interval made of it promotes most of such policies.
    """
    draw, promoted, by_standard_error = np.random.default_rng(5), 0, 0
    for _ in range(TRIALS):
        shares = np.where(draw.random(50) < 0.05, 0.0, 0.5 / 0.95)
        promoted += is_promoted(shares, 1)
        by_standard_error += bool(shares.mean() - 1.88 * shares.std(ddof=1) / np.sqrt(50) > 0.5)
    assert promoted / TRIALS <= error_of(1)
    assert by_standard_error / TRIALS > 2 * error_of(1)


def test_its_bounds_hold_the_true_share() -> None:
    draw, missed = np.random.default_rng(6), 0
    for _ in range(60):
        found = judge(list(answers(draw, 64, 0.62)), 1)
        assert 0 <= found.low <= (found.share or 0) <= found.high <= 1
        missed += not found.low <= 0.62 <= found.high
    assert missed / 60 <= 2 * error_of(1)


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ([1.0] * 50, "better"),
        ([0.0] * 50, "worse"),
        ([0.5] * 500, "undecided"),
        ([1.0, 0.0] * 100, "undecided"),
        ([1.0] * 49, "too_little"),
        ([], "too_little"),
    ],
)
def test_the_rule(shares: list[float], verdict: str) -> None:
    found = judge(shares, 1)
    assert (found.verdict, found.prompts, found.error) == (verdict, len(shares), error_of(1))


def test_worse_is_better_seen_from_the_other_side() -> None:
    shares = answers(np.random.default_rng(7), 128, 0.7)
    better, worse = judge(list(shares), 3), judge(list(1 - shares), 3)
    assert (better.verdict, worse.verdict) == ("better", "worse")
    assert better.low == pytest.approx(1 - worse.high)
    assert (worse.needed, better.needed is not None) == (None, True)


def test_one_gamblers_wealth_worked_out_by_hand() -> None:
    """One prompt won against the mean ½: each stake s has grown to 1 + s."""
    stakes = (0.03, 0.06, 0.12, 0.25, 0.5, 0.75, 0.95)
    assert log_wealth(np.ones(1), 0.5) == pytest.approx(log(sum(1 + stake for stake in stakes) / len(stakes)))


def test_what_is_needed_is_enough_if_the_rest_falls_alike() -> None:
    shares = answers(np.random.default_rng(12), 60, 0.57)
    found = judge(list(shares), 1)
    assert found.verdict == "undecided"
    assert found.needed is not None
    assert judge(list(np.resize(shares, found.needed + 60)), 1).verdict == "better"


def test_what_is_no_share_is_refused() -> None:
    for wrong in (1.01, -0.1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            judge([0.5, wrong], 1)
