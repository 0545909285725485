"""The rule by which blind people promote a policy, simulated: its errors under any looking, and what it finds."""

import numpy as np
import pytest

from app.loop.blind_words import Finding, Tally, verdict_words
from app.rankings.blind_votes import ERROR

COMPARISONS, LIMIT, TIES = 2000, 200, 0.2
# Two standard errors of 5 % of 2,000 comparisons.
CHANCE = 0.01


def verdict(wins: int, losses: int, ties: int = 0) -> str:
    return Finding.of(Tally(wins=wins, losses=losses, ties=ties), ERROR).standing.verdict


@pytest.fixture(scope="module")
def leads() -> np.ndarray:
    """By so many decided votes: the lead from which on one side is told from the other, by the rule itself."""
    found, lead = [LIMIT + 2], 1
    for decided in range(1, LIMIT + 1):
        lead += (decided - lead) % 2
        while lead <= decided and verdict((decided + lead) // 2, (decided - lead) // 2) == "undecided":
            lead += 2
        found.append(lead)
        lead -= 1
    return np.array(found)


def outcomes(share: float, leads: np.ndarray, seed: int) -> tuple[float, float]:
    """The shares of comparisons that are promoted and refused by a scheduler that looks after every vote."""
    draw = np.random.default_rng(seed)
    decided = draw.random((COMPARISONS, LIMIT)) >= TIES
    won = (draw.random((COMPARISONS, LIMIT)) < share) & decided
    counts, lead = decided.cumsum(axis=1), (2 * won.cumsum(axis=1) - decided.cumsum(axis=1))
    told = np.abs(lead) >= leads[counts]
    first = np.where(told.any(axis=1), told.argmax(axis=1), -1)
    ahead = lead[np.arange(COMPARISONS), first] > 0
    return float((ahead & (first >= 0)).mean()), float((~ahead & (first >= 0)).mean())


def test_equal_policies_are_hardly_ever_told_apart_however_often_one_looks(leads: np.ndarray) -> None:
    promoted, refused = outcomes(0.5, leads, seed=1)
    assert promoted + refused <= ERROR + CHANCE
    assert promoted > 0, "a rule that never errs never finds anything either"


def test_a_plain_interval_in_its_place_would_promote_equal_policies(leads: np.ndarray) -> None:
    plain = np.maximum(np.ceil(1.96 * np.sqrt(np.arange(LIMIT + 1))), 10)
    promoted, refused = outcomes(0.5, plain, seed=1)
    assert promoted + refused > 4 * ERROR


@pytest.mark.parametrize(("share", "at_least"), [(0.65, 0.6), (0.7, 0.9), (0.8, 0.99)])
def test_a_better_policy_is_found_within_the_limit(share: float, at_least: float, leads: np.ndarray) -> None:
    promoted, refused = outcomes(share, leads, seed=2)
    assert promoted >= at_least
    assert refused <= 0.005
    worse_promoted, worse_refused = outcomes(1 - share, leads, seed=3)
    assert worse_refused >= at_least
    assert worse_promoted <= 0.005


def test_ties_are_votes_for_neither() -> None:
    assert verdict(40, 15) == verdict(40, 15, ties=100) == "better"
    few = Finding.of(Tally(wins=12, losses=8, ties=0), ERROR)
    tied = Finding.of(Tally(wins=12, losses=8, ties=20), ERROR)
    assert (few.standing.low, few.standing.high) == (tied.standing.low, tied.standing.high)
    assert tied.needed == 2 * (few.needed or 0), "half of the votes to come are expected to be ties too"


def test_what_is_missing_is_what_it_takes_if_votes_go_on_like_this() -> None:
    finding = Finding.of(Tally(wins=30, losses=20, ties=0), ERROR)
    assert finding.needed is not None
    grown = (50 + finding.needed) / 50
    assert verdict(round(30 * grown) + 1, round(20 * grown) - 1) == "better"
    assert verdict(round(30 * grown) - 3, round(20 * grown) + 3) == "undecided"
    for even in (Tally(wins=0, losses=0, ties=3), Tally(wins=9, losses=9, ties=0)):
        assert Finding.of(even, ERROR).needed is None


def test_the_verdict_in_words() -> None:
    assert said(Tally(wins=34, losses=12, ties=6)) == (
        "Blind people find Policy 7 better than Policy 5: 34 wins, 12 losses, 6 ties of 52 votes; win rate 0.74 of the "
        "decided votes, 95 % confidence sequence 0.504–0.906."
    )
    assert said(Tally(wins=1, losses=1, ties=1, identical=2)) == (
        "Blind people can't tell Policy 7 from Policy 5 yet: 1 win, 1 loss, 1 tie of 3 votes (and 2 prompts "
        "answered alike); win rate 0.50 of the decided votes, 95 % confidence sequence 0.012–0.988. Not enough "
        "evidence, and as the votes fall nobody can say how many more it takes."
    )
    assert said(Tally(wins=0, losses=0, ties=0)) == (
        "Blind people can't tell Policy 7 from Policy 5 yet: 0 wins, 0 losses, 0 ties of 0 votes. Not enough evidence, "
        "and as the votes fall nobody can say how many more it takes."
    )


def said(tally: Tally) -> str:
    return verdict_words("Policy 7", "Policy 5", Finding.of(tally, ERROR), ERROR)
