"""Figures about predictions, by hand and on simulated people."""

from itertools import combinations
from math import log, log1p

import numpy as np
import pytest

from workers.rlhf import judging
from workers.rlhf.judging import Reading, refit
from workers.rlhf.resampling import WITHIN_NOISE, Estimate, Resampler


def simulated(count: int, factor: float, theta: float, seed: int):
    """Differences and what Rao–Kupper people say of them, preferred first."""
    draw = np.random.default_rng(seed)
    delta = draw.normal(0, 1, count)
    win, lose = (1 / (1 + theta * np.exp(-sign * factor * delta)) for sign in (1, -1))
    roll = draw.random(count)
    tie = (roll > win) & (roll <= 1 - lose)
    return np.where(roll <= win, delta, np.where(tie, delta, -delta)), tie


def test_temperature_and_ties_are_found_again() -> None:
    margin, tie = simulated(6000, 2.0, 1.6, 0)
    reading = refit(margin, tie, np.ones(6000))
    assert reading.factor == pytest.approx(2.0, rel=0.1)
    assert reading.theta == pytest.approx(1.6, rel=0.05)
    halved = refit(margin / 2, tie, np.ones(6000))
    assert halved.factor == pytest.approx(2 * reading.factor, rel=1e-3)
    assert halved.losses(margin / 2, tie).mean() == pytest.approx(reading.losses(margin, tie).mean(), rel=1e-4)


@pytest.mark.parametrize("tied", [0, 1])
def test_nobody_or_everybody_tying_stays_finite(tied: int) -> None:
    reading = refit(np.array([1.0, 2.0, -1.0]), np.full(3, bool(tied)), np.ones(3))
    assert np.isfinite(reading.losses(np.array([1.0, -1.0]), np.array([True, False]))).all()


def test_without_ties_it_is_bradley_terry() -> None:
    reading = Reading(2.0, -40.0)
    assert reading.theta == pytest.approx(1)
    assert reading.losses(np.array([0.5]), np.array([False]))[0] == pytest.approx(log1p(np.exp(-1)))
    assert reading.log_odds(np.array([0.5, 0.0])) == pytest.approx([1.0, 0.0])


def test_a_useless_score_is_read_as_undecided() -> None:
    draw = np.random.default_rng(0)
    reading = refit(draw.normal(size=4000), np.zeros(4000, dtype=bool), np.ones(4000))
    assert reading.losses(draw.normal(size=4000), np.zeros(4000, dtype=bool)).mean() == pytest.approx(log(2), abs=0.01)


def test_equal_scores_are_half_right() -> None:
    assert judging.right(np.array([1.0, -1.0, 0.0])).tolist() == [1, 0, 0.5]


def test_tie_auc_against_all_pairs() -> None:
    draw = np.random.default_rng(1)
    margin, tie = draw.integers(-3, 4, 40).astype(float), draw.random(40) < 0.3
    near = [(abs(t) < abs(d)) + 0.5 * (abs(t) == abs(d)) for t in margin[tie] for d in margin[~tie]]
    assert judging.tie_auc(margin, tie) == pytest.approx(np.mean(near))
    assert judging.tie_auc(margin, np.zeros(40, dtype=bool)) is None


def test_tau_b_by_hand() -> None:
    scores, ranks = [3.0, 1.0, 1.0, 0.0], [1, 2, 3, 3]
    pairs = [(a, b) if ranks[a] <= ranks[b] else (b, a) for a, b in combinations(range(4), 2)]
    margin = np.array([scores[a] - scores[b] for a, b in pairs])
    tie = np.array([ranks[a] == ranks[b] for a, b in pairs])
    # Four agree, none disagrees; one pair is tied in the ranks, another in the scores: 4 / √(5 · 5).
    value, known = judging.tau_b(margin, tie, np.zeros(6, dtype=np.int64))
    assert known.tolist() == [0]
    assert value[0] == pytest.approx(4 / 5)


def test_a_perfect_model_is_calibrated_and_shows_the_null_error() -> None:
    margin, tie = simulated(4000, 1.5, 1.0 + 1e-9, 2)
    delta, won = judging.oriented(margin[~tie], seed=0)
    chance = 1 / (1 + np.exp(-1.5 * delta))
    slope, intercept = judging.calibration_line(1.5 * delta, won)
    assert slope == pytest.approx(1, abs=0.12)
    assert intercept == pytest.approx(0, abs=0.1)
    null = judging.null_calibration_errors(chance, seed=0)
    assert judging.calibration_error(chance, won) < np.percentile(null, 99)
    assert judging.brier(chance, won).mean() < 0.25


def test_overconfidence_has_a_slope_below_one() -> None:
    margin, tie = simulated(4000, 1.0, 1.0 + 1e-9, 3)
    delta, won = judging.oriented(margin[~tie], seed=0)
    slope, _ = judging.calibration_line(2 * delta, won)
    assert slope == pytest.approx(0.5, abs=0.07)


def test_the_null_error_of_few_pairs_is_large() -> None:
    chance = np.random.default_rng(0).uniform(0.05, 0.95, 120)
    assert judging.null_calibration_errors(chance, seed=1).mean() == pytest.approx(0.092, abs=0.02)


def test_the_curve_counts_every_pair_once() -> None:
    chance, won = np.array([0.0, 0.05, 0.55, 1.0]), np.array([0.0, 1.0, 1.0, 1.0])
    curve = judging.calibration_curve(chance, won)
    assert [(row["from"], row["pairs"]) for row in curve] == [(0.0, 2), (0.5, 1), (0.9, 1)]
    assert curve[0]["observed"] == 0.5
    assert all(0 <= row["low"] <= row["observed"] <= row["high"] <= 1 for row in curve)


def test_intervals_come_from_groups_not_from_rows() -> None:
    draw = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 25)
    value = np.repeat(draw.normal(size=40), 25)
    by_group, by_row = Resampler(group).mean(value), Resampler(np.arange(1000)).mean(value)
    assert by_group.value == pytest.approx(value.mean())
    assert by_group.high - by_group.low > 3 * (by_row.high - by_row.low)
    assert by_group.low < value.mean() < by_group.high


def test_intervals_cover() -> None:
    covered = 0
    for seed in range(60):
        value = np.random.default_rng(seed).normal(0.3, 1, 80)
        got = Resampler(np.arange(80)).mean(value)
        covered += got.low <= 0.3 <= got.high
    assert covered >= 52


def test_a_shrunken_mean_lies_between_its_own_and_everybodys() -> None:
    draw = np.random.default_rng(0)
    value, mine = draw.random(300), np.arange(300) < 60
    sample = Resampler(np.arange(300) // 3)
    own, shrunken, everybody = (sample.shrunken(value, mine, trust) for trust in (1.0, 0.5, 0.0))
    assert own.value == pytest.approx(value[mine].mean())
    assert everybody.value == pytest.approx(value.mean())
    assert shrunken.value == pytest.approx((own.value + everybody.value) / 2)
    assert everybody.high - everybody.low < shrunken.high - shrunken.low < own.high - own.low


def test_few_groups_have_no_interval_and_every_verdict_needs_one() -> None:
    lone = Resampler(np.zeros(10)).mean(np.ones(10))
    assert (lone.value, lone.low) == (1.0, None)
    assert lone.verdict() == WITHIN_NOISE
    assert Estimate(0.1, -0.1, 0.3).verdict() == WITHIN_NOISE
    assert Estimate(0.2, 0.1, 0.3).verdict() == "above"
    assert Estimate(-0.2, -0.3, -0.1).verdict(below="lower") == "lower"
    assert Resampler(np.zeros(0)).mean(np.zeros(0)).value is None


def test_statistics_are_resampled_by_weights() -> None:
    margin, tie = simulated(400, 2.0, 1.6, 5)
    got = Resampler(np.arange(400) // 4).statistic(lambda weight: judging.tie_auc(margin, tie, weight))
    assert got.value == pytest.approx(judging.tie_auc(margin, tie))
    assert got.low < got.value < got.high
