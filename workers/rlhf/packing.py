"""Texts of different lengths as batches without waste: end to end in one long row, or side by side with their like.

Shapes: N = texts, T = tokens, M = learnt tokens. A learnt token is one that the loss is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from workers.rlhf.data import pad_right


@dataclass(frozen=True, slots=True)
class Row:
    """One text: its tokens, which of them are learnt, and where it came from (for messages)."""

    ids: Sequence[int]
    learnt: Sequence[bool]
    source: str = ""

    @property
    def width(self) -> int:
        """How many tokens are read: nothing is predicted from the last."""
        return len(self.ids) - 1

    @property
    def targets(self) -> int:
        """How many tokens the loss is over; the first has nothing to be predicted from."""
        return sum(self.learnt[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """Texts, less their last tokens, as [N, T]. Packed: N = 1, `lengths` are the texts' own. Padded: a mask is there.

    State `before_M[i]` of all N·T states predicts `target_M[i]`.
    """

    ids_NT: Tensor
    position_NT: Tensor
    mask_NT: Tensor | None
    lengths: tuple[int, ...]
    before_M: Tensor
    target_M: Tensor

    def to(self, device: torch.device) -> "TokenBatch":
        """The same on another device."""
        return TokenBatch(
            ids_NT=self.ids_NT.to(device),
            position_NT=self.position_NT.to(device),
            mask_NT=None if self.mask_NT is None else self.mask_NT.to(device),
            lengths=self.lengths,
            before_M=self.before_M.to(device),
            target_M=self.target_M.to(device),
        )


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Places of texts in groups of at most `room` tokens, fullest possible: longest first, each where it fits best.

    A text longer than `room` gets a group of its own. Best-fit decreasing (Johnson 1973).
    """
    groups: list[list[int]] = []
    left: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        fitting = [index for index, space in enumerate(left) if space >= lengths[place]]
        if not fitting:
            groups.append([])
            left.append(room)
            fitting = [len(groups) - 1]
        best = min(fitting, key=lambda index: left[index])
        groups[best].append(place)
        left[best] -= lengths[place]
    return groups


def bucket(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Places of texts in groups of like length whose padded size is at most `room` tokens."""
    groups: list[list[int]] = []
    widest = 0
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        if not groups or widest * (len(groups[-1]) + 1) > room:
            groups.append([])
            widest = lengths[place]
        groups[-1].append(place)
    return groups


def end_to_end(rows: Sequence[Row]) -> TokenBatch:
    """Texts one after the other in a single row; positions start anew with each."""
    lengths = tuple(row.width for row in rows)
    starts = [0, *accumulate(lengths)]
    before = [start + place for row, start in zip(rows, starts, strict=False) for place in _before(row)]
    return TokenBatch(
        ids_NT=torch.tensor([[token for row in rows for token in row.ids[: row.width]]], dtype=torch.long),
        position_NT=torch.cat([torch.arange(length) for length in lengths])[None],
        mask_NT=None,
        lengths=lengths,
        before_M=torch.tensor(before, dtype=torch.long),
        target_M=_targets(rows),
    )


def side_by_side(rows: Sequence[Row], pad_id: int) -> TokenBatch:
    """Texts as rows, padded at their ends."""
    ids_NT, mask_NT = pad_right([row.ids[: row.width] for row in rows], pad_id)
    width = ids_NT.size(1)
    before = [number * width + place for number, row in enumerate(rows) for place in _before(row)]
    return TokenBatch(
        ids_NT=ids_NT,
        position_NT=torch.arange(width).expand(len(rows), width),
        mask_NT=mask_NT,
        lengths=tuple(row.width for row in rows),
        before_M=torch.tensor(before, dtype=torch.long),
        target_M=_targets(rows),
    )


def _before(row: Row) -> list[int]:
    return [place - 1 for place in range(1, len(row.ids)) if row.learnt[place]]


def _targets(rows: Sequence[Row]) -> Tensor:
    learnt = [row.ids[place + 1] for row in rows for place in _before(row)]
    return torch.tensor(learnt, dtype=torch.long)
