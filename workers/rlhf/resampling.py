"""Intervals that resample whole prompt groups: judgments of one group are not independent of each other.

Shapes: M = rows (pairs or judgments), G = groups, S = resamples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
RESAMPLES: Final = 500
# What is no sum takes longer to work out for each resample.
FEW_RESAMPLES: Final = 100
FEWEST_GROUPS: Final = 5
LOW, HIGH = 2.5, 97.5
WITHIN_NOISE: Final = "within noise"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval; None where there is nothing to say, bounds None where groups are too few."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def plain(self) -> dict[str, float | None]:
        """The estimate for a report."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def verdict(self, *, above: str = "above", below: str = "below") -> str:
        """Which side of 0 the whole interval is on, else "within noise"."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return WITHIN_NOISE
        return above if self.low > 0 else below


class Resampler:
    """The same resamples of groups for every figure of a report, so that differences are paired."""

    def __init__(self, group_M: NDArray[Any], *, seed: int = 0) -> None:
        self._names, self._group_M = np.unique(group_M, return_inverse=True)
        count = len(self._names)
        draw = np.random.default_rng(seed)
        self._count_SG = draw.multinomial(count, np.full(count, 1 / count), RESAMPLES) if count else np.zeros((0, 0))

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self._names)

    def ratio(self, top_M: Numbers, bottom_M: Numbers) -> Estimate:
        """Sum of one column over the sum of another, such as an accuracy or a weighted mean."""
        top_G, bottom_G = self._sums(top_M), self._sums(bottom_M)
        if bottom_G.sum() == 0:
            return Estimate(None)
        return self._interval(top_G.sum() / bottom_G.sum(), _divided(self._count_SG @ top_G, self._count_SG @ bottom_G))

    def mean(self, value_M: Numbers, weight_M: Numbers | None = None) -> Estimate:
        """A weighted mean."""
        weight_M = np.ones(len(value_M)) if weight_M is None else weight_M
        return self.ratio(value_M * weight_M, weight_M)

    def shrunken(self, value_M: Numbers, part_M: NDArray[np.bool_], trust: float) -> Estimate:
        """The mean of a part, drawn towards the mean of all: `trust` of 1 is the part's own, 0 is everybody's."""
        whole, drawn_S = 0.0, np.zeros(len(self._count_SG))
        for weight_M, share in ((part_M.astype(np.float64), trust), (np.ones(len(value_M)), 1 - trust)):
            top_G, bottom_G = self._sums(value_M * weight_M), self._sums(weight_M)
            whole += share * float(top_G.sum() / bottom_G.sum())
            drawn_S = drawn_S + share * _divided(self._count_SG @ top_G, self._count_SG @ bottom_G)
        return self._interval(whole, drawn_S)

    def share(self, top_M: Numbers, less_M: Numbers, bottom_M: Numbers) -> Estimate:
        """(top - less) / (bottom - less), each column summed."""
        return self.ratio(top_M - less_M, bottom_M - less_M)

    def statistic(self, of: Callable[[Numbers], float | None]) -> Estimate:
        """A figure worked out from weights of the rows; it is called once for each of a few resamples."""
        whole = of(np.ones(len(self._group_M)))
        if whole is None:
            return Estimate(None)
        drawn = (of(count_G[self._group_M].astype(float)) for count_G in self._count_SG[:FEW_RESAMPLES])
        return self._interval(whole, np.array([value for value in drawn if value is not None]))

    def _sums(self, value_M: Numbers) -> Numbers:
        return np.asarray(np.bincount(self._group_M, weights=value_M, minlength=self.groups), dtype=np.float64)

    def _interval(self, whole: float, drawn_S: Numbers) -> Estimate:
        drawn_S = drawn_S[np.isfinite(drawn_S)]
        if self.groups < FEWEST_GROUPS or not len(drawn_S):
            return Estimate(float(whole))
        low, high = np.percentile(drawn_S, [LOW, HIGH])
        return Estimate(float(whole), float(low), float(high))


def _divided(top_S: Numbers, bottom_S: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(top_S / bottom_S)
