"""Scored judgments as columns: what people said of each pair beside what the model thinks of it.

Shapes: M = pairs. Preferred first; a tie in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workers.rlhf.groups import components
from workers.rlhf.judging import Flags
from workers.rlhf.pairs import Pair, RankedPrompt
from workers.rlhf.resampling import Numbers

Places = NDArray[np.int64]
Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Scored:
    """A prompt with the raw scores of its completions."""

    prompt: RankedPrompt
    raw_N: Tensor


@dataclass(frozen=True, slots=True)
class Said:
    """One pair of one prompt as one person saw it."""

    prompt: RankedPrompt
    pair: Pair

    @property
    def models(self) -> str:
        """The two models, in alphabetical order; empty where one is not named."""
        models = self.prompt.models
        names = [models[place] for place in self.pair.places] if models else []
        return " / ".join(sorted(map(str, names))) if all(names) else ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All pairs of some scored prompts, column by column.

    `longer_M` is 1 where the preferred completion is the longer one, -1 where it is the shorter one, else 0.
    """

    said: Sequence[Said]
    margin_M: Numbers
    tie_M: Flags
    weight_M: Numbers
    judgment_M: Places
    group_M: Places
    longer_M: Numbers

    @classmethod
    def of(cls, scored: Sequence[Scored]) -> Self:
        """Lay scored prompts out; a judgment's pairs share a weight of one."""
        groups = components([entry.prompt for entry in scored])
        said: list[Said] = []
        numbers: list[tuple[int, int]] = []
        measured: list[tuple[float, int]] = []
        last: dict[tuple[int, str], int] = {}
        for number, entry in enumerate(scored):
            raw, length = entry.raw_N.tolist(), [len(text) for text in entry.prompt.texts]
            for pair in entry.prompt.pairs:
                said.append(Said(entry.prompt, pair))
                numbers.append((last.setdefault((number, pair.annotator), len(last)), groups[number]))
                measured.append((raw[pair.first] - raw[pair.second], length[pair.first] - length[pair.second]))
        judgment_M, group_M = np.array(numbers, dtype=np.int64).reshape(-1, 2).T
        margin_M, longer_M = np.array(measured, dtype=np.float64).reshape(-1, 2).T
        return cls(
            said=said,
            margin_M=margin_M,
            tie_M=np.array([one.pair.tie for one in said], dtype=bool),
            weight_M=1 / np.bincount(judgment_M)[judgment_M] if said else np.zeros(0),
            judgment_M=judgment_M,
            group_M=group_M,
            longer_M=np.sign(longer_M),
        )

    def __len__(self) -> int:
        return len(self.said)

    def chosen(self, keep_M: NDArray[Any]) -> Self:
        """Some of the pairs."""
        places = np.flatnonzero(keep_M) if keep_M.dtype == bool else keep_M.astype(np.int64)
        return type(self)(
            said=[self.said[place] for place in places.tolist()],
            margin_M=self.margin_M[places],
            tie_M=self.tie_M[places],
            weight_M=self.weight_M[places],
            judgment_M=self.judgment_M[places],
            group_M=self.group_M[places],
            longer_M=self.longer_M[places],
        )

    def decided(self) -> Self:
        """The pairs that are no ties."""
        return self.chosen(~self.tie_M)

    def judgments(self) -> int:
        """How many judgments the pairs come from."""
        return len(np.unique(self.judgment_M))

    def column(self, name: str) -> Words:
        """A property of each pair as text: split, source, completions, tiers_apart, strength, annotator or models."""
        return np.array([_property(one, name) for one in self.said], dtype=np.str_)


def _property(one: Said, name: str) -> str:
    prompt, pair = one.prompt, one.pair
    match name:
        case "completions":
            return str(len(prompt.texts))
        case "tiers_apart" | "strength":
            value = getattr(pair, name)
            return "" if value is None else str(value)
        case "annotator":
            return pair.annotator
        case "models":
            return one.models
    return str(getattr(prompt, name))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Decided pairs judged by several people: the person's own place in the evidence, and how others would guess it.

    `others_L` is 1 where the majority of the other people prefers what this person preferred, ½ where they are even.
    """

    place_L: Places
    others_L: Numbers


def left_out(evidence: Evidence) -> LeftOut:
    """Each decided judgment of a pair that others judged too, guessed by the others' majority of wins over losses."""
    votes: dict[tuple[int, tuple[int, int]], list[tuple[int, int]]] = {}
    for place, one in enumerate(evidence.said):
        view = 0 if one.pair.tie else 1 if one.pair.first == one.pair.places[0] else -1
        votes.setdefault((id(one.prompt), one.pair.places), []).append((place, view))
    places, others = [], []
    for cast in votes.values():
        net = sum(view for _, view in cast)
        for place, view in cast if len(cast) > 1 else []:
            if view:
                places.append(place)
                others.append((np.sign((net - view) * view) + 1) / 2)
    return LeftOut(np.array(places, dtype=np.int64), np.array(others, dtype=np.float64))
