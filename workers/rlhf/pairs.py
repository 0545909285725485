"""From what annotators said about a prompt's completions to the pairs that the reward model learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, Self

import torch
from torch import Tensor

from workers.rlhf.data import BadDataError


@dataclass(frozen=True, slots=True)
class Pair:
    """Two completions of one prompt, by place; `first` was preferred unless they tied."""

    first: int
    second: int
    tie: bool
    annotator: str


@dataclass(frozen=True, slots=True)
class RankedPrompt:
    """One prompt, its completions, and every pair that people compared."""

    prompt_id: int | str
    split: str
    messages: list[dict[str, str]]
    texts: list[str]
    pairs: list[Pair]
    identical: int


@dataclass(frozen=True, slots=True)
class PairBatch:
    """The pairs of several prompts: places into one list of scores, and weights.

    Every prompt weighs the same however many pairs it has: its pairs share a weight of 1 / prompts.
    """

    first_M: Tensor
    second_M: Tensor
    tie_M: Tensor
    weight_M: Tensor

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        return type(self)(*(getattr(self, entry.name).to(device) for entry in fields(self)))


def ranked_prompt(row: dict[str, Any]) -> RankedPrompt:
    """Check one line of reward data and lay out its pairs.

    Pairs of completions with the same text say nothing and are left out, counted in `identical`.

    Raises:
        BadDataError: a missing field, fewer than two completions, or ranks that don't fit the completions.
    """
    try:
        texts = [str(completion["text"]) for completion in row["completions"]]
        judgments = [(str(entry["annotator"]), list(entry["ranks"])) for entry in row["annotations"]]
        prompt_id, split, messages = row["prompt_id"], row["split"], row["messages"]
    except (KeyError, TypeError) as error:
        raise BadDataError(f"prompt {row.get('prompt_id')}: field {error} is missing or of the wrong kind") from error
    if len(texts) < 2 or any(len(ranks) != len(texts) for _, ranks in judgments):
        raise BadDataError(f"prompt {prompt_id}: needs two completions or more and one rank for each")
    seen = [pair for annotator, ranks in judgments for pair in _pairs(annotator, ranks)]
    kept = [pair for pair in seen if texts[pair.first] != texts[pair.second]]
    return RankedPrompt(prompt_id, split, messages, texts, kept, len(seen) - len(kept))


def _pairs(annotator: str, ranks: Sequence[int]) -> Iterator[Pair]:
    for left, right in combinations(range(len(ranks)), 2):
        first, second = (left, right) if ranks[left] <= ranks[right] else (right, left)
        yield Pair(first, second, ranks[left] == ranks[right], annotator)


def pair_batch(prompts: Sequence[RankedPrompt]) -> PairBatch:
    """Lay the pairs of several prompts side by side; scores are expected prompt after prompt."""
    first, second, tie, weight = [], [], [], []
    start = 0
    for prompt in prompts:
        for pair in prompt.pairs:
            first.append(start + pair.first)
            second.append(start + pair.second)
            tie.append(pair.tie)
            weight.append(1 / len(prompt.pairs))
        start += len(prompt.texts)
    return PairBatch(
        torch.tensor(first, dtype=torch.long),
        torch.tensor(second, dtype=torch.long),
        torch.tensor(tie, dtype=torch.bool),
        torch.tensor(weight, dtype=torch.float32),
    )


def accuracy(score_N: Tensor, pairs: PairBatch) -> tuple[float, int]:
    """Share of decided pairs that the scores order as people did (equal scores count half), and their number."""
    margin_M = (score_N[pairs.first_M] - score_N[pairs.second_M])[~pairs.tie_M]
    right_M = (margin_M > 0).float() + 0.5 * (margin_M == 0).float()
    return (float(right_M.mean()) if len(right_M) else 0.0), len(right_M)
