"""The reward gate: whether a new reward model may take the live one's place. Pure: figures come in, a finding goes out.

Both models are read on the same held-out judgments. The new one passes when it is surely not worse by much: the
one-sided upper bound of its log loss over the live one's is at most `LOSS_MARGIN` nats a judgment, and the lower bound
of its accuracy over the live one's at least `-ACCURACY_MARGIN`. Both must hold, so the error of passing a model that is
worse by either margin is at most the gate's own (an intersection-union test, Berger 1982). Gate k of a project may err
with probability 0.05 · 6 / (π² k²), which sums to 0.05 over all gates there will ever be.

Every column has one entry a judgment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10, pi, sqrt
from statistics import NormalDist
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Verdict = Literal["pass", "refuse", "too_little"]

LOSS_MARGIN: Final = 0.02
ACCURACY_MARGIN: Final = 0.02
ERROR: Final = 0.05
FEWEST_JUDGMENTS: Final = 500
# A standard error from fewer groups than this is itself a guess.
FEWEST_GROUPS: Final = 20
# An equal candidate meets each of the two conditions this often at the stated number of judgments, both ≥ 80 %.
POWER: Final = 0.9
# Below this nobody can say how much the figures scatter, so nothing but the minimum is stated.
ENOUGH_TO_FORESEE: Final = 50
NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Difference:
    """New minus live, its standard error and the bound that decides; None where groups are too few for one."""

    value: float | None
    error: float | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Both models on the same judgments. `weight` counts overlapping judgments once; the right ones are pairs."""

    group: NDArray[np.int64]
    weight: Numbers
    decided: Numbers
    live_loss: Numbers
    new_loss: Numbers
    live_right: Numbers
    new_right: Numbers

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """From a run's report.

        Raises:
            KeyError: a column is missing.
            ValueError: columns of different lengths, or figures that are no numbers.
        """
        _, group = np.unique(np.asarray(columns["group"]), return_inverse=True)
        names = ("weight", "decided", "live_loss", "new_loss", "live_right", "new_right")
        numbers = {name: np.asarray(columns[name], dtype=np.float64) for name in names}
        if any(len(column) != len(group) or not np.isfinite(column).all() for column in numbers.values()):
            raise ValueError("the gate's columns are of different lengths or hold what is no number")
        return cls(group=group.astype(np.int64), **numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the gate found. `number` is its place among the project's gates, `error` what it may spend.

    `needed` is how many effective judgments would let an equal model pass in 4 of 5 cases; None: not to be foreseen.
    """

    verdict: Verdict
    number: int
    error: float
    judgments: int
    effective: float
    groups: int
    loss: Difference
    accuracy: Difference
    needed: int | None


def error_of(number: int) -> float:
    """What the gate with this number may spend: 0.05 · 6 / (π² k²)."""
    return ERROR * 6 / (pi**2 * number**2)


def judge(columns: Columns, number: int) -> Finding:
    """Let a new reward model through, refuse it, or say that the judgments are too few to tell."""
    error = error_of(number)
    effective, groups = float(columns.weight.sum()), len(np.unique(columns.group))
    loss = difference(columns.group, columns.weight * (columns.new_loss - columns.live_loss), columns.weight, -error)
    right = columns.weight * (columns.new_right - columns.live_right)
    accuracy = difference(columns.group, right, columns.weight * columns.decided, error)
    return Finding(
        verdict=verdict_of(effective, loss, accuracy),
        number=number,
        error=error,
        judgments=len(columns.weight),
        effective=effective,
        groups=groups,
        loss=loss,
        accuracy=accuracy,
        needed=judgments_needed(effective, loss, accuracy, error),
    )


def verdict_of(effective: float, loss: Difference, accuracy: Difference) -> Verdict:
    """The rule. Under 500 effective judgments there is no verdict, whatever the figures look like."""
    if effective < FEWEST_JUDGMENTS or loss.bound is None or accuracy.bound is None:
        return "too_little"
    return "pass" if loss.bound <= LOSS_MARGIN and accuracy.bound >= -ACCURACY_MARGIN else "refuse"


def is_worse_so_far(loss: Difference) -> bool:
    """Whether even the lower bound of the loss is over the margin: no verdict yet, but nothing to take on trust."""
    return loss.value is not None and loss.bound is not None and 2 * loss.value - loss.bound > LOSS_MARGIN


def difference(group: NDArray[np.int64], tops: Numbers, bottoms: Numbers, error: float) -> Difference:
    """Σ top / Σ bottom with its lower bound at `error`, or its upper bound at a negative one.

    The standard error resamples whole prompt groups, each left out once (the jackknife, Miller 1974); percentiles of
    random resamples would need tens of thousands of them to see the small errors of later gates.
    """
    top, bottom = (np.bincount(group, weights=column) for column in (tops, bottoms))
    speaks = bottom > 0
    top, bottom = top[speaks], bottom[speaks]
    count = len(top)
    if count == 0:
        return Difference(None)
    value = float(top.sum() / bottom.sum())
    if count < FEWEST_GROUPS:
        return Difference(value)
    without = (top.sum() - top) / (bottom.sum() - bottom)
    spread = sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    reach = student(1 - abs(error), count - 1) * spread
    return Difference(value, spread, value - reach if error > 0 else value + reach)


def student(probability: float, freedom: int) -> float:
    """A quantile of Student's t, by its expansion around the normal (Abramowitz & Stegun 26.7.5)."""
    z = NORMAL.inv_cdf(probability)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def judgments_needed(effective: float, loss: Difference, accuracy: Difference, error: float) -> int | None:
    """Effective judgments with which an equal model passes in 4 of 5 cases if they scatter like these; rounded up."""
    if effective < ENOUGH_TO_FORESEE or loss.error is None or accuracy.error is None:
        return None
    reach = NORMAL.inv_cdf(1 - error) + NORMAL.inv_cdf(POWER)
    wanted = max(loss.error / LOSS_MARGIN, accuracy.error / ACCURACY_MARGIN) * reach
    return max(FEWEST_JUDGMENTS, rounded_up(effective * wanted**2))


def rounded_up(count: float) -> int:
    """To two significant figures, never down."""
    if count < 10:
        return ceil(count)
    unit = 10 ** (floor(log10(count)) - 1)
    return int(ceil(count / unit) * unit)
