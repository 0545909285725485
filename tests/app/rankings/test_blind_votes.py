"""Blind votes, simulated: how often equal policies are told apart by somebody who looks after every vote."""

from math import exp, log

import numpy as np
import pytest

from app.rankings import blind_votes
from app.rankings.blind_votes import ERROR, interval, log_wealth, standing, votes_needed

PEOPLE, VOTES = 4000, 1000


def wealth_after_each(share: float, seed: int) -> np.ndarray:
    """Log wealth against one half of every simulated comparison [PEOPLE, VOTES], after each vote."""
    wins = (np.random.default_rng(seed).random((PEOPLE, VOTES)) < share).cumsum(axis=1)
    table = np.full((VOTES + 1, VOTES + 1), np.nan)
    for votes in range(1, VOTES + 1):
        seen = np.unique(wins[:, votes - 1])
        table[votes, seen] = [log_wealth(int(won), votes - int(won), 0.5) for won in seen]
    return table[np.arange(1, VOTES + 1), wins]


def test_looking_after_every_vote_keeps_the_error() -> None:
    told_apart = float((wealth_after_each(0.5, seed=1).max(axis=1) >= -log(ERROR)).mean())
    # 4,000 comparisons: two standard errors of 5 % are 0.7 points.
    assert told_apart <= ERROR + 0.007
    wins = (np.random.default_rng(1).random((PEOPLE, VOTES)) < 0.5).cumsum(axis=1)
    votes = np.arange(1, VOTES + 1)
    plain = (np.abs(wins / votes - 0.5) > 1.96 * 0.5 / np.sqrt(votes)) & (votes >= 10)
    assert float(plain.any(axis=1).mean()) > 0.3, "the plain interval, looked at as often, is what this replaces"


@pytest.mark.parametrize(("share", "about"), [(0.6, 181), (0.55, 749)])
def test_half_of_the_comparisons_are_told_apart_by_as_many_votes(share: float, about: int) -> None:
    needed = votes_needed(share)
    assert needed == pytest.approx(about, rel=0.05)
    told = (wealth_after_each(share, seed=2)[:, :needed].max(axis=1) >= -log(ERROR)).mean()
    assert float(told) == pytest.approx(0.5, abs=0.025)


def test_the_interval_holds_the_truth_at_every_look() -> None:
    draw = np.random.default_rng(3)
    left = 0
    for _ in range(40):
        wins = (draw.random(200) < 0.7).cumsum()
        pieces = [interval(int(won), votes - int(won), ERROR) for votes, won in enumerate(wins, start=1)]
        left += any(not low <= 0.7 <= high for low, high in pieces)
    assert left <= 6, "5 % of 40 are 2; more than 6 has a chance below 1 %"


def test_votes_count_in_any_order_and_both_ways() -> None:
    here, there = standing(70, 30), standing(30, 70)
    assert (here.low, here.high) == pytest.approx((1 - there.high, 1 - there.low))
    assert (here.verdict, there.verdict) == ("better", "worse")
    assert here.evidence == pytest.approx(there.evidence)
    assert here.chance == pytest.approx(1 / here.evidence)
    assert log_wealth(70, 30, here.low) == pytest.approx(-log(ERROR), abs=1e-6)


def test_nothing_is_known_before_the_first_vote() -> None:
    before = standing(0, 0)
    assert (before.share, before.low, before.high, before.evidence) == (None, 0.0, 1.0, 1.0)
    assert before.verdict == "undecided"
    assert standing(5, 0).high == 1.0
    assert standing(0, 5).low == 0.0
    assert votes_needed(0.5) is None
    assert votes_needed(0.9, chance=0.9) < 40
    assert exp(log_wealth(0, 0, 0.3)) == pytest.approx(1.0)


@pytest.mark.parametrize(("wins", "losses", "error"), [(-1, 0, 0.05), (0, -1, 0.05), (1, 1, 0.0), (1, 1, 1.0)])
def test_what_can_not_be_is_refused(wins: int, losses: int, error: float) -> None:
    with pytest.raises(ValueError, match=r"can't be|must be"):
        standing(wins, losses, error=error)


def test_many_votes_overflow_nothing() -> None:
    assert blind_votes.standing(200_000, 1_000).evidence > 1e300
