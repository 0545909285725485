"""Blind votes between two policies: what can be said after every vote, however often somebody looks.

A plain 95 % interval is right once. Looked at after each vote, and acted upon when it first excludes one half, it
prefers one of two equal policies far more often than in 5 of 100 cases. Here the evidence is the wealth of a gambler
who bets on decided votes at fair odds: if both are equal it is unlikely ever to grow twentyfold, whenever it is looked
at (Ville 1939), so the interval holds at all times at once (Robbins 1970; Waudby-Smith & Ramdas 2024). The bets mix
all shares by Beta(10, 10), which believes in small differences; votes count in any order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Final, Literal

import numpy as np

Verdict = Literal["better", "worse", "undecided"]
ERROR: Final = 0.05
# Both parameters of the Beta that the bets mix by: low ones learn large differences sooner, high ones small ones.
BELIEF: Final = 10.0
HALVINGS: Final = 60
MOST_VOTES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What decided votes say by now of the share that prefers the first policy; ties are votes for neither.

    `low` and `high` hold the share with the promised probability over all times of looking. `evidence` is the
    gambler's wealth against "both are equal", `chance` the probability that it ever gets this high if they are.
    """

    wins: int
    losses: int
    share: float | None
    low: float
    high: float
    evidence: float
    chance: float
    verdict: Verdict


def standing(wins: int, losses: int, *, error: float = ERROR) -> Standing:
    """The state of a comparison after so many votes for the first policy and for the second.

    Raises:
        ValueError: a count below 0, or an error that is no probability between 0 and 1.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"votes can't be fewer than none: {wins}, {losses}")
    if not 0 < error < 1:
        raise ValueError(f"error must be between 0 and 1, not {error}")
    low, high = interval(wins, losses, error)
    wealth = log_wealth(wins, losses, 0.5)
    return Standing(
        wins=wins,
        losses=losses,
        share=wins / (wins + losses) if wins + losses else None,
        low=low,
        high=high,
        evidence=exp(min(wealth, 700.0)),
        chance=min(1.0, exp(-wealth)),
        verdict="better" if low > 0.5 else "worse" if high < 0.5 else "undecided",
    )


def log_wealth(wins: float, losses: float, share: float) -> float:
    """Log of the wealth of a gambler who began with 1 and bet against `share` (0 < share < 1).

    ∫ p^w (1 - p)^l Beta(p) dp / (m^w (1 - m)^l): a martingale that starts at 1 if the true share is m.
    """
    mixed = _log_beta(BELIEF + wins, BELIEF + losses) - _log_beta(BELIEF, BELIEF)
    return mixed - wins * log(share) - losses * log(1 - share)


def interval(wins: int, losses: int, error: float) -> tuple[float, float]:
    """Every share against which the gambler is not yet rich. Log wealth is convex in the share, so it is one piece."""
    votes = wins + losses
    if votes == 0:
        return 0.0, 1.0
    best, rich = wins / votes, -log(error)

    def edge(outside: float) -> float:
        inside = best
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            if log_wealth(wins, losses, middle) < rich:
                inside = middle
            else:
                outside = middle
        return inside

    return (edge(0.0) if wins else 0.0), (edge(1.0) if losses else 1.0)


def votes_needed(share: float, *, chance: float = 0.5, error: float = ERROR) -> int | None:
    """Decided votes by which a true `share` is told from one half with probability `chance`; None if that takes ages.

    Worked out exactly: the distribution of wins over all comparisons that are still undecided, vote after vote.
    """
    undecided = np.ones(1)
    told = 0.0
    for votes, margin in enumerate(_margins(MOST_VOTES, error), start=1):
        undecided = np.append(undecided * (1 - share), 0.0) + np.append(0.0, undecided * share)
        decided = np.abs(2 * np.arange(votes + 1) - votes) >= margin
        told += float(undecided[decided].sum())
        undecided[decided] = 0.0
        if told >= chance:
            return votes
    return None


def more_needed(wins: int, losses: int, *, error: float = ERROR) -> int | None:
    """Decided votes still missing to tell the two apart if the rest falls as these did; None if that takes ages.

    0 where they are told apart already. A guess from what is there, not a promise: see `votes_needed`.
    """
    votes = wins + losses
    if votes == 0 or wins == losses:
        return None
    for more in range(MOST_VOTES):
        grown = (votes + more) / votes
        if log_wealth(wins * grown, losses * grown, 0.5) >= -log(error):
            return more
    return None


def _margins(most: int, error: float) -> Iterator[int]:
    """After each vote, by how much one side must lead to be told from the other; it never gets smaller."""
    margin = 1
    for votes in range(1, most + 1):
        margin += (votes - margin) % 2
        while margin <= votes and log_wealth((votes + margin) // 2, (votes - margin) // 2, 0.5) < -log(error):
            margin += 2
        yield margin
        margin -= 1


def _log_beta(first: float, second: float) -> float:
    return lgamma(first) + lgamma(second) - lgamma(first + second)
