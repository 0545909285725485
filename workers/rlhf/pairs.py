"""From what annotators said about a prompt's completions to the pairs and orders that the reward model learns from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any, Final, Self

import torch
from torch import Tensor

from workers.rlhf.data import BadDataError

ABSENT: Final = -1
STRENGTHS: Final = range(1, 5)
NOBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Judgment:
    """What one annotator said: a rank for each completion, 1 the best, equal ranks a tie, None not ranked."""

    annotator: str
    ranks: tuple[int | None, ...]
    strength: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two completions of one prompt, by place; `first` was preferred unless they tied."""

    first: int
    second: int
    tie: bool
    annotator: str
    strength: int | None = None
    weight: float = 1.0
    tiers_apart: int = 0

    @property
    def places(self) -> tuple[int, int]:
        """The two completions whatever was said about them."""
        return min(self.first, self.second), max(self.first, self.second)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPrompt:
    """One prompt, its completions, and everything that people said about them.

    `same` names for each completion the first one with the same text; pairs of equal texts are in no likelihood.
    """

    prompt_id: int | str
    split: str
    messages: list[dict[str, str]]
    texts: list[str]
    judgments: tuple[Judgment, ...]
    pairs: tuple[Pair, ...]
    same: tuple[int, ...]
    identical: int = 0
    group: str = ""
    source: str = ""
    models: tuple[str | None, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class PairBatch:
    """The pairs of several prompts: places into one list of scores, annotators' numbers, and weights.

    A prompt's pairs share its weight: the effective number of judgments on each of its pairs, on average.
    """

    first_M: Tensor
    second_M: Tensor
    tie_M: Tensor
    weight_M: Tensor
    annotator_M: Tensor
    strength_M: Tensor
    prompt_M: Tensor

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        return type(self)(*(getattr(self, entry.name).to(device) for entry in fields(self)))


@dataclass(frozen=True, slots=True)
class OrderBatch:
    """Whole judgments of several prompts, J of them with up to K completions each.

    `place_JK` are places into one list of scores; `tier_JK` counts tiers from 0, ABSENT where nothing was ranked.
    """

    place_JK: Tensor
    tier_JK: Tensor
    weight_J: Tensor
    annotator_J: Tensor
    prompt_J: Tensor

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        return type(self)(*(getattr(self, entry.name).to(device) for entry in fields(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """How judgments count.

    `correlation` is ρ: n judgments of the same pair weigh n / (1 + (n - 1) ρ) together. `own_weights` uses the weight
    that a judgment brings along. `numbers` gives annotators their number; people who are not in it get ABSENT.
    """

    correlation: float = 0.5
    own_weights: bool = False
    numbers: Mapping[str, int] | None = None

    def number(self, annotator: str) -> int:
        """The annotator's number."""
        return ABSENT if self.numbers is None else self.numbers.get(annotator, ABSENT)

    def of(self, prompt: RankedPrompt) -> list[float]:
        """The weight of each of a prompt's pairs: shares of its distinct observed pairs, ties included."""
        counts = Counter(pair.places for pair in prompt.pairs)
        return [
            effective(counts[pair.places], self.correlation)
            / counts[pair.places]
            / len(counts)
            * (pair.weight if self.own_weights else 1.0)
            for pair in prompt.pairs
        ]


EQUAL: Final = Weighing()


def effective(count: int, correlation: float) -> float:
    """What `count` overlapping judgments are worth: n / (1 + (n - 1) ρ), Kish's design effect."""
    return count / (1 + (count - 1) * correlation)


def ranked_prompt(row: dict[str, Any]) -> RankedPrompt:
    """Check one line of reward data and lay out its pairs.

    Pairs of completions with the same text say nothing and are left out, counted in `identical`.

    Raises:
        BadDataError: a missing field, fewer than two completions, or ranks that don't fit the completions.
    """
    name = row.get("prompt_id")
    try:
        texts = [completion["text"] for completion in row["completions"]]
        models = tuple(completion.get("model") for completion in row["completions"])
        judgments = tuple(judgment(entry, len(texts)) for entry in row["annotations"])
        prompt_id, split, messages = row["prompt_id"], row["split"], row["messages"]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadDataError(f"prompt {name}: field {error} is missing or of the wrong kind") from error
    except ValueError as error:
        raise BadDataError(f"prompt {name}: {error}") from error
    if not all(isinstance(text, str) for text in texts):
        raise BadDataError(f"prompt {name}: each completion needs a text")
    if len(texts) < 2:
        raise BadDataError(f"prompt {name}: needs two completions or more")
    whole = RankedPrompt(
        prompt_id=prompt_id,
        split=split,
        messages=messages,
        texts=texts,
        judgments=judgments,
        pairs=tuple(pair for entry in judgments for pair in pairs_of(entry)),
        same=tuple(range(len(texts))),
        group=str(row.get("group") or ""),
        source=str(row.get("source") or ""),
        models=models,
        line=int(row.get("line") or 0),
    )
    merged = merge(whole, tuple(texts.index(text) for text in texts))
    return replace(merged, identical=len(whole.pairs) - len(merged.pairs))


def judgment(entry: Mapping[str, Any], count: int) -> Judgment:
    """Check what one annotator said about `count` completions.

    Raises:
        ValueError: ranks that are no whole numbers or don't fit, a strength out of 1 … 4, a weight that is none.
    """
    ranks = entry["ranks"]
    if not isinstance(ranks, list) or len(ranks) != count:
        raise ValueError("needs one rank for each completion")
    if any(rank is not None and type(rank) is not int for rank in ranks):
        raise ValueError("ranks must be whole numbers, or null where nothing was ranked")
    strength, weight = entry.get("strength"), entry.get("weight", 1.0)
    if strength is not None and (type(strength) is not int or strength not in STRENGTHS):
        raise ValueError(f"strength must be 1, 2, 3 or 4, not {strength!r}")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise ValueError(f"weight must be a number and at least 0, not {weight!r}")
    return Judgment(str(entry["annotator"]), tuple(ranks), strength, float(weight))


def pairs_of(entry: Judgment) -> Iterator[Pair]:
    """All pairs of the completions that an annotator ranked; what has no rank was not observed."""
    tier = {rank: number for number, rank in enumerate(sorted({rank for rank in entry.ranks if rank is not None}))}
    ranked = [(place, tier[rank]) for place, rank in enumerate(entry.ranks) if rank is not None]
    for (left, upper), (right, lower) in combinations(ranked, 2):
        first, second = (left, right) if upper <= lower else (right, left)
        apart = abs(upper - lower)
        yield Pair(first, second, apart == 0, entry.annotator, entry.strength, entry.weight, apart)


def merge(prompt: RankedPrompt, same: tuple[int, ...]) -> RankedPrompt:
    """The prompt without pairs of completions that are the same by `same` (places of their first copies)."""
    kept = tuple(pair for pair in prompt.pairs if same[pair.first] != same[pair.second])
    return replace(prompt, pairs=kept, same=same)


def majority(prompt: RankedPrompt) -> RankedPrompt:
    """What most said about each pair, as one judgment of nobody's; a draw of two opposite views is a tie."""
    votes: dict[tuple[int, int], Counter[int]] = {}
    for pair in prompt.pairs:
        left = pair.places[0]
        votes.setdefault(pair.places, Counter())[0 if pair.tie else 1 if pair.first == left else -1] += 1
    pairs = []
    for (left, right), said in votes.items():
        top = [view for view, count in said.items() if count == max(said.values())]
        view = top[0] if len(top) == 1 else 0
        first, second = (right, left) if view < 0 else (left, right)
        pairs.append(Pair(first, second, view == 0, NOBODY))
    return replace(prompt, pairs=tuple(pairs))


def pair_batch(prompts: Sequence[RankedPrompt], weighing: Weighing = EQUAL) -> PairBatch:
    """Lay the pairs of several prompts side by side; scores are expected prompt after prompt."""
    first, second, weight, owner = [], [], [], []
    pairs: list[Pair] = []
    start = 0
    for number, prompt in enumerate(prompts):
        first += [start + pair.first for pair in prompt.pairs]
        second += [start + pair.second for pair in prompt.pairs]
        pairs += prompt.pairs
        weight += weighing.of(prompt)
        owner += [number] * len(prompt.pairs)
        start += len(prompt.texts)
    return PairBatch(
        torch.tensor(first, dtype=torch.long),
        torch.tensor(second, dtype=torch.long),
        torch.tensor([pair.tie for pair in pairs], dtype=torch.bool),
        torch.tensor(weight, dtype=torch.float32),
        torch.tensor([weighing.number(pair.annotator) for pair in pairs], dtype=torch.long),
        torch.tensor([pair.strength or 0 for pair in pairs], dtype=torch.float32),
        torch.tensor(owner, dtype=torch.long),
    )


def order_batch(prompts: Sequence[RankedPrompt], weighing: Weighing = EQUAL) -> OrderBatch:
    """Lay whole judgments side by side; scores are expected prompt after prompt.

    A judgment weighs what its pairs would on average, so that each mode divides by the number of observed pairs.
    """
    rows: list[tuple[list[tuple[int, int]], float, int, int]] = []
    start = 0
    for number, prompt in enumerate(prompts):
        share = dict(zip(prompt.pairs, weighing.of(prompt), strict=True))
        for entry in prompt.judgments:
            own = [share[pair] for pair in pairs_of(entry) if pair in share]
            if own:
                tiers = [(start + place, tier) for place, tier in tiers_of(entry, prompt.same)]
                rows.append((tiers, sum(own) / len(own), weighing.number(entry.annotator), number))
        start += len(prompt.texts)
    place_JK, tier_JK = _padded([tiers for tiers, *_ in rows])
    return OrderBatch(
        place_JK,
        tier_JK,
        torch.tensor([weight for _, weight, _, _ in rows], dtype=torch.float32),
        torch.tensor([annotator for _, _, annotator, _ in rows], dtype=torch.long),
        torch.tensor([owner for *_, owner in rows], dtype=torch.long),
    )


def _padded(rows: Sequence[Sequence[tuple[int, int]]]) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows), default=2)
    place_JK = torch.zeros((len(rows), width), dtype=torch.long)
    tier_JK = torch.full((len(rows), width), ABSENT, dtype=torch.long)
    for number, tiers in enumerate(rows):
        place_JK[number, : len(tiers)] = torch.tensor([place for place, _ in tiers])
        tier_JK[number, : len(tiers)] = torch.tensor([tier for _, tier in tiers])
    return place_JK, tier_JK


def tiers_of(entry: Judgment, same: Sequence[int]) -> list[tuple[int, int]]:
    """Place and tier (from 0) of every ranked completion; of equal texts only the first ranked one."""
    seen: set[int] = set()
    ranked: list[tuple[int, int]] = []
    for place, rank in enumerate(entry.ranks):
        if rank is not None and same[place] not in seen:
            seen.add(same[place])
            ranked.append((place, rank))
    tier = {rank: number for number, rank in enumerate(sorted({rank for _, rank in ranked}))}
    return [(place, tier[rank]) for place, rank in ranked]


def accuracy(score_N: Tensor, pairs: PairBatch) -> tuple[float, int]:
    """Share of decided pairs that the scores order as people did (equal scores count half), and their number."""
    margin_M = (score_N[pairs.first_M] - score_N[pairs.second_M])[~pairs.tie_M]
    right_M = (margin_M > 0).float() + 0.5 * (margin_M == 0).float()
    return (float(right_M.mean()) if len(right_M) else 0.0), len(right_M)
