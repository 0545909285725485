"""Two trainers' gold at equal KL: interpolated on their ways, with intervals over seeds and prompts.

Shapes: S = seeds, C = points of a way (the first is the start), P = prompts, R = resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2000
# With fewer, no lead is called one, whatever its interval.
FEWEST_SEEDS: Final = 5
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ways:
    """One side's ways: nats from the start and gold, by prompt, as its policies learn."""

    kl_SCP: Numbers
    gold_SCP: Numbers

    @classmethod
    def of(cls, points: Sequence[Sequence[dict[str, Any]]], start: Sequence[dict[str, Any]], scale: float) -> Self:
        """From the points of each seed and where it starts; gold in units of `scale` above the start's mean."""
        whole = [[first, *way] for first, way in zip(start, points, strict=True)]
        kl = np.array([[point["kl"] for point in way] for way in whole])
        gold = np.array([[point["gold"] for point in way] for way in whole])
        # The start of each seed is 0, on average over its prompts.
        level_S = gold[:, 0].mean(axis=1)
        return cls(kl, (gold - level_S[:, None, None]) / scale)

    def reached(self) -> list[float]:
        """The farthest distance of each way."""
        return [float(kl_CP.mean(axis=1).max()) for kl_CP in self.kl_SCP]

    def at(self, nats: float, seed: int, share_RP: Numbers | None = None) -> Numbers:
        """Gold [R] of one seed at a distance, under each of R weightings of the prompts, or [1] with all alike.

        Where a weighting does not get there, it is gold at the farthest point.
        """
        kl_CP, gold_CP = self.kl_SCP[seed], self.gold_SCP[seed]
        weight_RP = np.full((1, kl_CP.shape[1]), 1 / kl_CP.shape[1]) if share_RP is None else share_RP
        kl_RC, gold_RC = weight_RP @ kl_CP.T, weight_RP @ gold_CP.T
        order_RC = np.argsort(kl_RC, axis=1, kind="stable")
        kl_RC, gold_RC = (np.take_along_axis(values, order_RC, axis=1) for values in (kl_RC, gold_RC))
        return np.array([np.interp(nats, *both) for both in zip(kl_RC, gold_RC, strict=True)])


def compared(own: Ways, other: Ways, nats: float, *, seed: int = 0) -> dict[str, Any]:
    """Both sides' gold at a distance, their ratio, and the lead with its 95 % interval.

    The interval resamples seeds, and within each the prompts, the same of both sides. If a way of either side does not
    get there, nothing is said.
    """
    far = {"ours": own.reached(), "peer": other.reached()}
    if min(*far["ours"], *far["peer"]) < nats:
        shown = dict.fromkeys(("ours", "peer", "ratio", "lead", "low", "high"))
        return shown | {"verdict": "not shown", "farthest_of_each_seed": far}
    mine, theirs = ([float(side.at(nats, place)[0]) for place in range(len(far["ours"]))] for side in (own, other))
    leads = [one - two for one, two in zip(mine, theirs, strict=True)]
    low, high = interval(own, other, nats, seed=seed)
    return {
        "ours": float(np.mean(mine)),
        "peer": float(np.mean(theirs)),
        # Where one side lost gold, a ratio would say the opposite of what it is read as.
        "ratio": float(np.mean(mine) / np.mean(theirs)) if min(np.mean(mine), np.mean(theirs)) > 0 else None,
        "lead": float(np.mean(leads)),
        "low": low,
        "high": high,
        "verdict": verdict(low, high, len(leads)),
        "lead_of_each_seed": leads,
        "farthest_of_each_seed": far,
    }


def verdict(low: float, high: float, seeds: int) -> str:
    """Who leads, in words."""
    if seeds < FEWEST_SEEDS or low <= 0 <= high:
        return "within noise"
    return "ours learns more" if low > 0 else "the peer learns more"


def interval(own: Ways, other: Ways, nats: float, *, seed: int) -> tuple[float, float]:
    """The middle 95 % of the lead over resampled seeds and prompts."""
    seeds, _, prompts = own.kl_SCP.shape
    draw = np.random.default_rng(seed)
    drawn_RS = draw.integers(seeds, size=(RESAMPLES, seeds))
    lead_RS = np.empty(drawn_RS.shape)
    for place in range(seeds):
        here_RS = drawn_RS == place
        share_RP = draw.multinomial(prompts, [1 / prompts] * prompts, size=int(here_RS.sum())) / prompts
        lead_RS[here_RS] = own.at(nats, place, share_RP) - other.at(nats, place, share_RP)
    low, high = np.percentile(lead_RS.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
