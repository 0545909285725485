"""The gate of policies before an independent judge. Pure: shares of wins come in, a finding goes out.

The candidate and the live policy answer the same held-out prompts, one a prompt group. A prompt's share is how many of
its pairs of answers the candidate wins, a draw counting half, so it lies between 0 and 1 and has the mean ½ where both
are equal. The evidence is the wealth of a gambler who bets that the mean is above m: Π (1 + λ (x - m)), mixed over
several λ in [0, 1/m). If the mean is at most m, it is unlikely ever to exceed 1/α (Ville 1939; Waudby-Smith & Ramdas
2024, theorem 3), whatever the distribution and after however many prompts: no normal approximation, which fails for
shares that are nearly all the same. Gate k of a project may err with probability α = 0.05 · 6 / (π² k²).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.loop.gate import error_of, rounded_up

Numbers = NDArray[np.float64]
Verdict = Literal["better", "worse", "undecided", "too_little"]

# With fewer prompts there is no verdict: a judge's taste on a handful says little, however sure the arithmetic.
FEWEST_PROMPTS: Final = 50
# What the gambler stakes of what is there: small stakes see small differences, large ones need few prompts.
STAKES: Final = np.array([0.03, 0.06, 0.12, 0.25, 0.5, 0.75, 0.95])
HALVINGS: Final = 40
MOST_PROMPTS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the gate found. `share`: of pairs that the candidate wins, `low` and `high` its bounds, each at `error`.

    `number` is its place among the project's gates of policies. `needed`: prompts in all by which the candidate would
    be found better if the rest falls as these did; None: nobody can say.
    """

    verdict: Verdict
    number: int
    error: float
    prompts: int
    share: float | None
    low: float
    high: float
    needed: int | None


def judge(of_prompts: Sequence[float], number: int) -> Finding:
    """Find the candidate better or worse than the live policy, or say that the prompts are too few to tell.

    Raises:
        ValueError: a share that is not between 0 and 1.
    """
    shares = np.asarray(of_prompts, dtype=np.float64)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("a share of wins is not between 0 and 1")
    error = error_of(number)
    low, high = lower_bound(shares, error), 1 - lower_bound(1 - shares, error)
    return Finding(
        verdict=verdict_of(len(shares), low, high),
        number=number,
        error=error,
        prompts=len(shares),
        share=float(shares.mean()) if len(shares) else None,
        low=low,
        high=high,
        needed=prompts_needed(shares, error),
    )


def verdict_of(prompts: int, low: float, high: float) -> Verdict:
    """The rule."""
    if prompts < FEWEST_PROMPTS:
        return "too_little"
    return "better" if low > 0.5 else "worse" if high < 0.5 else "undecided"


def log_wealth(shares: Numbers, mean: float, times: float = 1.0) -> float:
    """Log of the wealth of gamblers who bet that the mean is above `mean` (0 < mean < 1), mixed evenly.

    `times` as many prompts of the same kind are bet on. In any order the wealth is the same.
    """
    grown = times * np.log1p(np.outer(STAKES, shares / mean - 1)).sum(axis=1)
    best = float(grown.max())
    return best + log(float(np.exp(grown - best).mean()))


def lower_bound(shares: Numbers, error: float) -> float:
    """The largest mean that the gamblers still bet successfully against; wealth falls as the mean grows."""
    rich = -log(error)
    low, high = 0.0, float(shares.mean()) if len(shares) else 0.0
    if high == 0.0:
        return 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if log_wealth(shares, middle) >= rich else (low, middle)
    return low


def prompts_needed(shares: Numbers, error: float) -> int | None:
    """Prompts in all by which the gamblers are rich if the rest falls as these did. A guess, not a promise."""
    count = len(shares)
    if count == 0 or shares.mean() <= 0.5:
        return None
    low, high = 0.0, MOST_PROMPTS / count
    if log_wealth(shares, 0.5, high) < -log(error):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if log_wealth(shares, 0.5, middle) >= -log(error) else (middle, high)
    return max(FEWEST_PROMPTS, rounded_up(ceil(high * count)))
