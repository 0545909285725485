"""A gold score of texts, and simulated people who mostly share it.

Gold is VADER's compound sentiment (Hutto & Gilbert 2014), published with its package, less what the length of a text
foretells of it: a policy that merely writes longer gains nothing. One unit is the SD of the samples that it is
fitted on.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.peers import peer

VADER = "vaderSentiment==3.3.2"
TIES, AGREEMENT = 0.20, 0.75
HALVINGS = 50
Raw = Callable[[Sequence[str]], list[float]]


def compound(plan: dict[str, Any]) -> dict[str, Any]:
    """VADER's compound score of each text, from -1 to 1. Runs where its package is installed."""
    from vaderSentiment.vaderSentiment import (  # type: ignore[import-not-found]  # noqa: PLC0415 -- only there
        SentimentIntensityAnalyzer,
    )

    analyzer = SentimentIntensityAnalyzer()
    return {"scores": [analyzer.polarity_scores(text)["compound"] for text in plan["texts"]]}


def vader(folder: Path) -> Raw:
    """VADER as a function of texts; its package has an environment of its own."""
    side = peer("benchmarks.gold_taste:compound", VADER)

    def scores(texts: Sequence[str]) -> list[float]:
        found: list[float] = side.run({"texts": list(texts)}, folder)["scores"]
        return found

    return scores


def log_length(text: str) -> float:
    """The logarithm of a text's characters."""
    return math.log(1 + len(text))


@dataclass(frozen=True, slots=True)
class Gold:
    """The line of raw scores over log-length, and the SD around it."""

    level: float
    slope: float
    deviation: float

    @classmethod
    def fitted(cls, texts: Sequence[str], raw: Sequence[float]) -> Self:
        """Fit the line to samples of the model that everything starts from."""
        length = np.array([log_length(text) for text in texts])
        slope, level = np.polyfit(length, raw, 1) if np.ptp(length) > 0 else (0.0, float(np.mean(raw)))
        rest = np.asarray(raw) - level - slope * length
        return cls(float(level), float(slope), max(float(rest.std()), 1e-6))

    def of(self, texts: Sequence[str], raw: Sequence[float]) -> list[float]:
        """Gold scores of texts from their raw ones."""
        return [
            (score - self.level - self.slope * log_length(text)) / self.deviation
            for text, score in zip(texts, raw, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class People:
    """Who sees gold through noise: of two completions they prefer one where their noisy scores differ enough.

    The noise is Gumbel's, so that of two completions P(first) = σ(sharpness · Δ - tie): Rao and Kupper's people with
    log θ = tie.
    """

    sharpness: float
    tie: float

    @classmethod
    def fitted(cls, gaps: Sequence[float], *, ties: float = TIES, agreement: float = AGREEMENT) -> Self:
        """People who tie so often on pairs with these gold gaps, and of whom two agree so often where both decide."""
        gap = np.asarray(gaps, dtype=np.float64)

        def tie_of(sharpness: float) -> float:
            return _root(lambda tie: tie_rate(gap, sharpness, tie) - ties, 0.0, 50.0)

        sharpness = _root(lambda sharp: agreed(gap, sharp, tie_of(sharp)) - agreement, 1e-3, 100.0)
        return cls(sharpness, tie_of(sharpness))

    def ranks(self, scores: Sequence[float], draw: random.Random) -> list[int]:
        """One person's ranks of completions with these gold scores: 1 the best, equal ranks a tie."""
        noisy = [self.sharpness * score - math.log(-math.log(draw.random() or 1e-300)) for score in scores]
        ranks, rank, top = [0] * len(scores), 0, math.inf
        for place in sorted(range(len(scores)), key=lambda place: -noisy[place]):
            if top - noisy[place] > self.tie:
                rank, top = rank + 1, noisy[place]
            ranks[place] = rank
        return ranks

    def plain(self) -> dict[str, float]:
        """For a file."""
        return asdict(self)


def chances(gap: Any, sharpness: float, tie: float) -> tuple[Any, Any]:
    """Probabilities that the first is preferred, and the second."""
    return 1 / (1 + np.exp(tie - sharpness * gap)), 1 / (1 + np.exp(tie + sharpness * gap))


def tie_rate(gap: Any, sharpness: float, tie: float) -> float:
    """How often a person sees no difference."""
    first, second = chances(gap, sharpness, tie)
    return float(np.mean(1 - first - second))


def agreed(gap: Any, sharpness: float, tie: float) -> float:
    """How often two people agree on a pair that both decide."""
    first, second = chances(gap, sharpness, tie)
    return float((first**2 + second**2).sum() / ((first + second) ** 2).sum())


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
